"""The evaluator's JSON contract: one case in, one answer out, as `replimend evaluate` speaks it.

Beside what the contract lists, any layer may be `{"unavailable": "why"}`: it could not be read.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from replimend.domain.access.decision import Effect, LayerDecision
from replimend.domain.access.elements import items_at, mapping_at, text_at, texts_at
from replimend.domain.access.evaluation import evaluate
from replimend.domain.access.grants import Grant
from replimend.domain.access.policy import Policy
from replimend.domain.access.request import Layers, Level, Request
from replimend.domain.unavailable import Unavailable
from replimend.errors import MalformedEventError, MalformedPolicyError

type Json = bool | int | float | str | list[Json] | dict[str, Json] | None
"""A value as JSON knows it."""


def evaluate_case(case: object) -> dict[str, Json]:
    """The answer to one case, whose errors are those of `parse_case`.

    `denying` lists the layers without whose change the request stays denied, the one to look at
    first first; layers that have no say are left out of `layers`.
    """
    request, layers = parse_case(case)
    decision = evaluate(request, layers)
    return {
        "id": _identifier(case),
        "result": decision.result.value,
        "denying": [name.value for name in decision.blocking],
        "layers": [
            _answer(layer)
            for layer in decision.layers
            if layer.effect is not Effect.NOT_APPLICABLE or layer.missed
        ],
    }


def parse_case(case: object) -> tuple[Request, Layers]:
    """The request and the policy layers of one case.

    Raises MalformedEventError where the request, and MalformedPolicyError where a policy or grant,
    is not as agreed; either names the path from the case down.
    """
    if not isinstance(case, Mapping):
        raise MalformedEventError("", "must be a JSON object")
    return _request(case), _layers(case)


PRINCIPAL = re.compile(
    r"arn:aws[a-z-]*:(iam::\d{12}:(root|(user|role)/.+)"
    r"|sts::\d{12}:(assumed-role/[^/]+/.+|federated-user/.+))"
    r"|[a-z0-9.-]+\.amazonaws\.com(\.cn)?"
)
ACTION = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9]+")


def _identifier(case: object) -> Json:
    match case:
        case {"id": str() | int() | float() as identifier}:
            return identifier
        case _:
            return None


def _answer(layer: LayerDecision) -> Json:
    return {
        "layer": layer.layer.value,
        "effect": layer.effect.value,
        "statements": list(layer.statements),
        "policies": list(layer.policies),
        "missed": [
            {
                "policy": missed.policy,
                "statement": missed.statement,
                "condition": missed.condition,
                "expected": list(missed.expected),
                "actual": list(missed.actual)
                if isinstance(missed.actual, tuple)
                else missed.actual,
            }
            for missed in layer.missed
        ],
        "reason": layer.reason,
    }


def _request(case: Mapping[str, object]) -> Request:
    try:
        told = mapping_at(case.get("request"), "request")
        role_arn = told.get("roleArn")
        request = Request(
            principal=text_at(told.get("principal"), "request.principal"),
            principal_account=text_at(told.get("principalAccount"), "request.principalAccount"),
            action=text_at(told.get("action"), "request.action"),
            resource=text_at(told.get("resource"), "request.resource"),
            resource_account=text_at(told.get("resourceAccount"), "request.resourceAccount"),
            context={
                key: texts_at(value, f"request.context.{key}")
                for key, value in mapping_at(told.get("context", {}), "request.context").items()
            },
            role_arn=None if role_arn is None else text_at(role_arn, "request.roleArn"),
        )
    except MalformedPolicyError as error:
        raise MalformedEventError(error.path, error.problem) from error
    if not PRINCIPAL.fullmatch(request.principal):
        raise MalformedEventError("request.principal", "must be a user, role or session ARN")
    if not ACTION.fullmatch(request.action):
        raise MalformedEventError("request.action", "must be service:action")
    return request


def _layers(case: Mapping[str, object]) -> Layers:
    identity = _layer(case, "identityPolicies", _identity_policies)
    return Layers(
        identity=() if identity is None else identity,
        resource=_layer(case, "resourcePolicy", _resource_policy),
        boundary=_layer(case, "boundary", _identity_policies),
        session=_layer(case, "sessionPolicy", _session_policies),
        scps=_layer(case, "scps", _service_control_levels) or (),
        rcps=_layer(case, "rcps", _resource_control_levels) or (),
        endpoint=_layer(case, "endpointPolicies", _endpoint_policies),
        grants=_layer(case, "grants", _grants) or (),
    )


def _layer[T](
    case: Mapping[str, object], name: str, read: Callable[[object, str], T]
) -> T | Unavailable | None:
    match case.get(name):
        case None:
            return None
        case {"unavailable": str(reason)}:
            return Unavailable(reason=reason)
        case value:
            return read(value, name)


def _identity_policies(value: object, path: str) -> tuple[Policy, ...]:
    return tuple(_identity_policy(each, at) for each, at in items_at(value, path))


def _session_policies(value: object, path: str) -> tuple[Policy, ...]:
    return (_identity_policy(value, path),)


def _endpoint_policies(value: object, path: str) -> tuple[Policy, ...]:
    return tuple(_policy(each, at) for each, at in items_at(value, path))


def _service_control_levels(value: object, path: str) -> tuple[Level, ...]:
    return tuple(_level(each, at, _identity_policy) for each, at in items_at(value, path))


def _resource_control_levels(value: object, path: str) -> tuple[Level, ...]:
    return tuple(_level(each, at, _resource_policy) for each, at in items_at(value, path))


def _level(value: object, path: str, read: Callable[[object, str], Policy]) -> Level:
    entry = mapping_at(value, path)
    policies = items_at(entry.get("policies"), f"{path}.policies")
    return Level(
        name=text_at(entry.get("orgIdentifier"), f"{path}.orgIdentifier"),
        policies=tuple(read(each, at) for each, at in policies),
    )


def _identity_policy(value: object, path: str) -> Policy:
    policy = _policy(value, path)
    for statement in policy.statements:
        if statement.principals is not None:
            element = "NotPrincipal" if statement.is_principal_inverted else "Principal"
            at = f"{path}.Statement[{statement.index}].{element}"
            raise MalformedPolicyError(at, "belongs to resource-based policies only")
    return policy


def _resource_policy(value: object, path: str) -> Policy:
    policy = _policy(value, path)
    for statement in policy.statements:
        if statement.principals is None:
            at = f"{path}.Statement[{statement.index}].Principal"
            raise MalformedPolicyError(at, "is missing")
    return policy


def _policy(value: object, path: str) -> Policy:
    with _within(path):
        return Policy.parse(value if isinstance(value, str) else mapping_at(value, ""), name=path)


def _grants(value: object, path: str) -> tuple[Grant, ...]:
    return tuple(_grant(each, at) for each, at in items_at(value, path))


def _grant(value: object, path: str) -> Grant:
    with _within(path):
        return Grant.parse(mapping_at(value, ""))


@contextmanager
def _within(path: str) -> Iterator[None]:
    try:
        yield
    except MalformedPolicyError as error:
        inner = f"{path}.{error.path}" if error.path else path
        raise MalformedPolicyError(inner, error.problem) from error
