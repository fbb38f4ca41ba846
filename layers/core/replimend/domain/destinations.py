"""Where a rule replicates to, as far as the rule tells."""

from replimend.domain.arn import Arn, MalformedArnError
from replimend.domain.facts import ReplicationRule


def destination_account(rule: ReplicationRule | None, home_account: str) -> str:
    """Whose bucket a rule replicates into; the home account where the rule does not say.

    `Destination.Account` is optional; a replica key's ARN names the same account, since the key
    of a cross-account replica must belong to the destination (aws-facts 5.4).
    """
    if rule is None:
        return home_account
    if rule.destination_account:
        return rule.destination_account
    key = replica_key_named(rule.replica_key or "")
    return home_account if key is None else key.account


def replica_key_named(text: str) -> Arn | None:
    """The ARN of a key or alias, if the text is one: S3 takes any text (aws-facts 5.4)."""
    try:
        arn = Arn.parse(text)
    except MalformedArnError:
        return None
    is_key = arn.is_kms_key or arn.is_kms_alias
    return arn if is_key and arn.account and arn.region else None


def is_alias(name: str) -> bool:
    """Whether a rule names its replica key by an alias, in full or bare (aws-facts 5.4)."""
    named = replica_key_named(name)
    return name.startswith("alias/") or (named is not None and named.is_kms_alias)
