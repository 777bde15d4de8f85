"""A TCP proxy between a worker and the broker that knows Kafka's frames.

`Proxy` runs in a thread of its own. Faults are `Rule`s, by API and transactional id:

    rule = proxy.add(Rule(Api.END_TXN, Action.DROP_ANSWER))
    await rule.struck()          # waits for the evidence
    rule.strikes[0].request      # what was hit
    rule.release()               # lets go what is held; it strikes no more

and for all connections at once `cut`, `pause`/`resume`, `latency`, `slow`; `sever` for some ways.
"""

from tests.chaos.proxy.frames import Api, Request
from tests.chaos.proxy.link import Way
from tests.chaos.proxy.proxy import Proxy, Route
from tests.chaos.proxy.rules import Action, Rule, Strike

__all__ = ["Action", "Api", "Proxy", "Request", "Route", "Rule", "Strike", "Way"]
