"""The lab's authorization rules: which IAM actions on which resources each AWS call demands.

Written from the Service Authorization Reference. It covers what the product may call; a call
without a rule is refused to roles, since the lab cannot say what AWS would.
"""

from collections.abc import Callable, Mapping

from lab.demands import data, identity, kms, messaging, s3, s3_control
from lab.demands.model import Demand, Rule
from lab.wire import ApiCall

RULES: Mapping[str, Mapping[str, Rule]] = {
    "dynamodb": data.DYNAMODB_RULES,
    "events": messaging.EVENTS_RULES,
    "iam": identity.IAM_RULES,
    "kms": kms.KMS_RULES,
    "lambda": messaging.LAMBDA_RULES,
    "s3": s3.S3_RULES,
    "s3control": s3_control.S3_CONTROL_RULES,
    "sns": messaging.SNS_RULES,
    "sqs": messaging.SQS_RULES,
    "sts": identity.STS_RULES,
    **data.PLAIN_RULES,
}
OWNERS: Mapping[str, Callable[[ApiCall], str]] = {
    "kms": kms.owner_of,
    "lambda": messaging.function_owner,
    "s3": s3.owner_of,
    "sns": messaging.topic_owner,
    "sqs": messaging.queue_owner,
    "sts": identity.role_owner,
}


def demands_of(call: ApiCall) -> tuple[Demand, ...] | None:
    """What must be allowed before the call is answered; None where the lab has no rule for it."""
    rule = RULES.get(call.service, {}).get(call.operation)
    return None if rule is None else tuple(rule(call))


def owner_of(call: ApiCall) -> str:
    """The account that owns what the call is about: the caller's unless it names another's."""
    owner = OWNERS.get(call.service)
    return owner(call) if owner else call.caller.account
