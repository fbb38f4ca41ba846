"""A key that does not admit the role, a deny, a boundary, and layers that are out of sight."""

from dataclasses import replace

from replimend.domain.diagnosis.causes import Cause, Confidence
from replimend.domain.facts import Encryption, NamedPolicy, ReplicationSetup
from tests.cause_cases.model import (
    AMBIGUOUS,
    BY_AN_ENDPOINT,
    BY_AN_RCP,
    BY_AN_SCP,
    GET,
    NO_IDENTITY,
    NO_RESOURCE,
    PUT,
    CauseCase,
    allowing,
    bucket_with,
    denied,
    denying,
    key_with,
    mended,
    of_version,
    refused,
    role_with,
    role_without,
    told,
    under_rule,
)
from tests.facts import (
    HOME,
    MEMBER,
    ROLE_ARN,
    SOURCE_KEY,
    a_bucket,
    a_key,
    a_role,
    a_rule,
    administered_by,
    admitting_the_role,
    delegated_to,
    document,
    flagship_facts,
    healthy_facts,
)

ROLE, KEY = Cause.ROLE_POLICY_LACKS_ACTION, Cause.KEY_POLICY_LACKS_ROLE
BOTH = Cause.BOTH_SIDES_LACK_ROLE
DENY, BOUNDARY = Cause.EXPLICIT_DENY, Cause.PERMISSIONS_BOUNDARY
READ_VERSION = "s3:GetObjectVersionForReplication"
HOME_KEY = f"arn:aws:kms:eu-central-1:{HOME}:key/33333333-3333-4333-8333-333333333333"


def within_one_account(*statements: dict[str, object]) -> dict[str, object]:
    """A replica key of the role's own account with these statements."""
    return {
        "destination_key": a_key(HOME_KEY, policy=document(administered_by(HOME), *statements)),
    }


def naming(principal: str) -> dict[str, object]:
    """A statement that lets this principal encrypt."""
    statement = admitting_the_role("kms:Encrypt")
    return {**statement, "Principal": {"AWS": principal}}


def bounded_by(*statements: dict[str, object]) -> object:
    """The role within this permissions boundary."""
    return a_role(boundary=NamedPolicy(name="boundary", document=document(*statements)))


ADMITTING: tuple[CauseCase, ...] = (
    refused(
        "the key policy lacks the role, across accounts",
        flagship_facts(),
        KEY,
        "resource",
        "kms:Encrypt",
        next="Let the key policy of arn:aws:kms:eu-central-1:222222222222:key/",
    ),
    refused(
        "the key policy lacks the role, and CloudTrail agrees",
        flagship_facts(denials=(denied(AMBIGUOUS),)),
        KEY,
        "resource",
        "kms:Encrypt",
        confidence=Confidence.PROVEN,
    ),
    refused(
        "the key policy lacks the role, and CloudTrail names the layer",
        flagship_facts(denials=(denied(NO_RESOURCE),)),
        KEY,
        "resource",
        "kms:Encrypt",
        confidence=Confidence.PROVEN,
    ),
    refused(
        "a denial of another Region proves nothing",
        flagship_facts(denials=(denied(AMBIGUOUS, region="eu-west-1"),)),
        KEY,
        "resource",
        "kms:Encrypt",
    ),
    refused(
        "a denial by a layer that allows by now proves nothing",
        flagship_facts(denials=(denied(NO_IDENTITY),)),
        KEY,
        "resource",
        "kms:Encrypt",
    ),
    *(
        refused(
            f"the key policy lacks the role, on the way to {code}",
            flagship_facts(),
            KEY,
            "resource",
            "kms:Encrypt",
            code,
        )
        for code in (
            "DstMultipartInitNotPermitted",
            "DstMultipartUploadNotPermitted",
            "DstMultipartPartUploadNotPermitted",
            "DstMultipartCompleteNotPermitted",
        )
    ),
    refused(
        "a key of the role's account neither names it nor delegates",
        under_rule(healthy_facts(**within_one_account()), replica_key=HOME_KEY),
        KEY,
        "resource",
        "kms:Encrypt",
    ),
    refused(
        "a key of the role's account delegates, and the role lacks the action",
        under_rule(
            healthy_facts(
                **within_one_account(delegated_to(HOME)), role=role_without("kms:Encrypt")
            ),
            replica_key=HOME_KEY,
        ),
        ROLE,
        "identity",
        "kms:Encrypt",
    ),
    mended(
        "a key of the role's account names it, and needs no policy of the role",
        under_rule(
            healthy_facts(**within_one_account(naming(ROLE_ARN)), role=role_without("kms:Encrypt")),
            replica_key=HOME_KEY,
        ),
    ),
    refused(
        "the source key neither names the role nor delegates",
        healthy_facts(source_key=a_key(SOURCE_KEY, policy=document(administered_by(HOME)))),
        KEY,
        "resource",
        "kms:Decrypt",
        GET,
    ),
    refused(
        "both sides lack the role",
        flagship_facts(role=role_without("kms:Encrypt")),
        BOTH,
        "resource",
        "kms:Encrypt",
        next="Let both sides allow kms:Encrypt",
    ),
    refused(
        "under a Bucket Key the replica key has to allow kms:Decrypt",
        of_version(bucket_key=True),
        KEY,
        "resource",
        "kms:Decrypt",
        next="for kms:Decrypt",
    ),
    mended(
        "the key policy names the session's ARN",
        healthy_facts(
            destination_key=key_with(
                naming(f"arn:aws:sts::{HOME}:assumed-role/orders-replication/s3-replication")
            )
        ),
    ),
    refused(
        "the key policy names another session of the role",
        healthy_facts(
            destination_key=key_with(
                naming(f"arn:aws:sts::{HOME}:assumed-role/orders-replication/backup")
            )
        ),
        KEY,
        "resource",
        "kms:Encrypt",
    ),
    mended(
        "the key policy names the role's account by its number",
        healthy_facts(destination_key=key_with(naming(HOME))),
    ),
    refused(
        "the key policy names another role",
        healthy_facts(
            destination_key=key_with(naming(f"arn:aws:iam::{HOME}:role/invoices-replication"))
        ),
        KEY,
        "resource",
        "kms:Encrypt",
    ),
    refused(
        "an object that was not encrypted needs a data key at the destination",
        of_version(encryption=Encryption.NONE, kms_key_arn=None),
        BOTH,
        "resource",
        "kms:GenerateDataKey",
    ),
    refused(
        "an object under DSSE-KMS needs the key like any other",
        of_version(flagship_facts(), encryption=Encryption.DSSE_KMS),
        KEY,
        "resource",
        "kms:Encrypt",
    ),
    mended(
        "an object under SSE-S3 needs no key",
        of_version(flagship_facts(), encryption=Encryption.SSE_S3, kms_key_arn=None),
    ),
    mended(
        "an object under SSE-C needs no key",
        of_version(flagship_facts(), encryption=Encryption.SSE_C, kms_key_arn=None),
    ),
    # aws-facts 10, question 3: if S3 calls kms:GenerateDataKey, a denial says so; else none does.
    refused(
        "a denial shows that S3 asks for a data key",
        healthy_facts(denials=(denied(AMBIGUOUS, action="kms:GenerateDataKey"),)),
        BOTH,
        "resource",
        "kms:GenerateDataKey",
        confidence=Confidence.PROVEN,
    ),
    mended("without such a denial no data key is asked for", healthy_facts()),
    mended(
        "several rules, of which another one fails",
        replace(
            healthy_facts(),
            setup=ReplicationSetup(
                role_arn=ROLE_ARN,
                rules=(a_rule(), a_rule(rule_id="to-paris", replica_key="no-such-key")),
            ),
        ),
    ),
)

DENYING: tuple[CauseCase, ...] = (
    refused(
        "the role's policy denies",
        healthy_facts(role=role_with(denying("kms:Encrypt"))),
        DENY,
        "identity",
        "kms:Encrypt",
        next="Never in p1, which denies kms:Encrypt",
    ),
    refused(
        "the key policy denies",
        healthy_facts(
            destination_key=key_with(
                admitting_the_role("kms:Encrypt"), denying("kms:*", Principal="*")
            )
        ),
        DENY,
        "resource",
        "kms:Encrypt",
        next="no allow elsewhere can lift it",
    ),
    refused(
        "the key policy denies what it does not allow either",
        healthy_facts(destination_key=key_with(denying("kms:Encrypt", Principal="*"))),
        DENY,
        "resource",
        "kms:Encrypt",
    ),
    refused(
        "the destination bucket's policy denies",
        healthy_facts(
            destination=bucket_with(
                {
                    **denying("s3:ReplicateObject", Principal="*"),
                    "Resource": "arn:aws:s3:::orders-frankfurt/*",
                }
            )
        ),
        DENY,
        "resource",
        "s3:ReplicateObject",
    ),
    refused(
        "the source bucket's policy denies",
        healthy_facts(
            source=a_bucket(
                name="orders-ireland",
                account=HOME,
                region="eu-west-1",
                policy=document(
                    {
                        **denying("s3:GetObjectVersionForReplication", Principal="*"),
                        "Resource": "arn:aws:s3:::orders-ireland/*",
                    }
                ),
            )
        ),
        DENY,
        "resource",
        READ_VERSION,
        GET,
    ),
    refused(
        "the permissions boundary denies",
        healthy_facts(role=bounded_by(allowing("*"), denying("kms:Encrypt"))),
        DENY,
        "boundary",
        "kms:Encrypt",
    ),
    mended(
        "a deny of somebody else stops nobody here",
        healthy_facts(
            destination_key=key_with(
                admitting_the_role("kms:Encrypt"),
                denying("kms:*", Principal={"AWS": f"arn:aws:iam::{MEMBER}:role/intern"}),
            )
        ),
    ),
    refused(
        "the permissions boundary leaves the key out",
        healthy_facts(role=bounded_by(allowing("s3:*"))),
        BOUNDARY,
        "boundary",
        "kms:Encrypt",
        next="Ask the owner of the role's permissions boundary",
    ),
    refused(
        "the permissions boundary leaves the key out, and the key the role",
        flagship_facts(role=bounded_by(allowing("s3:*"))),
        BOUNDARY,
        "boundary",
        "kms:Encrypt",
        next="refused by resource as well",
    ),
    mended("the permissions boundary allows all", healthy_facts(role=bounded_by(allowing("*")))),
)

OUT_OF_SIGHT: tuple[CauseCase, ...] = (
    told(
        "a service control policy, known from the text",
        healthy_facts(denials=(denied(BY_AN_SCP),)),
        Cause.ORGANISATION_POLICY,
        PUT,
        layer="scp",
        action="kms:Encrypt",
        next="service_control_policy/p-1",
    ),
    told(
        "a resource control policy, known from the text",
        healthy_facts(denials=(denied(BY_AN_RCP),)),
        Cause.ORGANISATION_POLICY,
        PUT,
        layer="rcp",
        action="kms:Encrypt",
    ),
    told(
        "a VPC endpoint policy, known from the text",
        healthy_facts(denials=(denied(BY_AN_ENDPOINT),)),
        Cause.ORGANISATION_POLICY,
        PUT,
        layer="vpc_endpoint",
        action="kms:Encrypt",
    ),
    mended(
        "a service control policy that a newer denial no longer names",
        healthy_facts(denials=(denied(BY_AN_SCP), denied(NO_IDENTITY, minute=9))),
        next="denial-9",
    ),
    refused(
        "a service control policy that denied another call",
        flagship_facts(
            denials=(denied(BY_AN_SCP.replace("Encrypt", "Decrypt"), action="kms:Decrypt"),)
        ),
        KEY,
        "resource",
        "kms:Encrypt",
    ),
)

CASES = (*ADMITTING, *DENYING, *OUT_OF_SIGHT)
