"""One rule of a replication configuration made to name its replica key, and nothing else of it.

A configuration is replaced as a whole (PutBucketReplication), so that all that S3 returned goes
back as it was, but for two fields of the one rule: the replica key, which is to be named by its
full ARN in the destination bucket's Region (aws-facts 5.4), and the opt-in to what KMS encrypts.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from replimend.domain.arn import Arn
from replimend.domain.destinations import is_alias, replica_key_named
from replimend.domain.diagnosis.causes import Cause, Diagnosis
from replimend.domain.documents import Document
from replimend.domain.facts import (
    USABLE_KEY_STATE,
    Absent,
    Bucket,
    Facts,
    Key,
    ReplicationSetup,
)
from replimend.domain.repair.plan import Change, ChangeKind, NoPlan
from replimend.domain.repair.scope import Scope
from replimend.domain.requirements import Side

ENABLED = {"Status": "Enabled"}


def configured(diagnosis: Diagnosis, facts: Facts, scope: Scope) -> tuple[Change, ...] | NoPlan:
    """The one rule with its replica key named by ARN, opted in if that is what it lacks.

    Only where that key is known for certain, and would do.
    """
    key = _replica_key(facts)
    if isinstance(key, str):
        return NoPlan(reason=f"{key} {diagnosis.next}")
    if not isinstance(facts.setup, ReplicationSetup) or not isinstance(facts.source, Bucket):
        return NoPlan(reason=diagnosis.next)
    before = facts.setup.document
    if not isinstance(before, Document):
        return NoPlan(reason=f"{before.reason}. {diagnosis.next}")
    opts_in = diagnosis.cause is Cause.NOT_OPTED_IN
    after = with_replica_key(before, facts.rule_id, key.arn, opts_in=opts_in)
    if after is None:
        says = f"the configuration does not have just one rule {facts.rule_id!r}."
        return NoPlan(reason=f"{says} {diagnosis.next}")
    change = Change(
        kind=ChangeKind.REPLICATION_CONFIGURATION,
        subject=scope.bucket_arn(Side.SOURCE),
        account=facts.source.account,
        region=facts.source.region,
        policy_name=None,
        before=before,
        after=after,
        statement=_rule_of(after.content, facts.rule_id) or {},
        serves=(),
        blast_radius=_reach(facts, key, opts_in=opts_in),
        reverses="put the stored replication configuration back, if nobody has edited it since",
    )
    return (change,)


def with_replica_key(
    document: Document, rule_id: str, key_arn: str, *, opts_in: bool
) -> Document | None:
    """The configuration with this key in this rule; None if it has not just one rule of the id."""
    content = deepcopy(document.content)
    rule = _rule_of(content, rule_id)
    if rule is None:
        return None
    rule["Destination"].setdefault("EncryptionConfiguration", {})["ReplicaKmsKeyID"] = key_arn
    if opts_in:
        rule.setdefault("SourceSelectionCriteria", {})["SseKmsEncryptedObjects"] = dict(ENABLED)
    return Document.of(content)


def is_one_rule_mended(before: Document, after: Document, scope: Scope) -> bool:
    """Whether one rule to this pair's destination names a key by ARN, and all else is as it was."""
    was, becomes = before.content, after.content
    old, new = was.get("Rules", []), becomes.get("Rules", [])
    changed = [i for i, rule in enumerate(old) if i < len(new) and rule != new[i]]
    if len(old) != len(new) or len(changed) != 1:
        return False
    rule_id = str(old[changed[0]].get("ID"))
    rule = _rule_of(becomes, rule_id)
    if rule is None or rule["Destination"].get("Bucket") != scope.bucket_arn(Side.DESTINATION):
        return False
    named = rule["Destination"].get("EncryptionConfiguration", {}).get("ReplicaKmsKeyID", "")
    key = replica_key_named(named)
    if key is None or not key.is_kms_key:
        return False
    wanted = (
        with_replica_key(before, rule_id, named, opts_in=opts_in) for opts_in in (False, True)
    )
    return any(each is not None and each.content == becomes for each in wanted)


def _replica_key(facts: Facts) -> Key | str:
    """The key that the rule means, or why that is not certain or would not do."""
    rule, bucket, key = facts.rule, facts.destination, facts.destination_key
    if rule is None or not rule.replica_key:
        return "Which key replicas are to be encrypted with, the rule does not say."
    if isinstance(key, Absent):
        return f"{rule.replica_key} names no key."
    if not isinstance(bucket, Bucket) or not isinstance(key, Key):
        return f"Which key {rule.replica_key} is could not be read."
    named, where = replica_key_named(rule.replica_key), Arn.parse(key.arn)
    # A bare alias or id is looked up in the account of whoever asks (aws-facts 5.4).
    account = facts.home_account if named is None else named.account
    if account != bucket.account or where.account != bucket.account:
        kind = "alias" if is_alias(rule.replica_key) else "key"
        return f"The {kind} {rule.replica_key} is not of {bucket.account}, the bucket's account."
    if where.region != bucket.region:
        return f"{key.arn} is not in {bucket.region}, the destination bucket's Region."
    if not key.customer_managed or not key.encrypts_objects:
        return f"{key.arn} is not a customer managed symmetric encryption key."
    if key.state != USABLE_KEY_STATE:
        return f"The state of {key.arn} is {key.state}."
    return key


def _reach(facts: Facts, key: Key, *, opts_in: bool) -> str:
    says = (
        f"Nobody gains access. Replicas under the rule {facts.rule_id!r} are encrypted with "
        f"{key.arn}"
    )
    if opts_in:
        return f"{says}; from now on all that KMS encrypts and the rule selects is replicated."
    return f"{says}, the key that its alias names now; pointing the alias elsewhere moves nothing."


def _rule_of(content: Mapping[str, Any], rule_id: str) -> dict[str, Any] | None:
    named = [each for each in content.get("Rules", []) if each.get("ID") == rule_id]
    return named[0] if len(named) == 1 and "Destination" in named[0] else None
