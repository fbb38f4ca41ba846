"""CloudTrail records to signals: the KMS calls that were denied (aws-facts 3)."""

from collections.abc import Mapping

from replimend.domain.denials import Denial, parse_denial
from replimend.domain.signals import Ignored, IgnoredKind, KeyAccessDenied
from replimend.inbound.fields import (
    JsonObject,
    fields,
    moment,
    optional_fields,
    optional_text,
    path_to,
    text,
    wrong,
)

_KMS = "kms.amazonaws.com"
_DENIALS = frozenset({"AccessDenied", "AccessDeniedException", "VpceAccessDenied"})
"""CloudTrail's code, the SDKs' and that of network activity events; all three are met."""


def is_cloudtrail_record(record: JsonObject) -> bool:
    """Whether this claims to be a CloudTrail record of whatever service."""
    source = record.get("eventSource")
    return isinstance(source, str) and ".amazonaws.com" in source


def parse_cloudtrail_record(
    record: JsonObject, at: str, *, replayed: bool
) -> KeyAccessDenied | Ignored:
    """The denied KMS call that the record reports, or what else it is."""
    source, name = text(record, "eventSource", at), text(record, "eventName", at)
    if source != _KMS:
        detail = f"{source} {name}"
        return Ignored(kind=IgnoredKind.OTHER_CLOUDTRAIL_EVENT, detail=detail)
    error_code = optional_text(record, "errorCode", at)
    if error_code is None:
        return Ignored(kind=IgnoredKind.KMS_CALL_ALLOWED, detail=f"kms:{name}")
    if error_code not in _DENIALS:
        return Ignored(kind=IgnoredKind.KMS_OTHER_ERROR, detail=f"kms:{name} {error_code}")
    return _denied(record, at, name, error_code, replayed=replayed)


def _denied(
    record: JsonObject, at: str, name: str, error_code: str, *, replayed: bool
) -> KeyAccessDenied:
    message = optional_text(record, "errorMessage", at) or ""
    denial = parse_denial(message)
    identity, in_identity = fields(record, "userIdentity", at), path_to(at, "userIdentity")
    request = optional_fields(record, "requestParameters", at)
    return KeyAccessDenied(
        event_id=text(record, "eventID", at),
        event_time=moment(record, "eventTime", at),
        region=text(record, "awsRegion", at),
        account=_account(identity, in_identity, record, at),
        principal_arn=optional_text(identity, "arn", in_identity),
        role_arn=_role_arn(identity, in_identity),
        session_name=_session_name(identity, in_identity),
        action=_action(denial, name),
        key_arn=_key_arn(denial, record, request, at),
        denial=denial,
        error_code=error_code,
        message=message,
        encryption_context=_encryption_context(request, path_to(at, "requestParameters")),
        invoked_by=optional_text(identity, "invokedBy", in_identity),
        replayed=replayed,
    )


def _account(identity: JsonObject, in_identity: str, record: JsonObject, at: str) -> str:
    """The caller's account; a service that calls for itself has none, but the record has one."""
    return optional_text(identity, "accountId", in_identity) or text(
        record, "recipientAccountId", at
    )


def _role_arn(identity: JsonObject, at: str) -> str | None:
    """The role's own ARN: the session's ARN drops the path, so only the issuer has it."""
    if identity.get("type") == "Role":
        return optional_text(identity, "arn", at)
    in_context = path_to(at, "sessionContext")
    issuer = optional_fields(
        optional_fields(identity, "sessionContext", at), "sessionIssuer", in_context
    )
    if issuer.get("type") != "Role":
        return None
    return optional_text(issuer, "arn", path_to(in_context, "sessionIssuer"))


def _session_name(identity: JsonObject, at: str) -> str | None:
    """What follows the role's unique id; the ARN of AWS's own sample lacks the session's name."""
    if identity.get("type") != "AssumedRole":
        return None
    principal_id = optional_text(identity, "principalId", at) or ""
    return principal_id.partition(":")[2] or None


def _action(denial: Denial, event_name: str) -> str:
    """The permission that was missing; for `ReEncrypt` only the message says which of two."""
    if denial.action is not None and denial.action.startswith("kms:"):
        return denial.action
    return f"kms:{event_name}"


def _key_arn(denial: Denial, record: JsonObject, request: JsonObject, at: str) -> str | None:
    """The key, from the message or else from where other KMS records have it; often nowhere."""
    for candidate in (denial.resource, *_recorded_keys(record, at), request.get("keyId")):
        if isinstance(candidate, str) and candidate.startswith("arn:") and ":key/" in candidate:
            return candidate
    return None


def _recorded_keys(record: JsonObject, at: str) -> tuple[object, ...]:
    resources = record.get("resources")
    if resources is None:
        return ()
    if not isinstance(resources, list):
        raise wrong(resources, "a list", path_to(at, "resources"))
    return tuple(each.get("ARN") for each in resources if isinstance(each, Mapping))


def _encryption_context(request: JsonObject, at: str) -> dict[str, str] | None:
    context = optional_fields(request, "encryptionContext", at)
    if not context:
        return None
    in_context = path_to(at, "encryptionContext")
    return {name: text(context, name, in_context) for name in context}
