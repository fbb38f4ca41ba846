"""A policy layer that refuses a call: the role's, the key's, the bucket's, or several of them."""

from dataclasses import replace

from replimend.domain.causes import Cause, Confidence
from replimend.domain.facts import Absent, Encryption, NamedPolicy, ReplicationSetup
from tests.cause_cases.model import (
    AMBIGUOUS,
    BY_AN_ENDPOINT,
    BY_AN_RCP,
    BY_AN_SCP,
    GET,
    NO_IDENTITY,
    NO_POLICY,
    NO_RESOURCE,
    PUT,
    CauseCase,
    allowing,
    bucket_allowing,
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
    an_object,
    delegated_to,
    document,
    flagship_facts,
    healthy_facts,
)

ROLE, KEY = Cause.ROLE_POLICY_LACKS_ACTION, Cause.KEY_POLICY_LACKS_ROLE
BOTH, BUCKET = Cause.BOTH_SIDES_LACK_ROLE, Cause.BUCKET_POLICY_LACKS_ROLE
DENY, BOUNDARY = Cause.EXPLICIT_DENY, Cause.PERMISSIONS_BOUNDARY
READ_VERSION = "s3:GetObjectVersionForReplication"
MARKER = Absent(what="version: 405, a delete marker")
LOCKED = an_object(object_lock=True)
LOCK_READS = allowing("s3:GetObjectRetention", "s3:GetObjectLegalHold")
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


LACKING: tuple[CauseCase, ...] = (
    refused(
        "the role lacks the action on the replica key",
        healthy_facts(role=role_without("kms:Encrypt")),
        ROLE,
        "identity",
        "kms:Encrypt",
        next="kms:Encrypt on arn:aws:kms:eu-central-1",
    ),
    # aws-facts 10, question 1: whichever code a denial by the source key gives, it ends here.
    refused(
        "the role lacks the action on the source key, as SrcGetObjectNotPermitted",
        healthy_facts(role=role_without("kms:Decrypt")),
        ROLE,
        "identity",
        "kms:Decrypt",
        GET,
    ),
    refused(
        "the role lacks the action on the source key, as SrcHeadObjectNotPermitted",
        healthy_facts(role=role_without("kms:Decrypt")),
        ROLE,
        "identity",
        "kms:Decrypt",
        "SrcHeadObjectNotPermitted",
    ),
    refused(
        "the role lacks the action on the source key, and a person asks",
        healthy_facts(role=role_without("kms:Decrypt")),
        ROLE,
        "identity",
        "kms:Decrypt",
        None,
    ),
    refused(
        "the role lacks the actions on both keys, and the code speaks of the source",
        healthy_facts(role=role_without("kms:Decrypt", "kms:Encrypt")),
        ROLE,
        "identity",
        "kms:Decrypt",
        GET,
    ),
    refused(
        "the role lacks the actions on both keys, and the code speaks of the destination",
        healthy_facts(role=role_without("kms:Decrypt", "kms:Encrypt")),
        ROLE,
        "identity",
        "kms:Encrypt",
    ),
    refused(
        "s3:GetObjectVersion is not enough",
        healthy_facts(role=role_with(allowing("s3:GetObjectVersion"), without=(READ_VERSION,))),
        ROLE,
        "identity",
        READ_VERSION,
        GET,
    ),
    mended(
        "a policy of the source bucket fills the role's gap within the account",
        healthy_facts(
            role=role_without(READ_VERSION),
            source=a_bucket(
                name="orders-ireland",
                account=HOME,
                region="eu-west-1",
                policy=document(
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": ROLE_ARN},
                        "Action": READ_VERSION,
                        "Resource": "arn:aws:s3:::orders-ireland/*",
                    }
                ),
            ),
        ),
        GET,
    ),
    refused(
        "the role may not read the ACL",
        healthy_facts(role=role_without("s3:GetObjectVersionAcl")),
        ROLE,
        "identity",
        "s3:GetObjectVersionAcl",
        "SrcGetAclNotPermitted",
    ),
    refused(
        "the role may not read tags that HeadObject shows",
        of_version(healthy_facts(role=role_without("s3:GetObjectVersionTagging")), tag_count=2),
        ROLE,
        "identity",
        "s3:GetObjectVersionTagging",
        "SrcGetTaggingNotPermitted",
    ),
    refused(
        "the role may not read tags that only the code shows",
        healthy_facts(role=role_without("s3:GetObjectVersionTagging")),
        ROLE,
        "identity",
        "s3:GetObjectVersionTagging",
        "SrcGetTaggingNotPermitted",
    ),
    refused(
        "the role may not write tags",
        healthy_facts(role=role_without("s3:ReplicateTags")),
        ROLE,
        "identity",
        "s3:ReplicateTags",
        "DstPutTaggingNotPermitted",
    ),
    refused(
        "the bucket policy does not let tags be written",
        healthy_facts(destination=bucket_allowing("s3:ReplicateObject")),
        BUCKET,
        "resource",
        "s3:ReplicateTags",
        "DstPutTaggingNotPermitted",
        next="s3:ReplicateTags on arn:aws:s3:::orders-frankfurt/",
    ),
    refused(
        "the code that names tags comes before a key that refuses as well",
        flagship_facts(role=role_without("s3:ReplicateTags")),
        ROLE,
        "identity",
        "s3:ReplicateTags",
        "DstPutTaggingNotPermitted",
    ),
    refused(
        "a retention may not be put",
        replace(
            healthy_facts(
                role=role_with(LOCK_READS, allowing("s3:PutObjectLegalHold")),
                destination=bucket_allowing(
                    "s3:ReplicateObject",
                    "s3:PutObjectRetention",
                    "s3:PutObjectLegalHold",
                    object_lock=True,
                ),
            ),
            object=LOCKED,
        ),
        ROLE,
        "identity",
        "s3:PutObjectRetention",
        "DstPutRetentionNotPermitted",
    ),
    refused(
        "a legal hold may not be put",
        replace(
            healthy_facts(
                role=role_with(
                    LOCK_READS, allowing("s3:PutObjectLegalHold", "s3:PutObjectRetention")
                ),
                destination=bucket_allowing(
                    "s3:ReplicateObject", "s3:PutObjectRetention", object_lock=True
                ),
            ),
            object=LOCKED,
        ),
        BUCKET,
        "resource",
        "s3:PutObjectLegalHold",
        "DstPutLegalHoldNotPermitted",
    ),
    refused(
        "the owner may not be overridden on either side",
        under_rule(owner_override=True),
        BOTH,
        "resource",
        "s3:ObjectOwnerOverrideToBucketOwner",
    ),
    refused(
        "the role may not write delete markers",
        replace(
            under_rule(healthy_facts(role=role_without("s3:ReplicateDelete")), delete_markers=True),
            object=MARKER,
        ),
        ROLE,
        "identity",
        "s3:ReplicateDelete",
        "DstDelObjNotPermitted",
    ),
    refused(
        "the bucket policy does not let delete markers be written",
        replace(
            under_rule(
                healthy_facts(destination=bucket_allowing("s3:ReplicateObject")),
                delete_markers=True,
            ),
            object=MARKER,
        ),
        BUCKET,
        "resource",
        "s3:ReplicateDelete",
        "DstDelObjNotPermitted",
    ),
    mended(
        "what only delete markers need is no cause of a failed put",
        under_rule(healthy_facts(role=role_without("s3:ReplicateDelete")), delete_markers=True),
    ),
    refused(
        "a change of a replica's tags may not be brought over",
        under_rule(
            healthy_facts(role=role_without("s3:ReplicateTags")), replica_modifications=True
        ),
        ROLE,
        "identity",
        "s3:ReplicateTags",
        "DstPutTaggingNotPermitted",
    ),
    mended(
        "what only changes of replicas need is no cause of a failed put",
        under_rule(
            healthy_facts(role=role_without("s3:ReplicateTags")), replica_modifications=True
        ),
    ),
    refused(
        "the destination bucket has no policy",
        healthy_facts(destination=a_bucket(policy=NO_POLICY)),
        BUCKET,
        "resource",
        "s3:ReplicateObject",
        next="destination bucket's policy",
    ),
    refused(
        "neither the bucket's policy nor the role's allows to write",
        healthy_facts(
            destination=a_bucket(policy=NO_POLICY), role=role_without("s3:ReplicateObject")
        ),
        BOTH,
        "resource",
        "s3:ReplicateObject",
        next="both sides must allow s3:ReplicateObject",
    ),
    refused(
        "a code that names s3:ReplicateObject alone comes before the key",
        flagship_facts(destination=a_bucket(policy=NO_POLICY)),
        BUCKET,
        "resource",
        "s3:ReplicateObject",
        "DstPutAclNotPermitted",
    ),
    refused(
        "the role may not read the configuration",
        healthy_facts(role=role_without("s3:GetReplicationConfiguration")),
        ROLE,
        "identity",
        "s3:GetReplicationConfiguration",
        None,
    ),
)

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
        next="both sides must allow kms:Encrypt",
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

CASES = (*LACKING, *ADMITTING, *DENYING, *OUT_OF_SIGHT)
