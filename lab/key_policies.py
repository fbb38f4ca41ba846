"""Key policies as KMS takes them: checked for form, size, principals and lock-out (facts §5.6)."""

import json
import re
from collections.abc import Mapping
from typing import Any

from moto.kms.models import Key

from lab.grants import key_named
from lab.identities import Caller, CallerKind
from lab.key_principals import (
    UNIQUE_ID,
    KeyPrincipals,
    aws_principals,
    is_known,
    name_of,
    named_principals,
    with_principals,
)
from lab.moto_world import key_tags
from lab.policies import PoliciesInForce
from lab.wire import ApiCall, ApiError, HttpResponse, result_response
from replimend.domain.access import Layers, Policy, Request, Result, evaluate
from replimend.errors import MalformedPolicyError

SIZE_LIMIT = 32_768
CHARACTERS = re.compile(r"[\u0009\u000A\u000D\u0020-\u00FF]+")
MALFORMED = "MalformedPolicyDocumentException"
ADMINISTRATOR = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"},
}


class KeyPolicies:
    """`PutKeyPolicy`, `GetKeyPolicy` and the policy of a new key."""

    def __init__(self, principals: KeyPrincipals, policies: PoliciesInForce) -> None:
        self._principals = principals
        self._policies = policies

    def put(self, call: ApiCall) -> HttpResponse:
        """Replace the policy of a customer managed key of the caller's own account, or refuse."""
        key = key_named(call)
        _refuse_other_account(call, key)
        if key.key_manager == "AWS":
            raise ApiError(
                "UnsupportedOperationException", f"{key.arn} is an AWS managed key: not editable"
            )
        document = self._checked(call, call.params["Policy"], key.arn)
        key.policy = json.dumps(document) if document else call.params["Policy"]
        self._principals.bind(key.arn, aws_principals(json.loads(key.policy)))
        return result_response(call, {})

    def get(self, call: ApiCall) -> HttpResponse:
        """The policy, with the unique id in the place of every principal that is no more."""
        key = key_named(call)
        _refuse_other_account(call, key)
        text = self._principals.shown_policy(key.arn, key.policy)
        return result_response(call, {"Policy": text, "PolicyName": "default"})

    def check_new(self, call: ApiCall) -> HttpResponse | None:
        """The policy given to `CreateKey`, checked like any other; moto then makes the key."""
        if "Policy" in call.params:
            arn = f"arn:aws:kms:{call.region}:{call.account}:key/new"
            self._checked(call, call.params["Policy"], arn)
        return None

    def _checked(self, call: ApiCall, text: str, key_arn: str) -> Mapping[str, Any] | None:
        """What to store where principals given by id became names; None to keep the text."""
        if len(text.encode()) > SIZE_LIMIT:
            raise ApiError(
                "LimitExceededException", f"The policy exceeds the limit of {SIZE_LIMIT} bytes"
            )
        document = _parsed(text)
        _check_principals(document)
        if not call.params.get("BypassPolicyLockoutSafetyCheck"):
            self._check_lockout(call.caller, document, key_arn)
        named = {
            identifier: name
            for identifier in aws_principals(document)
            if UNIQUE_ID.fullmatch(identifier) and (name := name_of(identifier))
        }
        return with_principals(document, named) if named else None

    def _check_lockout(self, caller: Caller, document: Mapping[str, Any], key_arn: str) -> None:
        decision = evaluate(
            Request(
                principal=caller.principal_arn,
                principal_account=caller.account,
                role_arn=caller.role_arn or None,
                action="kms:PutKeyPolicy",
                resource=key_arn,
                resource_account=key_arn.split(":")[4],
                context={"kms:BypassPolicyLockoutSafetyCheck": "false", **key_tags(key_arn)},
            ),
            self._layers(caller, document),
        )
        if decision.result is not Result.ALLOWED:
            raise ApiError(
                MALFORMED,
                "The new key policy will not allow you to update the key policy in the future.",
            )

    def _layers(self, caller: Caller, document: Mapping[str, Any]) -> Layers:
        key_policy = Policy.parse(document, name="key policy")
        if caller.kind is not CallerKind.ROLE_SESSION:
            return Layers(
                identity=(Policy.parse(ADMINISTRATOR, name="administrator"),), resource=key_policy
            )
        role = self._policies.of_role(caller.role_arn)
        return Layers(
            identity=tuple(Policy.parse(text, name="role") for text in role.identity),
            boundary=(Policy.parse(role.boundary, name="boundary"),) if role.boundary else None,
            session=(Policy.parse(caller.session_policy, name="session"),)
            if caller.session_policy
            else None,
            resource=key_policy,
        )


def _refuse_other_account(call: ApiCall, key: Key) -> None:
    if call.caller.account != key.account_id:
        raise ApiError(
            "AccessDeniedException",
            f"User: {call.caller.principal_arn} is not authorized to perform:"
            f" kms:{call.operation} on a key of another account",
        )


def _parsed(text: str) -> Mapping[str, Any]:
    if not CHARACTERS.fullmatch(text):
        raise ApiError(MALFORMED, "The policy contains characters that KMS does not take")
    try:
        document = json.loads(text)
        parsed = Policy.parse(document, name="key policy")
    except ValueError as error:
        raise ApiError(MALFORMED, f"The policy is not JSON: {error}") from error
    except MalformedPolicyError as error:
        raise ApiError(MALFORMED, str(error)) from error
    if not parsed.statements:
        raise ApiError(MALFORMED, "The policy has no statements")
    statements = document["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        if not {"Principal", "NotPrincipal"} & set(statement):
            raise ApiError(MALFORMED, "A statement of the policy names no principal")
        # In a key policy the resource is the key; a statement without one has no effect.
        if statement.get("Resource", "*") not in ("*", ["*"]):
            raise ApiError(MALFORMED, 'The resource of a key policy statement must be "*"')
    result: Mapping[str, Any] = document
    return result


def _check_principals(document: Mapping[str, Any]) -> None:
    # A role just made may not be visible to KMS yet either; the lab's are at once.
    if any(not is_known(kind, name) for kind, name in named_principals(document)):
        raise ApiError(
            MALFORMED, "Policy contains a statement with one or more invalid principals."
        )
