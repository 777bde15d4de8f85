"""Tumbling and hopping windows: as `TimeWindows` and its aggregation have them."""

from tests.kafka_streams.case_notation import Case
from tests.kafka_streams.shapes import Shape

TEN = Shape("tumbling", 10, 10, 0)
TEN_GRACE = Shape("tumbling", 10, 10, 5)

ALIGNED = (
    Case(
        "a window holds its start and not its end",
        "At 10 the second window begins, and with no grace the first is closed.",
        TEN,
        "a@0 a@9 a@10 a@19 a@9!",
        "a[0,10)=2 a[10,20)=2",
    ),
    Case(
        "windows of one millisecond",
        "Each instant is a window of its own.",
        Shape("tumbling", 1, 1, 1),
        "a@5 a@5 a@6 a@5 a@7 a@5! a@6",
        "a[5,6)=3 a[6,7)=2 a[7,8)=1",
    ),
    Case(
        "no grace",
        "A window takes events until stream time is at its end: 19 is not, 20 is.",
        TEN,
        "a@12 b@19 a@11 b@20 a@13!",
        "a[10,20)=2 b[10,20)=1 b[20,30)=1",
    ),
    Case(
        "the last millisecond of the grace",
        "End 20 and grace 5: open with stream time at 24, closed at 25.",
        TEN_GRACE,
        "a@12 b@24 a@11 b@25 a@13!",
        "a[10,20)=2 b[20,30)=2",
    ),
    Case(
        "one stream time for all users",
        "A user's windows are closed by another's events, also for a user who is new.",
        TEN_GRACE,
        "a@3 b@15 a@9! c@1! c@10",
        "a[0,10)=1 b[10,20)=1 c[10,20)=1",
    ),
    Case(
        "an event's own time counts first",
        "The event that closes a window finds its own open, however far it leaps.",
        TEN,
        "a@3 a@1000 a@999! a@4! a@1001",
        "a[0,10)=1 a[1000,1010)=2",
    ),
    Case(
        "out of order within the grace",
        "Order does not matter while a window is open.",
        Shape("tumbling", 10, 10, 30),
        "a@31 a@5 a@14 a@6 a@39 a@9",
        "a[30,40)=2 a[0,10)=3 a[10,20)=1",
    ),
    Case(
        "values add up, and none is none",
        "An event without a value counts in windows that are aligned.",
        TEN_GRACE,
        "a@1=5 a@2=- a@3=-9 b@4=-",
        "a[0,10)=3/-4 b[0,10)=1/0",
    ),
    Case(
        "progress within a window closes nothing",
        "Stream time goes from 21 to 24 and no further end is passed.",
        TEN_GRACE,
        "a@21 a@22 b@23 a@24 a@35",
        "a[20,30)=3 b[20,30)=1 a[30,40)=1",
    ),
    Case(
        "several windows close at once",
        "One event passes the ends of four windows of two users.",
        Shape("tumbling", 10, 10, 25),
        "a@1 b@12 a@13 b@24 c@60",
        "a[0,10)=1 b[10,20)=1 a[10,20)=1 b[20,30)=1 c[60,70)=1",
    ),
    Case(
        "every hopping window that holds the event",
        "Size 12, step 5: 21 lies in the windows from 10, 15 and 20; 22 in those from 15 and 20.",
        Shape("hopping", 12, 5, 0),
        "a@21 a@22",
        "a[10,22)=1 a[15,27)=2 a[20,32)=2",
    ),
    Case(
        "hopping windows that barely overlap",
        "Size 10, step 9: only an event at a start is in two windows.",
        Shape("hopping", 10, 9, 0),
        "a@17 a@18 a@19 a@27",
        "a[9,19)=2 a[18,28)=3 a[27,37)=1",
    ),
    Case(
        "hopping by its size is tumbling",
        "Step and size are equal.",
        Shape("hopping", 10, 10, 0),
        "a@9 a@10 a@25",
        "a[0,10)=1 a[10,20)=1 a[20,30)=1",
    ),
    Case(
        "no hopping window before the epoch",
        "Those that would begin below 0 do not exist.",
        Shape("hopping", 12, 5, 0),
        "a@0 a@4 a@7 a@11",
        "a[0,12)=4 a[5,17)=2 a[10,22)=1",
    ),
    Case(
        "late for some hopping windows only",
        "At stream time 12 the window up to 10 is closed: 9 counts in the one from 5 alone. At 15"
        " that is closed too.",
        Shape("hopping", 10, 5, 0),
        "a@8 b@12 a@9 b@15 a@9!",
        "a[0,10)=1 a[5,15)=2 b[5,15)=1 b[10,20)=2 b[15,25)=1",
    ),
    Case(
        "late for some hopping windows with a grace",
        "Grace 3: at 12 the window up to 10 is open, at 13 closed.",
        Shape("hopping", 10, 5, 3),
        "a@8 b@12 a@9 b@13 a@9 b@18 a@9! a@10",
        "a[0,10)=2 a[5,15)=3 b[5,15)=2 b[10,20)=3 b[15,25)=1 a[10,20)=1",
    ),
)
