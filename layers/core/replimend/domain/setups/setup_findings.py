"""What can be found about rules, buckets and keys: one table, read from top to bottom."""

from replimend.domain.setups.findings import SILENT, FindingKind, Severity


class SetupFinding(FindingKind):
    """Id, severity, predicted failure reason, what it says, what mends it."""

    # The configuration and its rules.
    REPLICATION_MISSING = (
        "replication-missing",
        Severity.ERROR,
        "SrcBucketReplicationConfigMissing",
        "the bucket has no replication configuration",
        "Put a replication configuration on the bucket.",
    )
    NO_RULE_ENABLED = (
        "no-rule-enabled",
        Severity.ERROR,
        SILENT,
        "no rule of the configuration is enabled",
        "Enable the rule that should replicate.",
    )
    NO_RULE_SELECTS_OBJECT = (
        "no-rule-selects-object",
        Severity.ERROR,
        SILENT,
        "no enabled rule selects the object {key}",
        "Widen a rule's filter, or leave the object where it is.",
    )
    RULE_DISABLED = (
        "rule-disabled",
        Severity.WARNING,
        SILENT,
        "the rule {rule} is disabled",
        "Enable the rule if it was disabled by mistake.",
    )
    NOT_OPTED_IN = (
        "not-opted-in",
        Severity.ERROR,
        SILENT,
        (
            "the rule {rule} does not select objects encrypted with KMS: S3 skips them, without "
            "a status and without an event"
        ),
        (
            "Set SourceSelectionCriteria.SseKmsEncryptedObjects.Status to Enabled and name a "
            "key in Destination.EncryptionConfiguration.ReplicaKmsKeyID."
        ),
    )
    NO_REPLICA_KEY = (
        "no-replica-key",
        Severity.ERROR,
        None,
        "the rule {rule} selects objects encrypted with KMS and names no key for their replicas",
        "Name a key in Destination.EncryptionConfiguration.ReplicaKmsKeyID.",
    )
    OBJECT_ARCHIVED = (
        "object-archived",
        Severity.ERROR,
        "SrcObjectNotEligible",
        "the version is archived in {storage_class}",
        "Restore the version first; S3 cannot replicate it before.",
    )

    # The buckets.
    SOURCE_UNVERSIONED = (
        "source-unversioned",
        Severity.ERROR,
        SILENT,
        "versioning is not enabled on the source bucket",
        "Enable versioning on the source bucket.",
    )
    DESTINATION_MISSING = (
        "destination-missing",
        Severity.ERROR,
        "DstBucketNotFound",
        "the destination bucket does not exist",
        "Create the bucket, versioned, or point the rule at another.",
    )
    DESTINATION_UNVERSIONED = (
        "destination-unversioned",
        Severity.ERROR,
        "DstBucketUnversioned",
        "versioning is not enabled on the destination bucket",
        "Enable versioning on the destination bucket.",
    )
    DESTINATION_LACKS_OBJECT_LOCK = (
        "destination-lacks-object-lock",
        Severity.ERROR,
        "DstBucketObjectLockConfigMissing",
        "{source} has Object Lock and the destination bucket has not",
        "Enable Object Lock on the destination bucket.",
    )
    DESTINATION_POLICY_MISSING = (
        "destination-policy-missing",
        Severity.ERROR,
        "DstPutObjectNotPermitted",
        (
            "the destination bucket belongs to account {account} and has no policy that admits "
            "a role of account {home}"
        ),
        "Allow {role} s3:ReplicateObject, s3:ReplicateDelete and s3:ReplicateTags on the objects.",
    )

    # The keys.
    SOURCE_KEY_MISSING = (
        "source-key-missing",
        Severity.ERROR,
        None,
        "the objects' key does not exist, so that nobody can read them",
        "Check the objects' key: what was encrypted with a key that is gone stays unreadable.",
    )
    SOURCE_KEY_UNUSABLE = (
        "source-key-unusable",
        Severity.ERROR,
        "SrcKmsKeyInvalidState",
        "the state of the objects' key is {state}",
        "{next}",
    )
    DESTINATION_KEY_MISSING = (
        "destination-key-missing",
        Severity.ERROR,
        "DstKmsKeyNotFound",
        "the rule {rule} encrypts replicas with a key that does not exist",
        "Name an existing key of the destination bucket's Region in the rule's ReplicaKmsKeyID.",
    )
    DESTINATION_KEY_UNUSABLE = (
        "destination-key-unusable",
        Severity.ERROR,
        "DstKmsKeyInvalidState",
        "the state of the replicas' key is {state}",
        "{next}",
    )
    KEY_IN_WRONG_REGION = (
        "key-in-wrong-region",
        Severity.ERROR,
        "DstKmsKeyNotFound",
        "the replicas' key is in {region}, the destination bucket in {bucket_region}",
        "Name a key of {bucket_region} in the rule's ReplicaKmsKeyID.",
    )
    AWS_MANAGED_KEY_ACROSS_ACCOUNTS = (
        "aws-managed-key-across-accounts",
        Severity.ERROR,
        "DstPutObjectNotPermitted",
        "the replicas' key is AWS managed, and such a key cannot be used from another account",
        "Create a customer managed key in account {account} and name it in the rule.",
    )
    REPLICA_KEY_WITHOUT_ACCOUNT = (
        "replica-key-without-account",
        Severity.ERROR,
        "DstKmsKeyNotFound",
        (
            "the rule {rule} names the replicas' key as {name}, which S3 looks for in account "
            "{home}, not in the destination's"
        ),
        "Name the key by its full ARN in the rule's ReplicaKmsKeyID.",
    )
    ALIAS_AS_REPLICA_KEY = (
        "alias-as-replica-key",
        Severity.WARNING,
        "DstKmsKeyNotFound",
        (
            "the rule {rule} names the replicas' key by an alias; AWS's pages and its support "
            "disagree on whether that works"
        ),
        "Name {key} by its full ARN in the rule's ReplicaKmsKeyID.",
    )

    # What could not be looked at.
    UNREAD = ("unread", Severity.INFO, None, "{reason}", "Take a snapshot that has it.")
