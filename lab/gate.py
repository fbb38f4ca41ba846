"""The lab's one door to AWS: every call, in process or over HTTP, is judged, answered, recorded."""

import threading
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from lab import in_process, moto_world, security_token
from lab.authorization import Authorizer
from lab.clients import AwsClient, ClientFactory
from lab.demands import owner_of
from lab.identities import (
    SESSION_DURATION,
    Caller,
    CallerKind,
    Identities,
    SessionCredentials,
    administrator_key,
    backstage_key,
)
from lab.policies import PoliciesInForce, PoliciesOfMoto
from lab.requests import UnreadableRequestError, read_call
from lab.wire import (
    ApiCall,
    ApiError,
    HttpRequest,
    HttpResponse,
    error_code,
    error_response,
)

type Handler = Callable[[ApiCall], HttpResponse | None]
type Hook = Callable[[ApiCall, HttpResponse], HttpResponse | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One call as the lab answered it; `account` owns what it was about.

    `allowed` is whether the policies let it through; `error_code` is None for a success.
    """

    time: datetime
    caller: Caller
    service: str
    operation: str
    account: str
    region: str
    allowed: bool
    error_code: str | None


class Gate:
    """A world of AWS accounts in this process, empty when opened; one is open at a time.

    Inside the context every boto3 client of the process that speaks to AWS comes here, whenever it
    was made; `handle` is the same way in for HTTP. Calls are answered one after another; a handler
    may make calls of its own in the thread that runs it.
    """

    def __init__(self) -> None:
        self.calls: list[CallRecord] = []
        self.identities = Identities()
        self.policies: PoliciesInForce = PoliciesOfMoto()
        self._authorizer = Authorizer(lambda: self.policies)
        self._clients = ClientFactory()
        self._handlers: dict[tuple[str, str], list[Handler]] = defaultdict(list)
        self._hooks: dict[tuple[str, str], list[Hook]] = defaultdict(list)
        self._lock = threading.RLock()
        self._open = ExitStack()
        self.override("sts", "AssumeRole", lambda call: security_token.assume_role(self, call))
        self.override("sts", "GetCallerIdentity", security_token.get_caller_identity)

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            opening.enter_context(in_process.aws_is(self.handle))
            opening.enter_context(moto_world.empty_world())
            self._open = opening.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open.close()

    def override(self, service: str, operation: str, handler: Handler) -> None:
        """Answer this operation by `handler` instead of moto; its None leaves it to the next.

        Handlers run after authorization, in the order in which they were given; an `ApiError` that
        one raises reaches the caller in the service's own shape. Names are boto3's: "s3control",
        "CreateJob".
        """
        self._handlers[service, operation].append(handler)

    def after(self, service: str, operation: str, hook: Hook) -> None:
        """Call `hook` after every success of this operation; its answer, if any, replaces it."""
        self._hooks[service, operation].append(hook)

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one AWS request; whatever the caller did wrong is an answer too."""
        with self._lock:
            try:
                call = read_call(request, self.identities.caller_of)
            except UnreadableRequestError as error:
                return error.answer
            if call.caller.kind is CallerKind.BACKSTAGE:
                return _answer(call, handlers=[self.forward], hooks=[])
            call = replace(call, account=owner_of(call))
            allowed, response = self._judged(call)
            failure = None if response.is_success else error_code(call, response)
            self.calls.append(
                CallRecord(
                    time=datetime.now(UTC),
                    caller=call.caller,
                    service=call.service,
                    operation=call.operation,
                    account=call.account,
                    region=call.region,
                    allowed=allowed,
                    error_code=failure,
                )
            )
            return response

    def forward(self, call: ApiCall) -> HttpResponse:
        """What moto answers in `call.account`: no policies, no handlers, no hooks, no record."""
        return moto_world.answer(call)

    def client(self, service: str, account: str, region: str, *, as_role: str = "") -> AwsClient:
        """A boto3 client of that account's administrator, whom no policy refuses.

        With `as_role` (an ARN) it is one of a new session of that role, held to its policies.
        """
        if as_role:
            credentials = self.session_credentials(as_role, "lab")
            return self._clients.of_session(service, region, credentials)
        return self._clients.of_key(service, region, administrator_key(account))

    def backstage(self, service: str, account: str, region: str) -> AwsClient:
        """A boto3 client of the lab itself, straight to moto: unjudged and unrecorded."""
        return self._clients.of_key(service, region, backstage_key(account))

    def session_credentials(
        self,
        role_arn: str,
        session_name: str,
        *,
        session_policy: str | None = None,
        duration: timedelta = SESSION_DURATION,
    ) -> SessionCredentials:
        """Credentials of a new session of this role; its trust policy is not asked."""
        return self.identities.open_session(
            role_arn=role_arn,
            role_id=moto_world.role_id(role_arn),
            session_name=session_name,
            session_policy=session_policy,
            duration=duration,
        )

    def _judged(self, call: ApiCall) -> tuple[bool, HttpResponse]:
        objection = self._authorizer.objection_to(call)
        if objection is not None:
            return False, error_response(call, objection)
        name = (call.service, call.operation)
        response = _answer(
            call, handlers=[*self._handlers[name], self.forward], hooks=self._hooks[name]
        )
        objection = self._authorizer.objection_after(call, response)
        if objection is not None:
            return False, error_response(call, objection)
        return True, response


def _answer(call: ApiCall, *, handlers: list[Handler], hooks: list[Hook]) -> HttpResponse:
    try:
        response = next(answer for handler in handlers if (answer := handler(call)) is not None)
        if response.is_success:
            for hook in hooks:
                response = hook(call, response) or response
    except ApiError as error:
        return error_response(call, error)
    return response
