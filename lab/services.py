"""The services of the lab's AWS that move events and run functions, wired to each other."""

from dataclasses import dataclass, field

from lab.clock import Clock
from lab.event_sources import Delivery
from lab.functions import Functions
from lab.gate import Gate
from lab.invoke_api import InvokeApi
from lab.put_events import PutEvents
from lab.queues import Queues
from lab.routing import Router
from lab.rule_targets import RuleTargets
from lab.schedules import Schedules
from lab.topics import Topics
from lab.trace import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """SQS, SNS, EventBridge and Lambda of one lab, and the record of what they did."""

    gate: Gate
    clock: Clock
    trace: Trace
    queues: Queues
    topics: Topics
    router: Router
    events: PutEvents
    schedules: Schedules
    functions: Functions
    deliveries: list[Delivery] = field(default_factory=list)

    @classmethod
    def install(cls, gate: Gate, clock: Clock) -> "Services":
        """Put the services behind this gate, on this clock."""
        trace = Trace()
        queues = Queues(gate)
        topics = Topics(gate, clock, queues)
        targets = RuleTargets(gate, queues, topics)
        router = Router(clock, trace, targets)
        functions = Functions(gate, clock, queues=queues, topics=topics)
        targets.connect(functions)
        InvokeApi(functions).install(gate)
        return cls(
            gate=gate,
            clock=clock,
            trace=trace,
            queues=queues,
            topics=topics,
            router=router,
            events=PutEvents(gate, clock, router),
            schedules=Schedules(clock, router),
            functions=functions,
        )
