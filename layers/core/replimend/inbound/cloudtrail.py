"""CloudTrail records to signals: the KMS calls that were denied (aws-facts 3).

The paths of errors begin at the record.
"""

from collections.abc import Mapping
from typing import TypeGuard

from replimend.domain.denials import Denial, parse_denial
from replimend.domain.signals import Ignored, IgnoredKind, KeyAccessDenied
from replimend.inbound.fields import (
    JsonObject,
    fields,
    moment,
    optional_fields,
    optional_text,
    text,
    wrong,
)

AN_AWS_SERVICE = ".amazonaws.com"
"""What the `eventSource` of every CloudTrail record holds."""

_KMS = "kms.amazonaws.com"
_DENIALS = frozenset({"AccessDenied", "AccessDeniedException", "VpceAccessDenied"})
"""CloudTrail's code, the SDKs' and that of network activity events; all three are met."""

_IN_IDENTITY = "userIdentity"
_IN_SESSION = "userIdentity.sessionContext"
_IN_ISSUER = "userIdentity.sessionContext.sessionIssuer"
_IN_REQUEST = "requestParameters"
_IN_CONTEXT = "requestParameters.encryptionContext"


def parse_cloudtrail_record(record: JsonObject, *, replayed: bool) -> KeyAccessDenied | Ignored:
    """The denied KMS call that the record reports, or what else it is."""
    source, name = text(record, "eventSource", ""), text(record, "eventName", "")
    if source != _KMS:
        detail = f"{source} {name}"
        return Ignored(kind=IgnoredKind.OTHER_CLOUDTRAIL_EVENT, detail=detail)
    error_code = optional_text(record, "errorCode", "")
    if error_code is None:
        return Ignored(kind=IgnoredKind.KMS_CALL_ALLOWED, detail=f"kms:{name}")
    if error_code not in _DENIALS:
        return Ignored(kind=IgnoredKind.KMS_OTHER_ERROR, detail=f"kms:{name} {error_code}")
    message = optional_text(record, "errorMessage", "") or ""
    denial = parse_denial(message)
    identity = fields(record, "userIdentity", "")
    request = optional_fields(record, "requestParameters", "")
    return KeyAccessDenied(
        event_id=text(record, "eventID", ""),
        event_time=moment(record, "eventTime", ""),
        region=text(record, "awsRegion", ""),
        # A service that calls for itself has no account, but the record has one.
        account=optional_text(identity, "accountId", _IN_IDENTITY)
        or text(record, "recipientAccountId", ""),
        principal_arn=optional_text(identity, "arn", _IN_IDENTITY),
        role_arn=_role_arn(identity),
        session_name=_session_name(identity),
        action=_action(denial, name),
        key_arn=_key_arn(denial, record, request),
        denial=denial,
        error_code=error_code,
        message=message,
        encryption_context=_encryption_context(request),
        invoked_by=optional_text(identity, "invokedBy", _IN_IDENTITY),
        replayed=replayed,
    )


def _role_arn(identity: JsonObject) -> str | None:
    """The role's own ARN: the session's ARN drops the path, so only the issuer has it."""
    if identity.get("type") == "Role":
        return optional_text(identity, "arn", _IN_IDENTITY)
    session = optional_fields(identity, "sessionContext", _IN_IDENTITY)
    issuer = optional_fields(session, "sessionIssuer", _IN_SESSION)
    return optional_text(issuer, "arn", _IN_ISSUER) if issuer.get("type") == "Role" else None


def _session_name(identity: JsonObject) -> str | None:
    """What follows the role's unique id; the ARN of AWS's own sample lacks the session's name."""
    if identity.get("type") != "AssumedRole":
        return None
    principal_id = optional_text(identity, "principalId", _IN_IDENTITY) or ""
    return principal_id.partition(":")[2] or None


def _action(denial: Denial, event_name: str) -> str:
    """The permission that was missing; for `ReEncrypt` only the message says which of two."""
    if denial.action is not None and denial.action.startswith("kms:"):
        return denial.action
    return f"kms:{event_name}"


def _key_arn(denial: Denial, record: JsonObject, request: JsonObject) -> str | None:
    """The key, from the message or else from where other KMS records have it; often nowhere."""
    recorded = _recorded_keys(record)
    if _is_key_arn(denial.resource):
        return denial.resource
    for candidate in (*recorded, request.get("keyId")):
        if _is_key_arn(candidate):
            return candidate
    return None


def _is_key_arn(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and value.startswith("arn:") and ":key/" in value


def _recorded_keys(record: JsonObject) -> tuple[object, ...]:
    resources = record.get("resources")
    if resources is None:
        return ()
    if not isinstance(resources, list):
        raise wrong(resources, "a list", "resources")
    return tuple(each.get("ARN") for each in resources if isinstance(each, Mapping))


def _encryption_context(request: JsonObject) -> dict[str, str] | None:
    context = optional_fields(request, "encryptionContext", _IN_REQUEST)
    return {name: text(context, name, _IN_CONTEXT) for name in context} if context else None
