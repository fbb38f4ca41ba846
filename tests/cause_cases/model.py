"""A named case of the diagnosis: what is known, what S3 said, and what an expert would answer."""

from dataclasses import dataclass, replace
from typing import Any

from replimend.domain.denials import parse_denial
from replimend.domain.diagnosis.causes import Cause, Confidence
from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import Absent, Facts, NamedPolicy, ReplicationSetup
from replimend.domain.signals import KeyAccessDenied
from replimend.domain.unavailable import Unavailable
from tests.facts import (
    DESTINATION_KEY,
    HOME,
    MEMBER,
    NOON,
    ROLE_ARN,
    a_bucket,
    a_key,
    a_role,
    a_rule,
    administered_by,
    admitting_the_role,
    an_object,
    document,
    healthy_facts,
    role_policy,
)

PUT = "DstPutObjectNotPermitted"
GET = "SrcGetObjectNotPermitted"
UNREAD = Unavailable(reason="denied to us")
NO_POLICY = Absent(what="policy of orders-frankfurt")
CONTEXT = "kms:EncryptionContext:aws:s3:arn"


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseCase:
    """One case; `next` is a fragment of the step that the answer has to give."""

    name: str
    facts: Facts
    reason: str | None
    cause: Cause
    confidence: Confidence
    layer: str | None = None
    action: str | None = None
    next: str = ""


def refused(  # noqa: PLR0917 - a row of a table: the columns in the order of reading
    name: str,
    facts: Facts,
    cause: Cause,
    layer: str,
    action: str,
    reason: str | None = PUT,
    **more: Any,
) -> CauseCase:
    """A case in which a layer refuses a call, by evaluation."""
    return seen(name, facts, cause, reason, **{"layer": layer, "action": action, **more})


def seen(name: str, facts: Facts, cause: Cause, reason: str | None = PUT, **more: Any) -> CauseCase:
    """A case that the live set-up decides, without any call."""
    return CauseCase(
        **{
            "name": name,
            "facts": facts,
            "reason": reason,
            "cause": cause,
            "confidence": Confidence.EVALUATED,
            **more,
        }
    )


def mended(name: str, facts: Facts, reason: str | None = PUT, **more: Any) -> CauseCase:
    """A case in which nothing is wrong any more."""
    return seen(name, facts, Cause.MENDED, reason, **more)


def told(name: str, facts: Facts, cause: Cause, reason: str | None, **more: Any) -> CauseCase:
    """A case that AWS's own words decide."""
    return seen(name, facts, cause, reason, **{"confidence": Confidence.REPORTED, **more})


def undecided(name: str, facts: Facts, reason: str | None = PUT, **more: Any) -> CauseCase:
    """A case that nothing decides; `next` says which read would."""
    confidence = Confidence.UNDETERMINED
    return seen(name, facts, Cause.UNDETERMINED, reason, **{"confidence": confidence, **more})


def policies(*documents: PolicyDocument) -> tuple[NamedPolicy, ...]:
    return tuple(NamedPolicy(name=f"p{i}", document=each) for i, each in enumerate(documents))


def role_without(*actions: str, **changes: Any) -> Any:
    """The role whose policy lacks these actions."""
    return a_role(identity_policies=policies(role_policy(without=frozenset(actions))), **changes)


def role_with(*statements: dict[str, Any], without: tuple[str, ...] = ()) -> Any:
    """The role with these statements beside its own, without these actions."""
    own = role_policy(without=frozenset(without))
    return a_role(identity_policies=policies(own, document(*statements)))


def allowing(*actions: str, **extra: object) -> dict[str, Any]:
    return {"Sid": "More", "Effect": "Allow", "Action": list(actions), "Resource": "*", **extra}


def denying(action: str, **extra: object) -> dict[str, Any]:
    return {"Sid": "Never", "Effect": "Deny", "Action": action, "Resource": "*", **extra}


def key_with(*statements: dict[str, Any], **changes: Any) -> Any:
    """The replica key with these statements beside its administrator's."""
    return a_key(policy=document(administered_by(MEMBER), *statements), **changes)


def key_if(*actions: str, **condition: object) -> Any:
    """The replica key that admits the role under a condition only."""
    return key_with(admitting_the_role(*(actions or ("kms:Encrypt",)), Condition=condition))


def bucket_with(*statements: dict[str, Any], **changes: Any) -> Any:
    """The destination bucket with these statements beside the one that admits the role."""
    return a_bucket(policy=document(_admission("s3:ReplicateObject"), *statements), **changes)


def bucket_allowing(*actions: str, **changes: Any) -> Any:
    """The destination bucket whose policy admits the role for these actions only."""
    return a_bucket(policy=document(_admission(*actions)), **changes)


def _admission(*actions: str) -> dict[str, Any]:
    return {
        "Sid": "AdmitReplication",
        "Effect": "Allow",
        "Principal": {"AWS": ROLE_ARN},
        "Action": list(actions),
        "Resource": "arn:aws:s3:::orders-frankfurt/*",
    }


def under_rule(facts: Facts | None = None, **changes: Any) -> Facts:
    """The facts with the rule so changed."""
    setup = ReplicationSetup(role_arn=ROLE_ARN, rules=(a_rule(**changes),))
    return replace(facts or healthy_facts(), setup=setup)


def of_version(facts: Facts | None = None, **changes: Any) -> Facts:
    """The facts with the version so changed."""
    return replace(facts or healthy_facts(), object=an_object(**changes))


def denied(
    why: str,
    *,
    action: str = "kms:Encrypt",
    region: str = "eu-central-1",
    minute: int = 0,
    key: str | None = None,
) -> KeyAccessDenied:
    """CloudTrail's record of a denial with this text after the action."""
    session = f"arn:aws:sts::{HOME}:assumed-role/orders-replication/s3-replication"
    message = f"User: {session} is not authorized to perform: {action}{why}"
    return KeyAccessDenied(
        event_id=f"denial-{minute}",
        event_time=NOON.replace(minute=minute),
        region=region,
        account=HOME,
        principal_arn=session,
        role_arn=ROLE_ARN,
        session_name="s3-replication",
        action=action,
        key_arn=key,
        denial=parse_denial(message),
        error_code="AccessDenied",
        message=message,
        encryption_context=None,
        invoked_by="AWS Internal",
        replayed=False,
    )


AMBIGUOUS = (
    " on this resource because the resource does not exist in this Region, no resource-based "
    "policies allow access, or a resource-based policy explicitly denies access"
)
ON_KEY = f" on resource: {DESTINATION_KEY}"
NO_IDENTITY = f"{ON_KEY} because no identity-based policy allows the kms:Encrypt action"
NO_RESOURCE = f"{ON_KEY} because no resource-based policy allows the kms:Encrypt action"
NO_SESSION = f"{ON_KEY} because no session policy allows the kms:Encrypt action"
BY_AN_SCP = (
    f"{ON_KEY} with an explicit deny in a service control policy: "
    "arn:aws:organizations::777777777777:policy/o-example/service_control_policy/p-1"
)
BY_AN_RCP = f"{ON_KEY} with an explicit deny in a resource control policy"
BY_AN_ENDPOINT = f"{ON_KEY} because no VPC endpoint policy allows the kms:Encrypt action"
