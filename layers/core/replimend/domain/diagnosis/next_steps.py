"""What a person does now about each cause, in one sentence; the one table of them.

A diagnosis fills in what it knows. What an event alone does not say is told in general words, so
that the same sentence serves with a set-up and without one.
"""

from collections.abc import Mapping

from replimend.domain.diagnosis.causes import Cause

NEXT_STEPS: Mapping[Cause, str] = {
    Cause.ROLE_POLICY_LACKS_ACTION: "Add {action} on {resource} to the role's own policy.",
    Cause.KEY_POLICY_LACKS_ROLE: "Let the key policy of {resource} admit the replication role "
    "for {action}.",
    Cause.BOTH_SIDES_LACK_ROLE: "Let both sides allow {action}: the policy of {owner}, and the "
    "role's own.",
    Cause.BUCKET_POLICY_LACKS_ROLE: "Let the destination bucket's policy allow the replication "
    "role {action} on {resource}.",
    Cause.CONDITION_MISMATCH: "In {statement}, let {condition} accept {actual}, which is what S3 "
    "sends with {action}.",
    Cause.GRANT_PENDING: "Wait until {ready}, when the grant {grant} has taken effect everywhere; "
    "then re-copy the failed objects.",
    Cause.DEAD_PRINCIPAL: "In the key policy of {resource}, name the role again, by its ARN, in "
    "place of {principal}, the id of a role that was deleted.",
    Cause.EXPLICIT_DENY: "Ask the owner of {denier}: no allow elsewhere can lift it.",
    Cause.PERMISSIONS_BOUNDARY: "Ask the owner of the role's permissions boundary {policy} to let "
    "it do {action}.",
    Cause.ORGANISATION_POLICY: "Show the owner of {policy} the text of the denial: no change to "
    "keys or roles lifts it.",
    Cause.ROLE_NOT_ASSUMABLE: "Let the trust policy of {role} allow s3.amazonaws.com to call "
    "sts:AssumeRole (iam:GetRole shows it).",
    Cause.ROLE_MISSING: "Create {role} again, or name another in the replication configuration.",
    Cause.SOURCE_KEY_UNUSABLE: "{state_step}",
    Cause.SOURCE_KEY_MISSING: "Nothing brings the version back: {key}, with which it is "
    "encrypted, is gone for good; put the object again from elsewhere.",
    Cause.DESTINATION_KEY_UNUSABLE: "{state_step}",
    Cause.DESTINATION_KEY_MISSING: "Name an existing key of the destination's Region, by its full "
    "ARN, in the rule's ReplicaKmsKeyID in place of {key}.",
    Cause.DESTINATION_KEY_OF_WRONG_KIND: "Name a symmetric encryption key in the rule's "
    "ReplicaKmsKeyID in place of {key}: S3 can use no other kind.",
    Cause.REPLICA_KEY_IS_ALIAS: "Name {key} in the rule's ReplicaKmsKeyID in place of the alias "
    "{alias}, and then re-copy.",
    Cause.KEY_IN_WRONG_REGION: "Name {replacement} in the rule's ReplicaKmsKeyID in place of "
    "{key}.",
    Cause.AWS_MANAGED_KEY_ACROSS_ACCOUNTS: "Create a customer managed key in the destination "
    "account, and name it in the rule's ReplicaKmsKeyID in place of {key}.",
    Cause.SOURCE_BUCKET_MISSING: "Look for {source} (s3:GetBucketLocation): without the source "
    "bucket there is nothing left to replicate.",
    Cause.DESTINATION_BUCKET_MISSING: "Create {bucket} again, versioned, or point the rule at "
    "another.",
    Cause.DESTINATION_UNVERSIONED: "Enable versioning on {bucket}.",
    Cause.DESTINATION_LACKS_OBJECT_LOCK: "Enable Object Lock on {bucket}.",
    Cause.REPLICATION_CONFIGURATION_MISSING: "Put the replication configuration of {source} back, "
    "or let the objects stay where they are.",
    Cause.RULE_MISSING: "Nothing to do if the rule {rule} was removed on purpose; else put it back "
    "and re-copy.",
    Cause.RULE_DISABLED: "Enable the rule {rule} if it was disabled by mistake; then re-copy.",
    Cause.RULE_CHANGED: "Nothing to do if the rule {rule} was pointed at {replacement} on purpose "
    "(re-copy for that bucket); else point it at {bucket} again.",
    Cause.NOT_OPTED_IN: "Set SourceSelectionCriteria.SseKmsEncryptedObjects to Enabled and name a "
    "ReplicaKmsKeyID in the rule {rule}; S3 skips these objects silently until then.",
    Cause.OBJECT_GONE: "Nothing: a version that was deleted cannot be replicated.",
    Cause.OBJECT_ARCHIVED: "Restore the version first (s3:RestoreObject): S3 cannot replicate an "
    "object that is archived in {storage_class}.",
    Cause.OBJECT_NOT_ELIGIBLE: "Change the filter of the rule {rule}, or the object's tags or "
    "storage class, if it should be replicated: s3:GetObjectVersionTagging and "
    "s3:GetReplicationConfiguration show both.",
    Cause.REPLICA_HARD_DELETED: "Copy the source version onto itself, if it is the current one and "
    "the replica should exist: S3 does not bring a version back that was deleted by its id.",
    Cause.REPLICA_MISSING: "Re-copy the version: the destination has no replica of it whose "
    "metadata could change (s3:ListBucketVersions there shows it).",
    Cause.ANNOTATION_GONE: "Nothing for the annotation, which is gone; re-copy the version if the "
    "rest of it is missing (s3:HeadObject on the destination).",
    Cause.ANNOTATION_ENCRYPTION_UNSUPPORTED: "Read how the annotation is encrypted, and write it "
    "again in a way that S3 replicates.",
    Cause.TOO_MANY_ANNOTATIONS: "Remove annotations from the object until 1,000 are left, and "
    "re-copy it.",
    Cause.REPLICATION_PENDING: "Wait: S3 still tries, and says so if it gives up; KMS throttling "
    "and an unavailable Region keep a version PENDING.",
    Cause.ALREADY_REPLICATED: "Nothing: the version has been replicated.",
    Cause.MENDED: "Re-copy the failed objects: S3 never retries them by itself.",
    Cause.OWN_SET_UP: "Check the role and the Region of the batch job: the re-copy itself was "
    "refused, not the replication.",
}
"""The next step of every cause but `undetermined`, which says itself what would settle it."""

IN_GENERAL: Mapping[str, str] = {
    "action": "the call",
    "resource": "the resource",
    "owner": "the resource",
    "bucket": "the destination bucket",
    "source": "the source bucket",
    "role": "the replication role",
    "denier": "the policy that denies",
    "policy": "the policy",
    "rule": "that failed",
    "key": "the key that it names",
    "state_step": "Read the state of the key (kms:DescribeKey), and decide whether the key should "
    "be usable.",
    "storage_class": "its storage class",
}
"""What stands for what only the set-up tells."""

DECISION = " is a security decision that Replimend leaves to you"
WAITING = "Wait until {key} is Enabled: it is still being {made}; then the objects only need to be "
KEY_STATES: Mapping[str, str] = {
    "Creating": WAITING.replace("{made}", "created") + "re-copied.",
    "Updating": WAITING.replace("{made}", "updated") + "re-copied.",
    "Disabled": "Enable {key} (kms:EnableKey), if it should be usable: that" + DECISION + ".",
    "PendingDeletion": "Cancel the deletion of {key} (kms:CancelKeyDeletion) and enable it before "
    "{deadline}, if it should be usable: that" + DECISION + "; once deleted, it is gone for good.",
    "PendingReplicaDeletion": "Cancel the deletion of {key} (kms:CancelKeyDeletion), if it should "
    "be usable: it is a primary key that waits for its replica keys to be deleted, and that"
    + DECISION
    + ".",
    "PendingImport": "Import the key material of {key} (kms:ImportKeyMaterial), which has none or "
    "whose material expired.",
    "Unavailable": "Connect the custom key store of {key} (kms:ConnectCustomKeyStore), or see to "
    "the external key that is behind it.",
}
"""What a person does about a key by its state (aws-facts 4.3)."""


def next_step(cause: Cause, **told: str) -> str:
    """The sentence for this cause, with what is told of it and general words for the rest."""
    return NEXT_STEPS[cause].format_map({**IN_GENERAL, **told})


def step_for_state(state: str, key: str, deadline: str | None = None) -> str:
    """What to do about a key in this state; in a state that KMS did not document, look at it."""
    step = KEY_STATES.get(state, "Look at {key} (kms:DescribeKey): its state is " + state + ".")
    return step.format(key=key, deadline=deadline or "its deletion date")
