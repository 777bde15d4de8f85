"""Cases picked by hand: what Kafka Streams' own tests pin down, and each difference made small.

Each is data: events, the windows that come of them by the contract, and those of Kafka Streams
where they are others.
"""

from tests.kafka_streams.case_notation import Case
from tests.kafka_streams.cases_aligned import ALIGNED
from tests.kafka_streams.cases_sessions import SESSIONS
from tests.kafka_streams.cases_sliding import SLIDING

CASES: dict[str, Case] = {case.name: case for case in (*ALIGNED, *SLIDING, *SESSIONS)}
