"""CloudTrail's event history, as LookupEvents answers it, to change events (aws-facts 3.3, 3.7)."""

from collections.abc import Mapping

from replimend.domain.arn import Arn, MalformedArnError
from replimend.domain.diagnosis.history import (
    Act,
    Author,
    ChangeEvent,
    Channel,
    Subject,
    SubjectKind,
)
from replimend.domain.documents import PolicyDocument
from replimend.inbound.documents import document_of
from replimend.inbound.fields import (
    JsonObject,
    fields,
    moment,
    objects,
    optional_fields,
    optional_text,
    parsed_json,
    path_to,
    text,
    wrong,
)

RECORD = "CloudTrailEvent"

OUR_SESSION = "replimend"
"""Our word in the user agent of every call, and the name of our sessions in member accounts."""

OUR_FUNCTION = "-RepairFunctionRole"
"""In the name that CloudFormation gives to the role of the one function that changes access."""

_DOCUMENTS = {
    Act.PUT_KEY_POLICY: "policy",
    Act.PUT_ROLE_POLICY: "policyDocument",
    Act.PUT_BUCKET_POLICY: "bucketPolicy",
}
"""Where a record's request parameters have the policy that was written."""

_AGENTS = (
    ("signin.amazonaws.com", Channel.CONSOLE),
    ("console.amazonaws.com", Channel.CONSOLE),
    ("s3console", Channel.CONSOLE),
    ("cloudformation", Channel.CLOUDFORMATION),
    ("terraform", Channel.TERRAFORM),
    ("aws-cli/", Channel.COMMAND_LINE),
)
"""What a user agent holds, in small letters, and what it tells; looked at in this order."""


def record_of(entry: Mapping[str, object]) -> JsonObject:
    """The CloudTrail record in one entry of an answer, where it stands as a JSON text."""
    record = parsed_json(text(entry, RECORD, ""), RECORD)
    if not isinstance(record, dict):
        raise wrong(record, "an object", RECORD)
    return record


def change_event_of(
    entry: Mapping[str, object], subject: Subject, *, repairer_role: str
) -> ChangeEvent | None:
    """The change of the subject that the entry records; None for any other event.

    What AWS refused to do changed nothing, and is None as well.
    """
    record = record_of(entry)
    if optional_text(record, "errorCode", RECORD) is not None:
        return None
    name = text(record, "eventName", RECORD)
    request = optional_fields(record, "requestParameters", RECORD)
    if name not in Act or not _is_about(subject, record, request):
        return None
    act = Act(name)
    return ChangeEvent(
        event_id=text(record, "eventID", RECORD),
        act=act,
        at=moment(record, "eventTime", RECORD),
        author=_author(record, repairer_role),
        subject=subject.arn,
        policy_name=optional_text(request, "policyName", path_to(RECORD, "requestParameters"))
        if subject.kind is SubjectKind.ROLE
        else None,
        document=_document(act, request),
    )


def _is_about(subject: Subject, record: JsonObject, request: JsonObject) -> bool:
    """Whether the record is of a change of this subject.

    A key is named by id, alias or ARN in the request, and by ARN in `resources`.
    """
    at = path_to(RECORD, "requestParameters")
    match subject.kind:
        case SubjectKind.KEY:
            named = {optional_text(request, "keyId", at)}
            named |= {
                optional_text(each, "ARN", path)
                for each, path in objects(record, "resources", RECORD)
            }
            return bool(named & {subject.arn, subject.arn.rpartition("/")[2]})
        case SubjectKind.ROLE:
            return optional_text(request, "roleName", at) == Arn.parse(subject.arn).role_name
        case SubjectKind.BUCKET:
            return optional_text(request, "bucketName", at) == Arn.parse(subject.arn).bucket_name


def _document(act: Act, request: JsonObject) -> PolicyDocument | None:
    name = _DOCUMENTS.get(act)
    if name is None or request.get(name) is None:
        return None
    return document_of(request[name], path_to(path_to(RECORD, "requestParameters"), name))


def _author(record: JsonObject, repairer_role: str) -> Author:
    identity, at = fields(record, "userIdentity", RECORD), path_to(RECORD, "userIdentity")
    context = optional_fields(identity, "sessionContext", at)
    issuer = optional_fields(context, "sessionIssuer", path_to(at, "sessionContext"))
    role_arn = optional_text(issuer, "arn", path_to(at, "sessionContext.sessionIssuer"))
    agent = optional_text(record, "userAgent", RECORD) or ""
    principal = (
        optional_text(identity, "arn", at)
        or optional_text(identity, "invokedBy", at)
        or optional_text(identity, "principalId", at)
        or optional_text(identity, "accountId", at)
        or "an unnamed principal"
    )
    return Author(
        principal=principal,
        role_arn=role_arn,
        channel=_channel(record, identity, agent),
        is_replimend=OUR_SESSION in agent and _is_our_role(role_arn, repairer_role),
    )


def _channel(record: JsonObject, identity: JsonObject, agent: str) -> Channel:
    if identity.get("type") == "AWSService":
        return Channel.SERVICE
    if record.get("sessionCredentialFromConsole") in {True, "true"}:
        return Channel.CONSOLE
    told = f"{agent} {identity.get('invokedBy') or ''}".lower()
    return next((channel for word, channel in _AGENTS if word in told), Channel.PROGRAM)


def _is_our_role(role_arn: str | None, repairer_role: str) -> bool:
    """Whether the role is one with which we change access: a change of ours is no person's.

    A name is enough: to bear it one has to be let into IAM, and what follows from it is only that
    an addition of ours is not taken for somebody's removal.
    """
    if role_arn is None:
        return False
    try:
        name = Arn.parse(role_arn).role_name or ""
    except MalformedArnError:
        return False
    return name == repairer_role or OUR_FUNCTION in name
