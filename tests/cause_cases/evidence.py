"""What could not be read, and what contradicts itself."""

from replimend.domain.diagnosis.causes import Cause, Confidence
from tests.cause_cases.model import (
    AMBIGUOUS,
    GET,
    NO_IDENTITY,
    NO_RESOURCE,
    NO_SESSION,
    PUT,
    UNREAD,
    CauseCase,
    denied,
    mended,
    of_version,
    refused,
    role_without,
    undecided,
)
from tests.facts import (
    DESTINATION_KEY,
    HOME,
    ROLE_ARN,
    SOURCE_KEY,
    a_bucket,
    a_key,
    a_role,
    administered_by,
    document,
    flagship_facts,
    healthy_facts,
)

KEY = Cause.KEY_POLICY_LACKS_ROLE

UNREADABLE: tuple[CauseCase, ...] = (
    undecided(
        "the configuration cannot be read",
        healthy_facts(setup=UNREAD),
        next="s3:GetReplicationConfiguration on orders-ireland",
    ),
    undecided(
        "the version cannot be read", healthy_facts(object=UNREAD), next="(s3:GetObjectVersion)"
    ),
    undecided(
        "the role cannot be read", healthy_facts(role=UNREAD), next=f"iam:GetRole on {ROLE_ARN}"
    ),
    undecided(
        "the role, which S3 could not assume, cannot be read, and a key is disabled",
        healthy_facts(role=UNREAD, destination_key=a_key(state="Disabled")),
        "AssumeRoleNotPermitted",
        next="(iam:GetRole)",
    ),
    undecided(
        "the role's policies cannot be read",
        healthy_facts(role=a_role(identity_policies=UNREAD)),
        next="iam:GetRolePolicy",
    ),
    undecided(
        "the permissions boundary cannot be read",
        healthy_facts(role=a_role(boundary=UNREAD)),
        next="iam:GetPolicyVersion",
    ),
    undecided(
        "the source bucket cannot be read",
        healthy_facts(source=UNREAD),
        next="s3:GetBucketLocation on orders-ireland",
    ),
    undecided(
        "the destination bucket cannot be read",
        healthy_facts(destination=UNREAD),
        next="s3:GetBucketLocation on orders-frankfurt",
    ),
    undecided(
        "the destination bucket, of which S3 complains, cannot be read",
        healthy_facts(destination=UNREAD),
        "DstBucketNotFound",
        next="s3:GetBucketLocation on orders-frankfurt",
    ),
    undecided(
        "the versioning of the destination cannot be read",
        healthy_facts(destination=a_bucket(versioned=UNREAD)),
        next="s3:GetBucketVersioning on orders-frankfurt",
    ),
    undecided(
        "the versioning of the destination, of which S3 complains, cannot be read",
        flagship_facts(destination=a_bucket(versioned=UNREAD)),
        "DstBucketUnversioned",
        next="s3:GetBucketVersioning on orders-frankfurt",
    ),
    undecided(
        "the Object Lock of the destination cannot be read",
        healthy_facts(destination=a_bucket(object_lock=UNREAD)),
        "DstBucketObjectLockConfigMissing",
        next="s3:GetBucketObjectLockConfiguration on orders-frankfurt",
    ),
    undecided(
        "the bucket policy cannot be read",
        healthy_facts(destination=a_bucket(policy=UNREAD)),
        next="s3:GetBucketPolicy on arn:aws:s3:::orders-frankfurt",
    ),
    undecided(
        "the source key cannot be read",
        healthy_facts(source_key=UNREAD),
        GET,
        next=f"kms:DescribeKey on {SOURCE_KEY}",
    ),
    undecided(
        "the replica key cannot be read",
        healthy_facts(destination_key=UNREAD),
        next=f"kms:DescribeKey on {DESTINATION_KEY}",
    ),
    undecided(
        "the key policy cannot be read",
        healthy_facts(destination_key=a_key(policy=UNREAD)),
        next=f"kms:GetKeyPolicy on {DESTINATION_KEY}",
    ),
    undecided(
        "the key policy cannot be read, and the refused call is on the other side",
        healthy_facts(destination_key=a_key(policy=UNREAD), role=role_without("kms:Decrypt")),
        next=f"kms:GetKeyPolicy on {DESTINATION_KEY}",
    ),
    refused(
        "the bucket policy cannot be read, and the key refuses for certain",
        flagship_facts(destination=a_bucket(policy=UNREAD)),
        KEY,
        "resource",
        "kms:Encrypt",
    ),
    refused(
        "the source key's policy cannot be read, and the replica key refuses for certain",
        flagship_facts(source_key=a_key(SOURCE_KEY, policy=UNREAD)),
        KEY,
        "resource",
        "kms:Encrypt",
    ),
)

CONTRADICTING: tuple[CauseCase, ...] = (
    mended(
        "CloudTrail names the key, and the key allows by now",
        healthy_facts(denials=(denied(NO_RESOURCE, minute=5),)),
        next="If the first one fails again, the denial denial-5 of kms:Encrypt at 2026-06-01T12:05",
    ),
    mended(
        "CloudTrail names the role's policy, and it allows by now",
        healthy_facts(denials=(denied(NO_IDENTITY),)),
        next="a layer that cannot be read refuses",
    ),
    mended(
        "CloudTrail names three causes at once, and none of them is left",
        healthy_facts(denials=(denied(AMBIGUOUS),)),
        next="denial-0",
    ),
    undecided(
        "CloudTrail names a session policy, and nothing that can be read refuses",
        healthy_facts(denials=(denied(NO_SESSION),)),
        next="AssumeRole record",
    ),
    refused(
        "CloudTrail names a session policy, and the key refuses as well",
        flagship_facts(denials=(denied(NO_SESSION),)),
        KEY,
        "resource",
        "kms:Encrypt",
    ),
    refused(
        "CloudTrail names the role's policy, and the key refuses by now",
        flagship_facts(denials=(denied(NO_IDENTITY),)),
        KEY,
        "resource",
        "kms:Encrypt",
    ),
    # aws-facts 10, question 5: a Bucket Key may hide for a while that access was lost or repaired.
    refused(
        "no denial of a lost access arrives under a Bucket Key, and the key refuses",
        of_version(flagship_facts(), bucket_key=True),
        KEY,
        "resource",
        "kms:Encrypt",
    ),
    refused(
        "the code speaks of the destination, and only the source refuses",
        healthy_facts(source_key=a_key(SOURCE_KEY, policy=document(administered_by(HOME)))),
        KEY,
        "resource",
        "kms:Decrypt",
        PUT,
    ),
    refused(
        "the code speaks of the source, and only the destination refuses",
        flagship_facts(),
        KEY,
        "resource",
        "kms:Encrypt",
        GET,
        confidence=Confidence.EVALUATED,
    ),
    undecided(
        "S3 says that the version is gone, and it is there",
        healthy_facts(),
        "SrcVersionNotFound",
        next="s3:ListBucketVersions",
    ),
    refused(
        "S3 says that the version is gone, it is there, and a key refuses",
        flagship_facts(),
        KEY,
        "resource",
        "kms:Encrypt",
        "SrcVersionNotFound",
    ),
)

CASES = (*UNREADABLE, *CONTRADICTING)
