"""Lambda in the lab: the built functions, invoked as the service would, each in its own role."""

import json
import traceback
import uuid
from datetime import datetime, timedelta

from lab.clock import Clock
from lab.documents import Fields, Json
from lab.function_process import FunctionProcess
from lab.gate import Gate
from lab.identities import SESSION_DURATION
from lab.invocation_failures import OnFailure
from lab.invocations import Context, FunctionSettings, Invocation
from lab.queues import Queues
from lab.topics import Topics

RETRY_DELAYS = (timedelta(minutes=1), timedelta(minutes=2))  # of asynchronous invocations
# An environment is given up well before its session ends, as Lambda recycles its own.
ENVIRONMENT_LIVES = SESSION_DURATION * 3 / 4


class Functions:
    """Every function of the lab, by ARN."""

    def __init__(self, gate: Gate, clock: Clock, *, queues: Queues, topics: Topics) -> None:
        self.invocations: list[Invocation] = []
        self._gate = gate
        self._clock = clock
        self._failures = OnFailure(clock, queues, topics)
        self._settings: dict[str, FunctionSettings] = {}
        self._processes: dict[str, tuple[datetime, FunctionProcess]] = {}

    def deploy(self, settings: FunctionSettings) -> None:
        """Have this function, or its new version; the next invocation is a cold start."""
        self._settings[settings.arn] = settings
        self._processes.pop(settings.arn, None)

    def remove(self, arn: str) -> None:
        """Have it no more."""
        self._settings.pop(arn, None)
        self._processes.pop(arn, None)

    def has(self, arn: str) -> bool:
        """Whether there is such a function."""
        return arn in self._settings

    def settings(self, arn: str) -> FunctionSettings:
        """The function with this ARN; `KeyError` where there is none."""
        return self._settings[arn]

    def invoke(self, arn: str, event: Json) -> Invocation:
        """Run the function once and wait for it."""
        settings = self._settings[arn]
        request_id = str(uuid.uuid4())
        began = self._clock.now()
        context = self._context(settings, request_id)
        result: Json = None
        error: Fields | None = None
        with self._process(settings).running() as (handler, printed):
            try:
                result = json.loads(json.dumps(handler(json.loads(json.dumps(event)), context)))
            # What a handler raises is its answer: Lambda lets nothing through but this shape.
            except (Exception, SystemExit) as raised:  # noqa: BLE001 - see above
                error = _shown(raised, request_id)
        if error is None and self._clock.now() > context.deadline:
            seconds = f"{settings.timeout.total_seconds():.2f}"
            error = {"errorMessage": f"{request_id} Task timed out after {seconds} seconds"}
        invocation = Invocation(
            at=began,
            function=settings.logical_id,
            request_id=request_id,
            event=event,
            result=result if error is None else None,
            error=error,
            printed=tuple("".join(printed).splitlines()),
        )
        self.invocations.append(invocation)
        return invocation

    def send(self, arn: str, payload: str, *, source_arn: str) -> str | None:
        """Invoke asynchronously for a rule, if the function's policy lets it; else why not."""
        settings = self._settings.get(arn)
        if settings is None:
            return f"there is no {arn}"
        if ("events.amazonaws.com", source_arn) not in settings.invokers:
            return f"the policy of {arn} does not let {source_arn} invoke it"
        self.invoke_later(arn, json.loads(payload))
        return None

    def invoke_later(self, arn: str, event: Json) -> None:
        """Invoke asynchronously: retried as the function says, then its OnFailure destination."""
        accepted = self._clock.now()

        def attempt(number: int) -> None:
            settings = self._settings[arn]
            invocation = self.invoke(arn, event)
            if invocation.error is None:
                return
            delay = RETRY_DELAYS[min(number, len(RETRY_DELAYS)) - 1]
            is_too_old = self._clock.now() + delay - accepted > settings.maximum_age
            if number <= settings.retries and not is_too_old:
                label = f"{settings.name} is retried"
                self._clock.after(delay, label, lambda: attempt(number + 1))
            elif settings.on_failure:
                self._failures.report(
                    settings.on_failure,
                    function_arn=arn,
                    request_id=invocation.request_id,
                    attempts=number,
                    event=event,
                    error=invocation.error,
                    is_too_old=is_too_old,
                )

        name = self._settings[arn].name
        self._clock.after(timedelta(0), f"{name} is invoked", lambda: attempt(1))

    def _process(self, settings: FunctionSettings) -> FunctionProcess:
        kept = self._processes.get(settings.arn)
        if kept is not None and self._clock.now() - kept[0] < ENVIRONMENT_LIVES:
            return kept[1]
        credentials = self._gate.session_credentials(settings.role_arn, settings.name)
        process = FunctionProcess(
            settings.logical_id,
            settings.code,
            settings.handler,
            {
                **settings.environment,
                "AWS_ACCESS_KEY_ID": credentials.access_key_id,
                "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
                "AWS_SESSION_TOKEN": credentials.session_token,
                "AWS_REGION": settings.region,
                "AWS_DEFAULT_REGION": settings.region,
                "AWS_LAMBDA_FUNCTION_NAME": settings.name,
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(settings.memory),
                "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                "AWS_LAMBDA_LOG_GROUP_NAME": settings.log_group,
                "HOME": "/home/sbx_user1051",  # as on Lambda, and no place with anyone's ~/.aws
                "TZ": ":UTC",
            },
        )
        self._processes[settings.arn] = (self._clock.now(), process)
        return process

    def _context(self, settings: FunctionSettings, request_id: str) -> Context:
        now = self._clock.now()
        return Context(
            function_name=settings.name,
            invoked_function_arn=settings.arn,
            aws_request_id=request_id,
            memory_limit_in_mb=settings.memory,
            log_group_name=settings.log_group,
            log_stream_name=f"{now:%Y/%m/%d}/{settings.name}[$LATEST]",
            deadline=now + settings.timeout,
            clock=self._clock,
        )


def _shown(error: BaseException, request_id: str) -> Fields:
    trace: list[Json] = [line.rstrip("\n") for line in traceback.format_tb(error.__traceback__)]
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": request_id,
        "stackTrace": trace,
    }
