"""Keys that cannot be used, are elsewhere, of another kind, or are named by an alias."""

from replimend.domain.diagnosis.causes import Cause
from replimend.domain.facts import Absent, Encryption
from tests.cause_cases.model import (
    GET,
    NO_POLICY,
    PUT,
    UNREAD,
    CauseCase,
    key_with,
    mended,
    of_version,
    refused,
    seen,
    undecided,
    under_rule,
)
from tests.facts import (
    DESTINATION_KEY,
    HOME,
    MEMBER,
    SOURCE_KEY,
    a_bucket,
    a_key,
    admitting_the_role,
    document,
    healthy_facts,
)

SOURCE, DESTINATION = Cause.SOURCE_KEY_UNUSABLE, Cause.DESTINATION_KEY_UNUSABLE
MISSING, MISPLACED = Cause.DESTINATION_KEY_MISSING, Cause.KEY_IN_WRONG_REGION
KIND, ALIAS = Cause.DESTINATION_KEY_OF_WRONG_KIND, Cause.REPLICA_KEY_IS_ALIAS
INVALID, NOT_FOUND = "DstKmsKeyInvalidState", "DstKmsKeyNotFound"
STATES = {
    "Disabled": "(kms:EnableKey)",
    "PendingDeletion": "(kms:CancelKeyDeletion) and enable it before 2026-06-08",
    "PendingReplicaDeletion": "waits for its replica keys to be deleted",
    "PendingImport": "(kms:ImportKeyMaterial)",
    "Creating": "it is still being created; then the objects only need to be re-copied",
    "Updating": "it is still being updated; then the objects only need to be re-copied",
    "Unavailable": "(kms:ConnectCustomKeyStore)",
    "Haunted": "its state is Haunted",
}
IN_MILAN = DESTINATION_KEY.replace("eu-central-1", "eu-south-1")
AWS_MANAGED = f"arn:aws:kms:eu-central-1:{HOME}:key/44444444-4444-4444-8444-444444444444"
FOR_THE_ACCOUNT = {
    "Effect": "Allow",
    "Principal": {"AWS": "*"},
    "Action": ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*"],
    "Resource": "*",
    "Condition": {
        "StringEquals": {
            "kms:ViaService": "s3.eu-central-1.amazonaws.com",
            "kms:CallerAccount": HOME,
        }
    },
}
NAMES = {
    "in full, in the destination's account": f"arn:aws:kms:eu-central-1:{MEMBER}:alias/orders",
    "in full, in the role's account": f"arn:aws:kms:eu-central-1:{HOME}:alias/orders",
    "bare, across accounts": "alias/orders",
}

UNUSABLE: tuple[CauseCase, ...] = (
    *(
        seen(
            f"the replica key is {state}",
            healthy_facts(
                destination_key=key_with(
                    admitting_the_role("kms:Encrypt"), state=state, deletion_date="2026-06-08"
                )
            ),
            DESTINATION,
            INVALID,
            next=step,
        )
        for state, step in STATES.items()
    ),
    *(
        seen(
            f"the source key is {state}",
            healthy_facts(source_key=a_key(SOURCE_KEY, state=state, deletion_date="2026-06-08")),
            SOURCE,
            "SrcKmsKeyInvalidState",
            next=step,
        )
        for state, step in STATES.items()
    ),
    seen(
        "the replica key is disabled, and S3 speaks of a permission",
        healthy_facts(destination_key=a_key(state="Disabled")),
        DESTINATION,
        PUT,
    ),
    seen(
        "both keys are disabled, and the code speaks of the source",
        healthy_facts(
            source_key=a_key(SOURCE_KEY, state="Disabled"), destination_key=a_key(state="Disabled")
        ),
        SOURCE,
        GET,
    ),
    seen(
        "both keys are disabled, and the code speaks of the destination",
        healthy_facts(
            source_key=a_key(SOURCE_KEY, state="Disabled"), destination_key=a_key(state="Disabled")
        ),
        DESTINATION,
        INVALID,
    ),
    mended(
        "the replica key is enabled again",
        healthy_facts(),
        INVALID,
        next="S3 never retries",
    ),
    mended(
        "a disabled replica key is no matter to an object under SSE-S3",
        of_version(
            healthy_facts(destination_key=a_key(state="Disabled")),
            encryption=Encryption.SSE_S3,
            kms_key_arn=None,
        ),
    ),
    seen(
        "the source key was deleted",
        healthy_facts(source_key=Absent(what=f"key {SOURCE_KEY}")),
        Cause.SOURCE_KEY_MISSING,
        "SrcKmsKeyInvalidState",
        next="put the object again from elsewhere",
    ),
    undecided(
        "the state of the source key cannot be read",
        healthy_facts(source_key=UNREAD),
        "SrcKmsKeyInvalidState",
        next=f"{SOURCE_KEY} (kms:DescribeKey)",
    ),
    undecided(
        "the state of the replica key cannot be read",
        healthy_facts(destination_key=UNREAD, destination=a_bucket(versioned=False)),
        INVALID,
        next=f"{DESTINATION_KEY} (kms:DescribeKey)",
    ),
)

MISNAMED: tuple[CauseCase, ...] = (
    seen(
        "the replica key does not exist",
        healthy_facts(destination_key=Absent(what=f"key {DESTINATION_KEY}")),
        MISSING,
        NOT_FOUND,
        next=f"in the rule's ReplicaKmsKeyID in place of {DESTINATION_KEY}",
    ),
    seen(
        "the replica key is named by its bare id, and S3 looks in the role's account",
        under_rule(
            healthy_facts(destination_key=Absent(what="key")),
            replica_key="22222222-2222-4222-8222-222222222222",
        ),
        MISSING,
        NOT_FOUND,
        next="by its full ARN",
    ),
    seen(
        "the replica key is in another Region",
        healthy_facts(destination=a_bucket(region="eu-north-1")),
        MISPLACED,
        NOT_FOUND,
        next="Name a key of eu-north-1",
    ),
    seen(
        "the primary key is named in place of its replica in the destination's Region",
        healthy_facts(
            destination=a_bucket(region="eu-south-1"),
            destination_key=a_key(siblings=(DESTINATION_KEY, IN_MILAN), is_primary=True),
        ),
        MISPLACED,
        NOT_FOUND,
        next=f"Name {IN_MILAN}",
    ),
    seen(
        "a multi-Region key has no replica in the destination's Region",
        healthy_facts(
            destination=a_bucket(region="eu-north-1"),
            destination_key=a_key(siblings=(DESTINATION_KEY, IN_MILAN), is_primary=True),
        ),
        MISPLACED,
        PUT,
        next="Name a key of eu-north-1",
    ),
    refused(
        "a replica key of a multi-Region key has a policy of its own",
        healthy_facts(destination_key=a_key(siblings=(IN_MILAN, DESTINATION_KEY))),
        Cause.KEY_POLICY_LACKS_ROLE,
        "resource",
        "kms:Encrypt",
        next="those of its multi-Region siblings do not count there",
    ),
    seen(
        "the replica key is AWS managed, across accounts",
        healthy_facts(destination_key=a_key(customer_managed=False)),
        Cause.AWS_MANAGED_KEY_ACROSS_ACCOUNTS,
        next="Create a customer managed key in the destination account",
    ),
    mended(
        "the replica key is AWS managed, within the account",
        under_rule(
            healthy_facts(
                destination_key=a_key(
                    AWS_MANAGED, customer_managed=False, policy=document(FOR_THE_ACCOUNT)
                )
            ),
            replica_key=AWS_MANAGED,
        ),
    ),
    *(
        seen(
            f"the replica key is for {usage} with {spec}",
            healthy_facts(
                destination_key=key_with(admitting_the_role("kms:Encrypt"), usage=usage, spec=spec)
            ),
            KIND,
            PUT,
            next=f"a symmetric encryption key in the rule's ReplicaKmsKeyID in place of "
            f"{DESTINATION_KEY}",
        )
        for usage, spec in (
            ("ENCRYPT_DECRYPT", "RSA_4096"),
            ("SIGN_VERIFY", "ECC_NIST_P256"),
            ("GENERATE_VERIFY_MAC", "HMAC_256"),
        )
    ),
)

# aws-facts 10, question 8: if S3 takes an alias, naming the key by its ARN changes nothing; if it
# does not, that is the repair. A policy for the key behind an alias is never written.
ALIASES: tuple[CauseCase, ...] = (
    *(
        seen(
            f"an alias {how}, and the key behind it is well",
            under_rule(replica_key=name),
            ALIAS,
            NOT_FOUND,
            next=f"Name {DESTINATION_KEY} in the rule's ReplicaKmsKeyID in place of the "
            f"alias {name}",
        )
        for how, name in NAMES.items()
    ),
    *(
        seen(
            f"an alias {how}, and the key behind it lacks the role",
            under_rule(healthy_facts(destination_key=a_key()), replica_key=name),
            ALIAS,
            PUT,
            next=f"in place of the alias {name}",
        )
        for how, name in NAMES.items()
    ),
    *(
        seen(
            f"an alias {how} that names no key",
            under_rule(healthy_facts(destination_key=Absent(what="alias")), replica_key=name),
            ALIAS,
            NOT_FOUND,
            next="Name an existing key by its full ARN",
        )
        for how, name in NAMES.items()
    ),
    seen(
        "an alias that cannot be looked up",
        under_rule(healthy_facts(destination_key=UNREAD), replica_key="alias/orders"),
        ALIAS,
        None,
        next="kms:DescribeKey shows it",
    ),
    seen(
        "an alias of a key that is disabled",
        under_rule(healthy_facts(destination_key=a_key(state="Disabled")), replica_key="alias/o"),
        DESTINATION,
        INVALID,
    ),
    refused(
        "an alias, and a bucket policy that refuses for certain",
        under_rule(
            healthy_facts(destination=a_bucket(policy=NO_POLICY)), replica_key="alias/orders"
        ),
        Cause.BUCKET_POLICY_LACKS_ROLE,
        "resource",
        "s3:ReplicateObject",
    ),
    mended(
        "an alias is no matter to an object under SSE-S3",
        of_version(
            under_rule(replica_key="alias/orders"),
            encryption=Encryption.SSE_S3,
            kms_key_arn=None,
        ),
    ),
)

CASES = (*UNUSABLE, *MISNAMED, *ALIASES)
