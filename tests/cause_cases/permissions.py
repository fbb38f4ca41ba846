"""A permission of S3 or IAM that the role or a bucket policy lacks, and the code that names it."""

from dataclasses import replace

from replimend.domain.diagnosis.causes import Cause
from replimend.domain.facts import Absent
from tests.cause_cases.model import (
    GET,
    NO_POLICY,
    CauseCase,
    allowing,
    bucket_allowing,
    mended,
    of_version,
    refused,
    role_with,
    role_without,
    under_rule,
)
from tests.facts import (
    HOME,
    ROLE_ARN,
    a_bucket,
    an_object,
    document,
    flagship_facts,
    healthy_facts,
)

ROLE = Cause.ROLE_POLICY_LACKS_ACTION
BOTH, BUCKET = Cause.BOTH_SIDES_LACK_ROLE, Cause.BUCKET_POLICY_LACKS_ROLE
READ_VERSION = "s3:GetObjectVersionForReplication"
MARKER = Absent(what="version: 405, a delete marker")
LOCKED = an_object(object_lock=True)
LOCK_READS = allowing("s3:GetObjectRetention", "s3:GetObjectLegalHold")


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
        next="s3:ReplicateTags on arn:aws:s3:::orders-frankfurt/*",
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
        next="s3:GetBucketOwnershipControls",
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
        next="s3:ReplicateObject: the policy of arn:aws:s3:::orders-frankfurt, and the role's",
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


CASES = LACKING
