"""Statements and grants that would allow a call but for a condition, and grants that are new."""

from dataclasses import replace
from datetime import timedelta

from replimend.domain.diagnosis.causes import Cause, Confidence
from tests.cause_cases.model import (
    CONTEXT,
    GET,
    NO_RESOURCE,
    UNREAD,
    CauseCase,
    allowing,
    bucket_with,
    denied,
    denying,
    key_if,
    key_with,
    mended,
    of_version,
    refused,
    role_with,
    role_without,
    undecided,
)
from tests.facts import (
    DESTINATION_KEY,
    HOME,
    NOON,
    ROLE_ARN,
    SOURCE_KEY,
    a_bucket,
    a_key,
    administered_by,
    admitting_the_role,
    document,
    healthy_facts,
)

MISMATCH = Cause.CONDITION_MISMATCH
BUCKET, OBJECTS = "arn:aws:s3:::orders-frankfurt", "arn:aws:s3:::orders-frankfurt/*"
PERIMETER = {"StringNotEquals": {"aws:PrincipalOrgID": "o-example"}}
GRANTED = "arn:aws:s3:::orders-frankfurt/reports/2026 Q1 übersicht.pdf"


def the_key_if(name: str, step: str, action: str = "kms:Encrypt", **condition: object) -> CauseCase:
    """A statement of the replica key that misses S3's call by this condition."""
    facts = healthy_facts(destination_key=key_if(action, **condition))
    return refused(name, facts, MISMATCH, "resource", action, next=step)


def granted(*operations: str, **more: object) -> dict[str, object]:
    """A grant on the replica key for the role, as ListGrants returns it."""
    return {
        "GrantId": "g-1",
        "Name": "replication",
        "KeyId": DESTINATION_KEY,
        "GranteePrincipal": ROLE_ARN,
        "Operations": list(operations or ("Encrypt",)),
        **more,
    }


def under_grants(*grants: dict[str, object], **changes: object) -> dict[str, object]:
    """A replica key whose policy lacks the role, and which has these grants."""
    return {"destination_key": a_key(grants=grants), **changes}


CONDITIONS: tuple[CauseCase, ...] = (
    refused(
        "the context of objects, under a Bucket Key",
        of_version(
            healthy_facts(
                destination_key=key_if("kms:Encrypt", "kms:Decrypt", StringLike={CONTEXT: OBJECTS})
            ),
            bucket_key=True,
        ),
        MISMATCH,
        "resource",
        "kms:Encrypt",
        next=f"accept {BUCKET}, which is what S3 sends",
    ),
    the_key_if(
        "the context of the bucket, without a Bucket Key",
        "StringLike kms:EncryptionContext:aws:s3:arn accept",
        StringLike={CONTEXT: BUCKET},
    ),
    the_key_if(
        "the context of the source bucket on the replica key",
        f"accept {GRANTED}",
        StringLike={CONTEXT: "arn:aws:s3:::orders-ireland/*"},
    ),
    the_key_if(
        "the context of another prefix",
        "AdmitReplication",
        StringLike={CONTEXT: f"{BUCKET}/invoices/*"},
    ),
    the_key_if(
        "S3 of the source's Region",
        "accept s3.eu-central-1.amazonaws.com",
        StringEquals={"kms:ViaService": "s3.eu-west-1.amazonaws.com"},
    ),
    the_key_if(
        "the condition key that the guide misprints",
        "write kms:EncryptionContext:aws:s3:arn for kms:EncryptionContext:arn:aws:arn",
        StringLike={"kms:EncryptionContext:arn:aws:arn": OBJECTS},
    ),
    the_key_if(
        "a VPC that S3 does not come from",
        "drop StringEquals aws:SourceVpce for the replication role",
        StringEquals={"aws:SourceVpce": "vpce-1"},
    ),
    the_key_if(
        "another account than the role's",
        f"accept {HOME}",
        StringEquals={"kms:CallerAccount": "333333333333"},
    ),
    refused(
        "S3 of the destination's Region on the source key",
        healthy_facts(
            source_key=a_key(
                SOURCE_KEY,
                policy=document(
                    administered_by(HOME),
                    admitting_the_role(
                        "kms:Decrypt",
                        Condition={
                            "StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}
                        },
                    ),
                ),
            )
        ),
        MISMATCH,
        "resource",
        "kms:Decrypt",
        GET,
        next="accept s3.eu-west-1.amazonaws.com",
    ),
    refused(
        "the role's own statement names S3 of another Region",
        healthy_facts(
            role=role_with(
                allowing(
                    "kms:Encrypt",
                    Condition={"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}},
                ),
                without=("kms:Encrypt",),
            )
        ),
        MISMATCH,
        "identity",
        "kms:Encrypt",
        next="the statement More of p1",
    ),
    refused(
        "the key's condition is not met, and the role lacks the action",
        healthy_facts(
            destination_key=key_if(StringLike={CONTEXT: BUCKET}), role=role_without("kms:Encrypt")
        ),
        MISMATCH,
        "resource",
        "kms:Encrypt",
        next="refused by identity as well",
    ),
    refused(
        "the bucket policy admits the role from a VPC only",
        healthy_facts(
            destination=a_bucket(
                policy=document(
                    {
                        "Sid": "FromHome",
                        "Effect": "Allow",
                        "Principal": {"AWS": ROLE_ARN},
                        "Action": "s3:ReplicateObject",
                        "Resource": OBJECTS,
                        "Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1"}},
                    }
                )
            )
        ),
        MISMATCH,
        "resource",
        "s3:ReplicateObject",
        next="the statement FromHome of arn:aws:s3:::orders-frankfurt to drop",
    ),
    undecided(
        "an organisation, which no read tells",
        healthy_facts(destination_key=key_if(StringEquals={"aws:PrincipalOrgID": "o-example"})),
        next="organizations:DescribeOrganization",
    ),
    refused(
        "an organisation, which a denial shows to be another",
        healthy_facts(
            destination_key=key_if(StringEquals={"aws:PrincipalOrgID": "o-example"}),
            denials=(denied(NO_RESOURCE),),
        ),
        MISMATCH,
        "resource",
        "kms:Encrypt",
        confidence=Confidence.PROVEN,
    ),
    refused(
        "an organisation, which is not blamed where the role lacks the action in any case",
        healthy_facts(
            role=role_without("kms:Encrypt"),
            destination_key=key_if(StringEquals={"aws:PrincipalOrgID": "o-example"}),
        ),
        Cause.ROLE_POLICY_LACKS_ACTION,
        "identity",
        "kms:Encrypt",
    ),
    undecided(
        "a deny for everybody outside an organisation, which no read tells",
        healthy_facts(
            destination=bucket_with(
                {
                    **denying("s3:*", Principal="*", Condition=PERIMETER),
                    "Resource": OBJECTS,
                }
            )
        ),
        next="organizations:DescribeOrganization",
    ),
    mended(
        "an organisation that makes no difference, since another statement allows",
        healthy_facts(
            destination_key=key_with(
                admitting_the_role("kms:Encrypt"),
                admitting_the_role(
                    "kms:*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-example"}}
                ),
            )
        ),
    ),
    undecided(
        "a tag of the role, which no read tells",
        healthy_facts(destination_key=key_if(StringEquals={"aws:PrincipalTag/team": "orders"})),
        next="iam:ListRoleTags",
    ),
)

# aws-facts 10, question 4: whether a grant to the role counts is open. If it does, these are
# mended; if it does not, S3 fails again, and a denial comes with it.
GRANTS: tuple[CauseCase, ...] = (
    mended("a grant is there", healthy_facts(**under_grants(granted()))),
    mended(
        "a grant is there, and S3 was denied before it counted",
        healthy_facts(**under_grants(granted()), denials=(denied(NO_RESOURCE),)),
        next="If the first one fails again, the denial denial-0",
    ),
    mended(
        "a grant of another account needs no policy of the role",
        healthy_facts(**under_grants(granted()), role=role_without("kms:Encrypt")),
    ),
    refused(
        "a grant for the bucket's context, without a Bucket Key",
        healthy_facts(
            **under_grants(granted(Constraints={"EncryptionContextSubset": {"aws:s3:arn": BUCKET}}))
        ),
        MISMATCH,
        "grant",
        "kms:Encrypt",
        next="without EncryptionContextSubset aws:s3:arn",
    ),
    refused(
        "a grant for just another context",
        healthy_facts(
            **under_grants(
                granted(Constraints={"EncryptionContextEquals": {"aws:s3:arn": OBJECTS}})
            )
        ),
        MISMATCH,
        "grant",
        "kms:Encrypt",
        next=GRANTED,
    ),
    mended(
        "a grant for the bucket's context, under a Bucket Key",
        of_version(
            healthy_facts(
                **under_grants(
                    granted(
                        "Encrypt",
                        "Decrypt",
                        Constraints={"EncryptionContextSubset": {"aws:s3:arn": BUCKET}},
                    )
                )
            ),
            bucket_key=True,
        ),
    ),
    refused(
        "a grant that was revoked",
        healthy_facts(**under_grants()),
        Cause.KEY_POLICY_LACKS_ROLE,
        "resource",
        "kms:Encrypt",
    ),
    refused(
        "a grant for another operation",
        healthy_facts(**under_grants(granted("Decrypt"))),
        Cause.KEY_POLICY_LACKS_ROLE,
        "resource",
        "kms:Encrypt",
    ),
    refused(
        "a grant for another role",
        healthy_facts(
            **under_grants(granted(GranteePrincipal=f"arn:aws:iam::{HOME}:role/another"))
        ),
        Cause.KEY_POLICY_LACKS_ROLE,
        "resource",
        "kms:Encrypt",
    ),
    refused(
        "a grant that was made two minutes before S3 failed",
        healthy_facts(
            **under_grants(granted(CreationDate=NOON - timedelta(minutes=2))), failed_at=NOON
        ),
        Cause.GRANT_PENDING,
        "grant",
        "kms:Encrypt",
        next="Wait until 2026-06-01T12:03+00:00, when the grant replication",
    ),
    refused(
        "a grant that was made just before S3 failed, its time as text",
        healthy_facts(
            **under_grants(granted(CreationDate="2026-06-01T11:59:00+00:00")), failed_at=NOON
        ),
        Cause.GRANT_PENDING,
        "grant",
        "kms:Encrypt",
        next="12:04",
    ),
    mended(
        "a grant that was made long before S3 failed",
        healthy_facts(
            **under_grants(granted(CreationDate=NOON - timedelta(hours=1))), failed_at=NOON
        ),
    ),
    mended(
        "a grant that was made after S3 failed",
        healthy_facts(
            **under_grants(granted(CreationDate=NOON + timedelta(minutes=9))), failed_at=NOON
        ),
    ),
    undecided(
        "grants that cannot be read, where the policy lacks the role",
        healthy_facts(destination_key=a_key(grants=UNREAD)),
        next=f"kms:ListGrants on {DESTINATION_KEY}",
    ),
    mended(
        "grants that cannot be read, where the policy admits the role",
        replace(
            healthy_facts(),
            destination_key=key_with(admitting_the_role("kms:Encrypt"), grants=UNREAD),
        ),
    ),
)

DEAD = "AROAEXAMPLEEXAMPLEID"


def of_the_dead(*actions: str) -> dict[str, object]:
    """A statement for a role that was deleted, which KMS shows by its id."""
    return {**admitting_the_role(*actions), "Principal": {"AWS": DEAD}}


PRINCIPALS: tuple[CauseCase, ...] = (
    refused(
        "the key policy names a role that was deleted",
        healthy_facts(destination_key=key_with(of_the_dead("kms:Encrypt"))),
        Cause.DEAD_PRINCIPAL,
        "resource",
        "kms:Encrypt",
        next=f"in place of {DEAD}",
    ),
    refused(
        "the key policy names a deleted role, for all that begins alike",
        healthy_facts(destination_key=key_with(of_the_dead("kms:Encrypt*", "kms:Decrypt"))),
        Cause.DEAD_PRINCIPAL,
        "resource",
        "kms:Encrypt",
    ),
    refused(
        "the key policy names a deleted role for something else",
        healthy_facts(destination_key=key_with(of_the_dead("kms:DescribeKey"))),
        Cause.KEY_POLICY_LACKS_ROLE,
        "resource",
        "kms:Encrypt",
    ),
    refused(
        "the key policy names a deleted role, and the role itself as well",
        healthy_facts(
            destination_key=key_with(of_the_dead("kms:Encrypt"), admitting_the_role("kms:Encrypt")),
            role=role_without("kms:Encrypt"),
        ),
        Cause.ROLE_POLICY_LACKS_ACTION,
        "identity",
        "kms:Encrypt",
    ),
    refused(
        "a grant is given to a role that was deleted",
        healthy_facts(**under_grants(granted(GranteePrincipal=DEAD))),
        Cause.DEAD_PRINCIPAL,
        "grant",
        "kms:Encrypt",
        next=f"Create the grant on {DESTINATION_KEY} again",
    ),
)

CASES = (*CONDITIONS, *GRANTS, *PRINCIPALS)
