"""The stack in tests/data/small_stack, deployed into an empty lab."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lab.build import Build
from lab.clients import AwsClient
from lab.clock import Clock
from lab.deployment import Deployment
from lab.documents import Fields, read_template
from lab.gate import Gate
from lab.physical import Place
from lab.services import Services
from lab.trace import Hop, Passage

CHECKOUT = Path(__file__).parents[3]
FOLDER = CHECKOUT / "tests/data/small_stack"
ACCOUNT, REGION = "111111111111", "eu-west-1"
START = datetime(2026, 1, 15, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOME = Place(account=ACCOUNT, region=REGION, stack="replimend")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallStack:
    """The deployed stack and the lab around it."""

    clock: Clock
    gate: Gate
    services: Services
    deployment: Deployment

    def arn(self, logical_id: str) -> str:
        assert self.deployment.stack is not None
        return self.deployment.stack.resource(logical_id).physical.arn

    def url(self, logical_id: str) -> str:
        assert self.deployment.stack is not None
        return self.deployment.stack.resource(logical_id).physical.reference

    def send(self, queue: str, *bodies: str) -> None:
        for body in bodies:
            self.services.queues.send(self.arn(queue), body)

    def bodies(self, queue: str) -> tuple[str, ...]:
        return self.services.queues.bodies(self.arn(queue))

    def invoke(self, function: str, event: Fields) -> Fields:
        invocation = self.services.functions.invoke(self.arn(function), event)
        assert invocation.error is None, invocation.error
        assert isinstance(invocation.result, dict)
        return invocation.result

    def batches(self) -> list[int]:
        """How many messages each batch had that a function was handed."""
        sizes = []
        for delivery in self.services.deliveries:
            records = delivery.event["Records"]
            assert isinstance(records, list)
            sizes.append(len(records))
        return sizes

    def hops(self, target: str) -> list[Passage]:
        return [hop.passage for hop in self.hops_to(target)]

    def hops_to(self, target: str) -> list[Hop]:
        return self.services.trace.to(self.arn(target))

    def client(self, service: str) -> AwsClient:
        return self.gate.client(service, ACCOUNT, REGION)

    def redeploy(self, **parameters: str) -> None:
        self.deployment.deploy(parameters, settle=_nothing)


def template() -> Fields:
    """The stack's template, read anew: a test may change it."""
    return read_template(FOLDER / "template.yaml")


def build() -> Build:
    """The stack as a build, with the project's own member template."""
    echo = FOLDER / "functions/echo"
    return Build(
        template=template(),
        code={"EchoFunction": echo, "TickFunction": echo},
        member_template=read_template(CHECKOUT / "templates/member.yaml"),
    )


@contextmanager
def deployed(
    changed: Fields | None = None, *, code: Path | None = None, **parameters: str
) -> Generator[SmallStack]:
    """The stack in an empty lab; `changed` in place of its template, `code` of its functions'."""
    clock, gate = Clock(START), Gate()
    with clock, gate:
        services = Services.install(gate, clock)
        folders = {name: code or folder for name, folder in build().code.items()}
        deployment = Deployment(changed or template(), HOME, services, code=folders)
        deployment.deploy(parameters, settle=_nothing)
        yield SmallStack(clock=clock, gate=gate, services=services, deployment=deployment)


def _nothing() -> None:
    """Nothing has to settle: without the lab's KMS and S3, policies are in force at once."""
