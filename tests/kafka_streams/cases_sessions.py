"""Sessions: as `SessionWindows` and its aggregation have them, with each way to keep the store."""

from dataclasses import replace

from tests.kafka_streams.case_notation import Case
from tests.kafka_streams.shapes import Shape

GAP = Shape("session", 10, 10, 0, "closing")
GAP_GRACE = Shape("session", 10, 10, 5, "closing")
PATIENT = Shape("session", 10, 10, 500, "closing")
EARLY = ("suppress-early",)

SESSIONS = (
    Case(
        "exactly the gap apart is together",
        "110 - 100 = 10 belongs to it, 121 - 110 = 11 does not.",
        PATIENT,
        "a@100 a@110 a@121",
        "a[100,110]=2 a[121,121]=1",
    ),
    Case(
        "exactly the gap apart, backwards",
        "The same before a session's first event.",
        PATIENT,
        "a@121 a@110 a@100",
        "a[121,121]=1 a[100,110]=2",
    ),
    Case(
        "equal times are one session",
        "A session may be a single instant.",
        PATIENT,
        "a@100 a@100 b@100",
        "a[100,100]=2 b[100,100]=1",
    ),
    Case(
        "an event merges two sessions",
        "111 stands exactly the gap from both; by a millisecond less, 131 does not reach 142.",
        PATIENT,
        "a@101 a@121 a@111 a@142 a@131",
        "a[101,131]=4 a[142,142]=1",
    ),
    Case(
        "an event merges many sessions",
        "Those of others are left alone, and so is one that is too far.",
        PATIENT,
        "a@100 b@104 a@112 a@140 a@106 b@118 a@124 a@132",
        "b[104,104]=1 b[118,118]=1 a[100,112]=3 a[124,140]=3",
    ),
    Case(
        "an event inside of a session",
        "Neither first nor last changes.",
        PATIENT,
        "a@100 a@108 a@104",
        "a[100,108]=3",
    ),
    Case(
        "late with no grace",
        "A session up to 100 is closed when stream time is past 110.",
        GAP,
        "a@100 b@110 a@100 b@111 a@100!",
        "a[100,100]=2 b[110,111]=2",
        rules=EARLY,
    ),
    Case(
        "late with a grace",
        "The same, later by the grace.",
        GAP_GRACE,
        "a@100 b@115 a@100 b@116 a@100! a@101",
        "a[100,100]=2 b[115,116]=2 a[101,101]=1",
        rules=EARLY,
    ),
    Case(
        "late by itself, in time with its session",
        "92 alone would be closed, but reaches an open session; 88 reaches what that has become.",
        GAP,
        "a@100 a@108 b@118 a@92 a@88 b@119 a@95!",
        "b[118,119]=2 a[88,108]=4",
        rules=EARLY,
    ),
    Case(
        "a closed session is as if absent",
        "105 is in time, the session at 100 is closed: no merge.",
        GAP,
        "a@100 b@111 a@105",
        "a[100,100]=1 b[111,111]=1 a[105,105]=1",
    ),
    Case(
        "of two in reach one is closed",
        "109 merges with the open session at 118 only.",
        GAP,
        "a@100 a@118 a@109 b@125 a@105",
        "a[100,100]=1 b[125,125]=1 a[105,118]=3",
    ),
    Case(
        "a session grows around a closed one",
        "Step by step backwards, each in reach of what is open.",
        GAP,
        "a@100 a@114 a@106 a@97",
        "a[100,100]=1 a[97,114]=3",
    ),
    Case(
        "a leap closes all",
        "One event passes several sessions; the longest quiet leaves nothing open.",
        GAP_GRACE,
        "a@100 b@101 a@105 c@112 d@900 a@105! d@901",
        "a[100,105]=2 b[101,101]=1 c[112,112]=1 d[900,901]=2",
    ),
    Case(
        "let out early, then grown",
        "At 115, the last millisecond of a's session, suppress lets it out; 105 still merges with"
        " it, and both are let out.",
        GAP_GRACE,
        "a@100 b@115 a@105 b@121",
        "a[100,105]=2 b[115,121]=2",
        rules=EARLY,
    ),
    Case(
        "a session that has gone into another is not let out",
        "Only what is there at the close.",
        GAP_GRACE,
        "a@100 a@105 a@112 b@140",
        "a[100,112]=3 b[140,140]=1",
    ),
    Case(
        "the store forgets too early",
        "At 115 the session at 100 is open by the aggregation, but a store with the retention that"
        " Kafka Streams chooses has dropped it: 105 starts anew.",
        replace(GAP_GRACE, store="default"),
        "a@100 b@115 a@105",
        "a[100,105]=2 b[115,115]=1",
        "a[100,100]=1 b[115,115]=1 a[105,105]=1",
        ("store-early",),
    ),
    Case(
        "the store refuses what is in time",
        "100 is in time at 115: forwarded, counted as dropped, and not kept.",
        replace(GAP_GRACE, store="default"),
        "b@115 a@100 a@100",
        "b[115,115]=1 a[100,100]=2",
        "b[115,115]=1 a[100,100]=1",
        ("store-early",),
    ),
    Case(
        "two sessions over each other, and the store refuses events of both",
        "The second 100 is of the session that closes at 116, and not of the one that 95 and 104"
        " are, made later around it.",
        replace(GAP_GRACE, store="default"),
        "a@80 a@90 a@100 b@115 a@100 b@119 a@104 a@95",
        "a[80,100]=4 b[115,119]=2 a[95,104]=2",
        "a[80,100]=3 a[100,100]=1 b[115,119]=2 a[104,104]=1",
        ("store-early",),
    ),
    Case(
        "a closed session is reopened",
        "105 is in time; the store still holds the closed session at 100.",
        replace(GAP, store="long"),
        "a@100 b@111 a@105",
        "a[100,100]=1 b[111,111]=1 a[105,105]=1",
        "b[111,111]=1 a[100,105]=2",
        ("reopened",),
    ),
    Case(
        "what was reopened takes what is late",
        "96 reaches the reopened session only.",
        replace(GAP, store="long"),
        "a@100 b@111 a@107 a@96!",
        "a[100,100]=1 b[111,111]=1 a[107,107]=1",
        "b[111,111]=1 a[96,107]=3",
        ("reopened",),
    ),
)
