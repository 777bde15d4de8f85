"""Sliding windows: the contract's end at events, Kafka Streams' also begin just after them."""

from tests.kafka_streams.case_notation import Case
from tests.kafka_streams.shapes import Shape

TEN = Shape("sliding", 10, 10, 0)
TEN_GRACE = Shape("sliding", 10, 10, 5)
PATIENT = Shape("sliding", 10, 10, 500)
MORE = "window-at-no-event"
BEHIND = "behind-the-grace"
EARLY = "suppress-early"

SLIDING = (
    Case(
        "both ends belong to the window",
        "110 reaches back to 100, 111 does not.",
        PATIENT,
        "a@100 a@110 a@111",
        "a[90,100]=1/1 a[100,110]=2/2 a[101,111]=2/2",
        "a[90,100]=1/1 a[101,111]=2/2 a[100,110]=2/2 a[111,121]=1/1",
        (MORE,),
    ),
    Case(
        "equal times share a window",
        "There is one window for each event time.",
        PATIENT,
        "a@100=1 a@100=3 a@104=5",
        "a[90,100]=2/4 a[94,104]=3/9",
        "a[90,100]=2/4 a[101,111]=1/5 a[94,104]=3/9",
        (MORE,),
    ),
    Case(
        "out of order within the grace",
        "Each counts in all windows that hold it, made before or after.",
        PATIENT,
        "a@110 a@105=2 a@107=4 a@120=8",
        "a[100,110]=3/7 a[95,105]=1/2 a[97,107]=2/6 a[110,120]=2/9",
        "a[100,110]=3/7 a[95,105]=1/2 a[106,116]=2/5 a[97,107]=2/6 a[108,118]=1/1"
        " a[111,121]=1/8 a[110,120]=2/9",
        (MORE,),
    ),
    Case(
        "each user has windows of its own",
        "Stream time is all that they share.",
        TEN_GRACE,
        "a@100 b@103 a@106=2 b@106=2 c@105",
        "a[90,100]=1/1 b[93,103]=1/1 a[96,106]=2/3 b[96,106]=2/3 c[95,105]=1/1",
        "a[90,100]=1/1 b[93,103]=1/1 a[101,111]=1/2 a[96,106]=2/3 b[104,114]=1/2 b[96,106]=2/3"
        " c[95,105]=1/1",
        (MORE,),
    ),
    Case(
        "an event without a value is not taken",
        "It is in no window and moves no stream time; Kafka Streams' metric grows by it.",
        TEN,
        "a@100 b@500=- a@101=2 a@95=-",
        "a[90,100]=1/1 a[91,101]=2/3",
        "a[90,100]=1/1 a[101,111]=1/2 a[91,101]=2/3",
        (EARLY, MORE),
    ),
    Case(
        "no grace",
        "A window is closed when stream time is past its end, which is in it.",
        TEN,
        "a@100 b@100 a@100 b@101 a@100!",
        "a[90,100]=2/2 b[90,100]=1/1 b[91,101]=2/2",
        "a[90,100]=2/2 b[90,100]=1/1 b[101,111]=1/1 b[91,101]=2/2",
        (EARLY, MORE),
    ),
    Case(
        "the last millisecond of the grace",
        "The same, later by the grace; suppress lets out twice.",
        TEN_GRACE,
        "a@100 b@105 a@100 b@106 a@100!",
        "a[90,100]=2/2 b[95,105]=1/1 b[96,106]=2/2",
        "a[90,100]=2/2 b[95,105]=1/1 b[106,116]=1/1 b[96,106]=2/2",
        (EARLY, MORE),
    ),
    Case(
        "late for each window that might hold it",
        "At 125 the last such window of 109 ends at 119; that of 110 would be open, had anyone come"
        " at its end.",
        TEN_GRACE,
        "a@100 b@125 a@109! a@110! c@119! c@120",
        "a[90,100]=1/1 b[115,125]=1/1 c[110,120]=1/1",
        rules=(EARLY,),
    ),
    Case(
        "behind the grace, in a window that is open",
        "104 finds its own window closed and counts in the one up to 108, and then in that of 110.",
        TEN_GRACE,
        "a@100 a@108 b@112 a@104=5 a@110",
        "a[90,100]=1/1 a[98,108]=3/7 b[102,112]=1/1 a[100,110]=4/8",
        "a[90,100]=1/1 a[101,111]=3/7 a[98,108]=3/7 b[102,112]=1/1 a[105,115]=2/2"
        " a[109,119]=1/1 a[100,110]=4/8",
        (MORE,),
    ),
    Case(
        "behind the grace, and not taken over",
        "104 counts in the window up to 112. The one up to 109, made afterwards, has it by the"
        " contract; Kafka Streams takes that over from the window up to 100.",
        TEN_GRACE,
        "a@100 a@112 a@104=5 a@109",
        "a[90,100]=1/1 a[102,112]=3/7 a[99,109]=3/7",
        "a[90,100]=1/1 a[102,112]=3/7 a[101,111]=2/6 a[105,115]=2/2 a[99,109]=2/2 a[110,120]=1/1",
        (BEHIND, MORE),
    ),
    Case(
        "late by the contract, taken over",
        "For 103 only the window from 101 is open, which ends at no event. From there it gets into"
        " the one up to 113.",
        TEN_GRACE,
        "a@100 a@106 b@112 a@103=5! a@113",
        "a[90,100]=1/1 a[96,106]=2/2 b[102,112]=1/1 a[103,113]=2/2",
        "a[90,100]=1/1 a[101,111]=2/6 a[96,106]=2/2 b[102,112]=1/1 a[104,114]=2/2"
        " a[107,117]=1/1 a[103,113]=3/7",
        (BEHIND, "late-but-for-those", MORE),
    ),
    Case(
        "an event before the start",
        "The window from 105 takes over the one from 101, and with it 104.",
        TEN,
        "a@100 b@105 a@104=5! a@106 a@115",
        "a[90,100]=1/1 b[95,105]=1/1 a[96,106]=2/2 a[105,115]=2/2",
        "a[90,100]=1/1 b[95,105]=1/1 a[101,111]=2/6 a[96,106]=2/2 a[107,117]=1/1 a[105,115]=3/7",
        ("before-the-start", EARLY, "late-but-for-those", MORE),
    ),
    Case(
        "made anew without what came before",
        "112 finds the window up to 111, which was closed for 106 and has 104 as its last. So it"
        " makes the one from 105 with itself alone, though 114 lies in it and came before.",
        TEN_GRACE,
        "a@100 a@102 b@111 a@104=5! b@117 a@106=7! a@114=2 a@112=3 a@115=4",
        "a[90,100]=1/1 a[92,102]=2/2 b[101,111]=1/1 b[107,117]=2/2 a[104,114]=2/5 a[102,112]=2/4"
        " a[105,115]=3/9",
        "a[90,100]=1/1 a[92,102]=2/2 b[101,111]=1/1 a[101,111]=2/6 a[103,113]=3/15 b[112,122]=1/1"
        " b[107,117]=2/2 a[107,117]=3/9 a[104,114]=4/17 a[105,115]=2/7 a[102,112]=3/9"
        " a[113,123]=2/6 a[115,125]=1/4",
        (BEHIND, EARLY, "late-but-for-those", "made-anew", MORE),
    ),
    Case(
        "windows that begin before the epoch",
        "Kafka Streams has one from 0 for all before its end; from there on they are equal.",
        PATIENT,
        "a@3 a@8=2 a@15=4",
        "a[-7,3]=1/1 a[-2,8]=2/3 a[5,15]=2/6",
        "a[0,10]=2/3 a[4,14]=1/2 a[9,19]=1/4 a[5,15]=2/6",
        (MORE, "near-the-epoch"),
    ),
    Case(
        "the window from the epoch",
        "An event at its end makes it one of the contract's.",
        PATIENT,
        "a@3 a@10=2 a@0=4",
        "a[-7,3]=2/5 a[0,10]=3/7 a[-10,0]=1/4",
        "a[0,10]=3/7 a[4,14]=1/2 a[1,11]=2/3",
        (MORE, "near-the-epoch"),
    ),
)
