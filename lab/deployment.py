"""A stack of a template, deployed into the lab: made in moto, its functions and flows running."""

from collections.abc import Callable, Mapping
from pathlib import Path

from botocore.exceptions import ClientError

from lab.documents import Fields
from lab.errors import TemplateError
from lab.event_sources import EventSource, EventSourceRunner
from lab.function_settings import function_settings
from lab.making import MAKERS, REMOVERS, Make
from lab.making.aws import Aws
from lab.physical import Place
from lab.pipes import Pipe, PipeRunner
from lab.service_access import ServiceAccess
from lab.services import Services
from lab.template import Resource, Stack, resolve

FUNCTION = "AWS::Lambda::Function"
MADE_BY_RUNNING = (
    FUNCTION,
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Permission",
    "AWS::Pipes::Pipe",
)


class Deployment:
    """One stack in one place; it is updated by deploying it again, with what it holds kept."""

    def __init__(
        self, template: Fields, place: Place, services: Services, *, code: Mapping[str, Path]
    ) -> None:
        self.stack: Stack | None = None
        self.parameters: dict[str, str] = {}
        self.place = place
        self._template = template
        self._services = services
        self._code = code
        self._aws = Aws(gate=services.gate, account=place.account, region=place.region)
        self._access = ServiceAccess(services.gate)
        self._runners: list[PipeRunner | EventSourceRunner] = []

    def deploy(self, parameters: Mapping[str, str], *, settle: Callable[[], None]) -> Stack:
        """Make or update the stack; `TemplateError` says what CloudFormation would refuse.

        `settle` is called once everything is made: policies of a deployment are in force by its
        end, since CloudFormation takes longer than IAM.
        """
        before, stack = self.stack, resolve(self._template, self.place, parameters)
        for runner in self._runners:
            runner.stop()
        self._runners.clear()
        if before is not None:
            self._remove_what_is_gone(before, stack)
        unchanged = _services_without_change(before, stack)
        for kind, make in MAKERS:
            for resource in stack.of_kind(kind) if _service_of(kind) not in unchanged else ():
                self._made(make, resource)
        settle()
        self.stack = stack
        self.parameters = dict(parameters)
        self._run(stack)
        return stack

    def _made(self, make: Make, resource: Resource) -> None:
        try:
            make(self._aws, resource)
        except ClientError as error:
            raise TemplateError(f"Resources.{resource.logical_id}: {error}") from error

    def _remove_what_is_gone(self, before: Stack, after: Stack) -> None:
        kept = {resource.logical_id for resource in after.resources}
        gone = [resource for resource in before.resources if resource.logical_id not in kept]
        for resource in reversed(gone):
            if resource.kind == FUNCTION:
                self._services.functions.remove(resource.physical.arn)
            elif resource.kind not in MADE_BY_RUNNING:
                remove = REMOVERS.get(resource.kind)
                if remove is None:
                    raise TemplateError(
                        f"Resources.{resource.logical_id}: the lab cannot remove {resource.kind}"
                    )
                self._made(remove, resource)

    def _run(self, stack: Stack) -> None:
        for resource in stack.of_kind(FUNCTION):
            self._deploy_function(stack, resource)
        for resource in stack.of_kind("AWS::Events::Rule"):
            expression = resource.properties.get("ScheduleExpression")
            if expression is not None:
                self._services.schedules.put(resource.physical.arn, str(expression))
        for resource in stack.of_kind("AWS::Pipes::Pipe"):
            self._start(self._pipe(resource))
        for resource in stack.of_kind("AWS::Lambda::EventSourceMapping"):
            self._start(self._event_source(stack, resource))

    def _deploy_function(self, stack: Stack, resource: Resource) -> None:
        settings = function_settings(stack, resource, self._code)
        distrust = self._access.objection_to_service(
            "lambda.amazonaws.com",
            "sts:AssumeRole",
            settings.role_arn,
            source_arn=settings.arn,
            source_account=self.place.account,
        )
        if distrust is not None:
            raise TemplateError(f"Resources.{resource.logical_id}: {distrust}")
        self._services.functions.deploy(settings)

    def _start(self, runner: PipeRunner | EventSourceRunner) -> None:
        runner.start()
        self._runners.append(runner)

    def _pipe(self, resource: Resource) -> PipeRunner:
        services = self._services
        return PipeRunner(
            Pipe.parse(resource.physical.arn, resource.properties),
            gate=services.gate,
            clock=services.clock,
            trace=services.trace,
            queues=services.queues,
            events=services.events,
        )

    def _event_source(self, stack: Stack, resource: Resource) -> EventSourceRunner:
        services = self._services
        function = _function_named(stack, str(resource.properties.get("FunctionName")))
        source = EventSource.parse(
            f"Resources.{resource.logical_id}", function.physical.arn, resource.properties
        )
        return EventSourceRunner(
            source,
            services.deliveries,
            gate=services.gate,
            clock=services.clock,
            trace=services.trace,
            queues=services.queues,
            functions=services.functions,
        )


def _services_without_change(before: Stack | None, after: Stack) -> frozenset[str]:
    """The services of whose resources an update changes none: CloudFormation leaves them alone.

    They are looked at as a whole, since making one resource may undo what belongs to another.
    """
    if before is None:
        return frozenset()
    had = {resource.logical_id: resource for resource in before.resources}
    has = {resource.logical_id: resource for resource in after.resources}
    changed = {
        _service_of(resource.kind)
        for resource in (*before.resources, *after.resources)
        if had.get(resource.logical_id) != has.get(resource.logical_id)
    }
    return frozenset(_service_of(kind) for kind, _ in MAKERS) - changed


def _service_of(kind: str) -> str:
    return kind.rsplit("::", 1)[0]


def _function_named(stack: Stack, name: str) -> Resource:
    for resource in stack.of_kind(FUNCTION):
        if name in {resource.physical.name, resource.physical.arn}:
            return resource
    raise TemplateError(f"this stack has no function {name}")
