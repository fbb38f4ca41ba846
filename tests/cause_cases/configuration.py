"""The configuration, the rule, the role, the buckets, and the version itself."""

from replimend.domain.diagnosis.causes import Cause
from replimend.domain.facts import Absent, ReplicationSetup
from tests.cause_cases.model import (
    GET,
    PUT,
    UNREAD,
    CauseCase,
    mended,
    of_version,
    refused,
    role_without,
    seen,
    told,
    undecided,
    under_rule,
)
from tests.facts import (
    ROLE_ARN,
    SOURCE_KEY,
    a_bucket,
    a_key,
    a_role,
    document,
    flagship_facts,
    healthy_facts,
    trust,
)

GONE = Absent(what="version")
NOT_ELIGIBLE, NOT_ASSUMABLE = Cause.OBJECT_NOT_ELIGIBLE, Cause.ROLE_NOT_ASSUMABLE
DONE = Cause.ALREADY_REPLICATED
ASSUME, HARD_DELETED = "AssumeRoleNotPermitted", "DstObjectHardDeleted"
TRUSTED_FOR_THE_BUCKET = document(
    {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::orders-ireland"}},
    }
)
TRUST_DENIED = document(
    {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"},
    {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"},
)

RULES: tuple[CauseCase, ...] = (
    seen(
        "the source bucket is gone",
        healthy_facts(source=Absent(what="bucket"), setup=Absent(what="configuration")),
        Cause.SOURCE_BUCKET_MISSING,
        "SrcBucketNotFound",
        next="Look for orders-ireland",
    ),
    seen(
        "nothing replicates",
        healthy_facts(setup=Absent(what="configuration")),
        Cause.REPLICATION_CONFIGURATION_MISSING,
        "SrcBucketReplicationConfigMissing",
        next="Put the replication configuration of orders-ireland back",
    ),
    seen(
        "the rule was deleted",
        healthy_facts(setup=ReplicationSetup(role_arn=ROLE_ARN, rules=())),
        Cause.RULE_MISSING,
        next="'to-frankfurt'",
    ),
    seen(
        "the rule is disabled",
        under_rule(enabled=False),
        Cause.RULE_DISABLED,
        next="Enable the rule 'to-frankfurt'",
    ),
    seen(
        "the rule replicates to another bucket by now",
        under_rule(destination_bucket="orders-milan"),
        Cause.RULE_CHANGED,
        next="pointed at orders-milan on purpose",
    ),
    seen(
        "the rule does not select objects under KMS",
        under_rule(replicates_kms_objects=False),
        Cause.NOT_OPTED_IN,
        None,
        next="SourceSelectionCriteria.SseKmsEncryptedObjects",
    ),
    seen(
        "the rule selects objects under KMS, and names no key for replicas",
        under_rule(replica_key=None),
        Cause.NOT_OPTED_IN,
        next="name a ReplicaKmsKeyID in the rule 'to-frankfurt'",
    ),
    mended("the rule has no metrics", under_rule(metrics=False), None),
    seen(
        "the rule is for another prefix",
        under_rule(prefix="invoices/"),
        NOT_ELIGIBLE,
        "SrcObjectNotEligible",
        next="Change the filter of the rule 'to-frankfurt'",
    ),
    seen(
        "the rule is for objects with more tags",
        under_rule(tags={"class": "a", "team": "b"}),
        NOT_ELIGIBLE,
        "SrcObjectNotEligible",
        next="s3:GetObjectVersionTagging",
    ),
    told(
        "the rule is for tags whose values are not known",
        of_version(under_rule(tags={"class": "a"}), tag_count=1),
        NOT_ELIGIBLE,
        "SrcObjectNotEligible",
        next="s3:GetObjectVersionTagging",
    ),
)

RESOURCES: tuple[CauseCase, ...] = (
    seen(
        "the role trusts another service",
        healthy_facts(role=a_role(trust=trust("ec2.amazonaws.com"))),
        NOT_ASSUMABLE,
        ASSUME,
        next=f"Let the trust policy of {ROLE_ARN} allow s3.amazonaws.com",
    ),
    seen(
        "the role trusts batch jobs only",
        healthy_facts(role=a_role(trust=trust("batchoperations.s3.amazonaws.com"))),
        NOT_ASSUMABLE,
        ASSUME,
    ),
    seen(
        "the role's trust policy denies",
        healthy_facts(role=a_role(trust=TRUST_DENIED)),
        NOT_ASSUMABLE,
        ASSUME,
    ),
    seen(
        "the role trusts S3 for the bucket only, and S3 cannot assume it",
        healthy_facts(role=a_role(trust=TRUSTED_FOR_THE_BUCKET)),
        NOT_ASSUMABLE,
        ASSUME,
    ),
    mended(
        "the role trusts S3 for the bucket only, and S3 complains of something else",
        healthy_facts(role=a_role(trust=TRUSTED_FOR_THE_BUCKET)),
    ),
    seen(
        "the role was deleted",
        healthy_facts(role=Absent(what=ROLE_ARN)),
        Cause.ROLE_MISSING,
        ASSUME,
        next=f"Create {ROLE_ARN} again",
    ),
    seen(
        "the destination bucket was deleted",
        healthy_facts(destination=Absent(what="bucket orders-frankfurt")),
        Cause.DESTINATION_BUCKET_MISSING,
        "DstBucketNotFound",
        next="Create orders-frankfurt again",
    ),
    seen(
        "versioning is off at the destination",
        healthy_facts(destination=a_bucket(versioned=False)),
        Cause.DESTINATION_UNVERSIONED,
        "DstBucketUnversioned",
        next="Enable versioning on orders-frankfurt",
    ),
    seen(
        "a locked version, and a destination without Object Lock",
        of_version(object_lock=True),
        Cause.DESTINATION_LACKS_OBJECT_LOCK,
        "DstBucketObjectLockConfigMissing",
        next="Enable Object Lock on orders-frankfurt",
    ),
    mended(
        "the destination has Object Lock by now",
        healthy_facts(destination=a_bucket(object_lock=True)),
        "DstBucketObjectLockConfigMissing",
    ),
    seen(
        "of two faults the one that the code names: the destination",
        healthy_facts(
            destination=a_bucket(versioned=False), source_key=a_key(SOURCE_KEY, state="Disabled")
        ),
        Cause.DESTINATION_UNVERSIONED,
        "DstBucketUnversioned",
    ),
    seen(
        "of two faults the one that the code names: the source key",
        healthy_facts(
            destination=a_bucket(versioned=False), source_key=a_key(SOURCE_KEY, state="Disabled")
        ),
        Cause.SOURCE_KEY_UNUSABLE,
        "SrcKmsKeyInvalidState",
    ),
    seen(
        "of two faults the one on the side that the code speaks of",
        healthy_facts(
            destination=a_bucket(versioned=False), source_key=a_key(SOURCE_KEY, state="Disabled")
        ),
        Cause.SOURCE_KEY_UNUSABLE,
        GET,
    ),
    refused(
        "of two faults the permission that the code names, though a key is disabled",
        healthy_facts(
            role=role_without("s3:GetObjectVersionAcl"), destination_key=a_key(state="Disabled")
        ),
        Cause.ROLE_POLICY_LACKS_ACTION,
        "identity",
        "s3:GetObjectVersionAcl",
        "SrcGetAclNotPermitted",
    ),
    seen(
        "the role is well, which S3 could not assume, and a key is disabled",
        healthy_facts(destination_key=a_key(state="Disabled")),
        Cause.DESTINATION_KEY_UNUSABLE,
        ASSUME,
    ),
)

VERSIONS: tuple[CauseCase, ...] = (
    *(
        seen(
            f"the version was deleted, as {code}",
            healthy_facts(object=GONE),
            Cause.OBJECT_GONE,
            code,
        )
        for code in ("SrcVersionNotFound", "SrcObjectNotFound", "SrcKeyNotFound", PUT)
    ),
    mended(
        "the object was replaced, and the version is still there by its id",
        of_version(version_id="an.older.version"),
    ),
    *(
        seen(
            f"the version is archived in {storage_class}",
            of_version(storage_class=storage_class, archived=True),
            Cause.OBJECT_ARCHIVED,
            "SrcObjectNotEligible",
            next=f"(s3:RestoreObject): S3 cannot replicate an object that is archived in "
            f"{storage_class}",
        )
        for storage_class in ("GLACIER", "DEEP_ARCHIVE", "INTELLIGENT_TIERING")
    ),
    mended("the version was restored", of_version(storage_class="GLACIER", archived=False)),
    *(
        seen(f"the version is {status}", of_version(replication_status=status), DONE)
        for status in ("COMPLETED", "COMPLETE")
    ),
    seen(
        "a replica whose changes have been brought over",
        of_version(under_rule(replica_modifications=True), replication_status="REPLICA"),
        DONE,
        "DstPutTaggingNotPermitted",
    ),
    seen(
        "a replica, which S3 does not replicate further",
        of_version(replication_status="REPLICA"),
        NOT_ELIGIBLE,
        None,
        next="S3 Batch Replication",
    ),
    told(
        "S3 has replicated it, says the code, and a policy refuses by now",
        flagship_facts(),
        DONE,
        "SrcReplicationNotPending",
    ),
    told(
        "S3 still tries",
        of_version(replication_status="PENDING"),
        Cause.REPLICATION_PENDING,
        None,
        next="Wait",
    ),
    refused(
        "S3 still tries, and cannot succeed",
        of_version(flagship_facts(), replication_status="PENDING"),
        Cause.KEY_POLICY_LACKS_ROLE,
        "resource",
        "kms:Encrypt",
        None,
    ),
    told(
        "the replica was deleted by its version id, and the source is COMPLETED still",
        of_version(replication_status="COMPLETED"),
        Cause.REPLICA_HARD_DELETED,
        HARD_DELETED,
        next="if it is the current one",
    ),
    seen(
        "the replica was deleted by its version id, and so was the source",
        healthy_facts(object=GONE),
        Cause.OBJECT_GONE,
        HARD_DELETED,
    ),
    refused(
        "the replica is missing for a change of metadata, and could not be written",
        flagship_facts(),
        Cause.KEY_POLICY_LACKS_ROLE,
        "resource",
        "kms:Encrypt",
        "DstVersionNotFound",
    ),
    refused(
        "an annotation is gone, and the version could not be replicated",
        flagship_facts(),
        Cause.KEY_POLICY_LACKS_ROLE,
        "resource",
        "kms:Encrypt",
        "SrcAnnotationNotFound",
    ),
    told(
        "too many annotations, whatever of the destination could not be read",
        healthy_facts(destination=UNREAD),
        Cause.TOO_MANY_ANNOTATIONS,
        "AnnotationLimitExceeded",
    ),
    mended("a person asks, and all is well", healthy_facts(), None),
    undecided(
        "a code that no documentation lists, and all is well",
        healthy_facts(),
        "SomethingNew",
        next="Look SomethingNew up",
    ),
    refused(
        "a code that no documentation lists, and a call is refused",
        flagship_facts(),
        Cause.KEY_POLICY_LACKS_ROLE,
        "resource",
        "kms:Encrypt",
        "SomethingNew",
    ),
)

CASES = (*RULES, *RESOURCES, *VERSIONS)
