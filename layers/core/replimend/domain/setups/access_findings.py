"""What can be found about who may do what: one table, read from top to bottom."""

from replimend.domain.setups.findings import FindingKind, Severity


class AccessFinding(FindingKind):
    """Id, severity, predicted failure reason, what it says, what mends it."""

    # The role, and the calls that are refused.
    ROLE_MISSING = (
        "role-missing",
        Severity.ERROR,
        "AssumeRoleNotPermitted",
        "the replication role does not exist",
        "Create the role again, or name another in the replication configuration.",
    )
    ROLE_NOT_ASSUMABLE = (
        "role-not-assumable",
        Severity.ERROR,
        "AssumeRoleNotPermitted",
        "the role's trust policy does not let s3.amazonaws.com assume it",
        "Allow s3.amazonaws.com to call sts:AssumeRole in the role's trust policy.",
    )
    GET_OBJECT_VERSION_IN_PLACE = (
        "get-object-version-in-place",
        Severity.ERROR,
        "SrcGetObjectNotPermitted",
        (
            "the role may call s3:GetObjectVersion, which is not enough for objects encrypted "
            "with KMS; S3 calls s3:GetObjectVersionForReplication"
        ),
        "Allow s3:GetObjectVersionForReplication in the role's policy, in place of it.",
    )
    ROLE_POLICY_LACKS_ACTION = (
        "role-policy-lacks-action",
        Severity.ERROR,
        None,
        "no policy of the role allows {action} on {resource}",
        "Allow {action} on {resource} in a policy of the role.",
    )
    KEY_POLICY_LACKS_ROLE = (
        "key-policy-lacks-role",
        Severity.ERROR,
        None,
        "the key policy neither names the role nor delegates {action} to account {home}",
        "Let the key policy admit {role} for {action}.",
    )
    BUCKET_POLICY_LACKS_ROLE = (
        "bucket-policy-lacks-role",
        Severity.ERROR,
        None,
        "the bucket's policy does not allow the role {action}",
        "Let the bucket's policy allow {role} {action} on {resource}.",
    )
    EXPLICIT_DENY = (
        "explicit-deny",
        Severity.ERROR,
        None,
        "{where} denies {action} on {resource}",
        "Ask the owner of the deny; no allow elsewhere lifts it.",
    )
    PERMISSIONS_BOUNDARY = (
        "permissions-boundary",
        Severity.ERROR,
        None,
        "the role's permissions boundary does not allow {action} on {resource}",
        "Ask the owner of the boundary to let the role do it.",
    )
    CONDITION_MISMATCH = (
        "condition-mismatch",
        Severity.ERROR,
        None,
        (
            "{where} would allow {action} but for {condition}: it expects {expected}, and S3 "
            "sends {actual}"
        ),
        "Make the condition fit what S3 sends.",
    )
    MISPRINTED_ENCRYPTION_CONTEXT = (
        "misprinted-encryption-context",
        Severity.ERROR,
        None,
        (
            "{where} asks for kms:EncryptionContext:arn:aws:arn, a misprint in one of AWS's "
            "samples that no call ever carries"
        ),
        "Write kms:EncryptionContext:aws:s3:arn instead.",
    )
    VIA_SERVICE_OF_WRONG_REGION = (
        "via-service-of-wrong-region",
        Severity.ERROR,
        None,
        (
            "{where} allows {action} by way of {expected}, and S3 calls by way of {actual}: "
            "that of the key's own Region"
        ),
        "Add {actual} to the condition on kms:ViaService.",
    )
    OBJECT_CONTEXT_UNDER_BUCKET_KEY = (
        "object-context-under-bucket-key",
        Severity.ERROR,
        None,
        (
            "{where} allows {action} for {expected} only, and under a Bucket Key S3 sends the "
            "bucket's own ARN, {actual}"
        ),
        "Add {actual} beside the objects' ARNs in the condition.",
    )
    DEAD_PRINCIPAL = (
        "dead-principal",
        Severity.ERROR,
        None,
        (
            "the policy names {principal}: the id of a role or user that was deleted, even if "
            "one of the same name exists again"
        ),
        "Name the role again by its ARN.",
    )

    # What is wider than replication needs.
    KMS_WILDCARD = (
        "kms-wildcard",
        Severity.INFO,
        None,
        "{where} allows the role every action of KMS ({action})",
        (
            "Allow kms:Decrypt on the source key and kms:Encrypt on the destination key; "
            "kms:Decrypt there too where Bucket Keys are used."
        ),
    )
    NEEDLESS_KMS_ACTION = (
        "needless-kms-action",
        Severity.INFO,
        None,
        "{where} allows the role {action}, which no page of AWS asks for",
        "Take {action} out of the statement.",
    )
    S3_WILDCARD = (
        "s3-wildcard",
        Severity.INFO,
        None,
        "{where} allows the role every action of S3 ({action})",
        "Allow the replication actions on the two buckets only.",
    )
