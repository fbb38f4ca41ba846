"""The lab: a scenario's AWS, the built application deployed in it. It models AWS and is not AWS.

with Lab.from_scenario(Path("lab/scenarios/flagship.yaml")) as lab:
lab.run()                                      # objects fail, triage explains
lab.deploy(lab.scenario.limits["repair"])      # now it may repair
lab.invoke("TriageFunction", {"bucket": …, "key": …, "versionId": …})
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from botocore.exceptions import ClientError

from lab.bucket_notifications import BucketNotifications
from lab.build import Build, find_build
from lab.clients import AwsClient
from lab.clock import Clock
from lab.deployment import Deployment
from lab.documents import Fields, Json
from lab.errors import LabError
from lab.event_sources import Delivery
from lab.function_gate import FunctionGate
from lab.gate import CallRecord, Gate
from lab.invocations import Invocation
from lab.members import home_place, member_parameters, member_places
from lab.queues import short_polls
from lab.scenario import Scenario
from lab.services import Services
from lab.stacks_api import StacksApi
from lab.storage import Storage, install_storage
from lab.template import Stack
from lab.topics import Publication
from lab.trace import Hop
from lab.uploads import Uploaded, Uploads
from lab.world import WorldMaker
from lab.world_changes import WorldChanges

NOTIFICATION_QUEUE = "NotificationQueue"
AN_HOUR = timedelta(hours=1)


class FunctionFailedError(LabError):
    """A function that was invoked raised an error; the message is the function's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line that a function printed."""

    at: datetime
    function: str
    request_id: str
    text: str


class Lab:
    """One scenario, made when the context is entered and forgotten at its end.

    The home stack is deployed with the limits of the phase `observe`, member stacks where the world
    has other Regions or accounts, and the objects are put as the clock runs.
    """

    def __init__(self, scenario: Scenario, build: Build, *, clock: Clock | None = None) -> None:
        self.scenario = scenario
        self.gate: Gate = FunctionGate()
        self.clock = clock or Clock(scenario.start)
        self.services = Services.install(self.gate, self.clock)
        notifications = BucketNotifications(
            self.gate, self.clock, self.services.trace, self.services.queues
        )
        self.storage: Storage = install_storage(
            self.gate,
            self.clock,
            scenario.behaviour,
            deliver_notification=notifications.deliver,
            publish=self.services.router.publish,
            organization=scenario.organization,
        )
        self.home = Deployment(
            build.template, home_place(scenario.world), self.services, code=build.code
        )
        self.members = tuple(
            Deployment(build.member_template, place, self.services, code={})
            for place in (member_places(scenario.world) if scenario.has_members else ())
        )
        self._build = build
        self._uploads = Uploads(self.gate, self.clock, scenario.world, scenario.objects)
        self._changes = WorldChanges(
            self.gate,
            self.clock,
            self.storage,
            uploads=self._uploads,
            world=scenario.world,
            turns=scenario.later,
        )
        self._open = ExitStack()

    @classmethod
    def from_scenario(
        cls, scenario: Path | Scenario, build: Build | None = None, *, clock: Clock | None = None
    ) -> "Lab":
        """A lab of that scenario; `LabError`, in one line, for a file or build that is no use."""
        loaded = Scenario.load(scenario) if isinstance(scenario, Path) else scenario
        return cls(loaded, build or find_build(), clock=clock)

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            opening.enter_context(self.gate)
            opening.enter_context(short_polls())
            # Last in and first out: nothing may become due in a world that is being taken down.
            opening.enter_context(self.clock)
            self._make()
            self._open = opening.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def run(self, limit: timedelta = AN_HOUR) -> timedelta:
        """Let everything happen that is under way, for at most `limit` of lab time."""
        return self.clock.run(limit)

    def now(self) -> datetime:
        """Lab time, in UTC."""
        return self.clock.now()

    def deploy(self, parameters: Mapping[str, str]) -> None:
        """Deploy the home stack with these parameters, and the member stacks to match.

        What the stacks hold is kept. `TemplateError` says what CloudFormation would refuse.
        """
        settle = self.storage.policies.settle
        self.home.deploy(parameters, settle=settle)
        for member in self.members:
            member.deploy(
                member_parameters(
                    self._build.member_template, self.scenario.world, parameters, member.place
                ),
                settle=settle,
            )

    def invoke(self, function: str, payload: Json) -> Fields:
        """The function's answer to this payload; `function` is its logical id in the template."""
        arn = self.stack.resource(function).physical.arn
        invocation = self.services.functions.invoke(arn, payload)
        if invocation.error is not None:
            kind = invocation.error.get("errorType", "error")
            raise FunctionFailedError(f"{function}: {kind}: {invocation.error.get('errorMessage')}")
        return invocation.result if isinstance(invocation.result, dict) else {}

    def redeliver(self) -> tuple[Invocation, ...]:
        """Hand every batch in again that a function was ever handed, in the same order."""
        return tuple(
            self.services.functions.invoke(delivery.function_arn, delivery.event)
            for delivery in tuple(self.deliveries)
        )

    def client(self, service: str, account: str = "", region: str = "") -> AwsClient:
        """A boto3 client of an administrator, of the home account and Region unless said."""
        home = self.home.place
        return self.gate.client(service, account or home.account, region or home.region)

    @property
    def stack(self) -> Stack:
        """The home stack as it is deployed now."""
        if self.home.stack is None:
            raise LabError("the lab is not open")
        return self.home.stack

    @property
    def calls(self) -> list[CallRecord]:
        """Every AWS call since the world was made, whoever made it."""
        return self.gate.calls

    @property
    def deliveries(self) -> list[Delivery]:
        """Every batch of messages that a function was handed."""
        return self.services.deliveries

    @property
    def invocations(self) -> list[Invocation]:
        """Every run of a function."""
        return self.services.functions.invocations

    @property
    def logs(self) -> list[LogLine]:
        """Every line that the functions printed."""
        return [
            LogLine(at=each.at, function=each.function, request_id=each.request_id, text=line)
            for each in self.invocations
            for line in each.printed
        ]

    @property
    def trace(self) -> list[Hop]:
        """Every hop of an event or message."""
        return self.services.trace.hops

    @property
    def published(self) -> list[Publication]:
        """Every message that a topic sent."""
        return self.services.topics.published

    @property
    def versions(self) -> list[Uploaded]:
        """Every version of an object that was put, in that order."""
        return self._uploads.versions

    def messages(self, queue: str) -> tuple[str, ...]:
        """The bodies on one of the home stack's queues, by its logical id."""
        arn = self.stack.resource(queue).physical.arn
        return self.services.queues.bodies(arn)

    def _make(self) -> None:
        maker = WorldMaker(self.gate, self.scenario.world)
        try:
            maker.make()
            self.deploy(self.scenario.limits["observe"])
            maker.connect(self.stack.resource(NOTIFICATION_QUEUE).physical.arn)
        except ClientError as error:
            raise LabError(f"{self.scenario.name}: the world cannot be made: {error}") from error
        StacksApi((self.home, *self.members), self.now()).install(self.gate)
        self.storage.policies.settle()
        self.gate.calls.clear()
        self.storage.trail.history.forget()
        self._uploads.plan()
        self._changes.plan()
