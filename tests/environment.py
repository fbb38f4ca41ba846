"""The environment that the template gives its functions, for a repairing flagship stack."""

from tests.facts import DESTINATION_KEY, HOME, MEMBER, ROLE_ARN

ENVIRONMENT = {
    "AWS_REGION": "eu-west-1",
    "REPLIMEND_HOME_ACCOUNT": HOME,
    "REPLIMEND_STACK": "replimend",
    "REPLIMEND_TOPIC": f"arn:aws:sns:eu-west-1:{HOME}:replimend-OutcomeTopic",
    "REPLIMEND_CHANGE_HOURS": "",
    "REPLIMEND_REQUIRED_TAG": "",
    "REPLIMEND_TABLE": "replimend-IncidentsTable",
    "REPLIMEND_BUS": "replimend-FailureBus",
    "REPLIMEND_SIGNAL_QUEUE": "https://sqs.example/signal",
    "REPLIMEND_SIGNAL_DEAD_LETTER_QUEUE": "https://sqs.example/signal-dead-letters",
    "REPLIMEND_REPAIR_QUEUE": "https://sqs.example/repair",
    "REPLIMEND_RECOPY_QUEUE": "https://sqs.example/recopy",
    "REPLIMEND_WORK_BUCKET": "replimend-work",
    "REPLIMEND_BATCH_ROLE": f"arn:aws:iam::{HOME}:role/replimend-BatchJobRole",
    "REPLIMEND_READER_ROLE": "replimend-reader",
    "REPLIMEND_REPAIRER_ROLE": "replimend-repairer",
    "REPLIMEND_EXTERNAL_ID": "replimend-external-id",
    "REPLIMEND_CONSISTENCY_WAIT": "60",
    "REPLIMEND_APPROVAL_HOURS": "24",
    "REPLIMEND_MODE": "repair",
    "REPLIMEND_SOURCE_BUCKETS": "arn:aws:s3:::orders-ireland, arn:aws:s3:::orders-dublin",
    "REPLIMEND_DESTINATION_BUCKETS": "arn:aws:s3:::orders-frankfurt",
    "REPLIMEND_REPLICATION_ROLES": ROLE_ARN,
    "REPLIMEND_REPAIRABLE_KEYS": DESTINATION_KEY,
    "REPLIMEND_ACCOUNTS": MEMBER,
    "REPLIMEND_ALLOWED_CHANGES": "role_policy,key_policy",
    "REPLIMEND_CHANGES_PER_HOUR": "4",
    "REPLIMEND_CHANGES_PER_INCIDENT": "2",
    "REPLIMEND_POLICY_SIZE_SHARE": "90",
    "REPLIMEND_RECOPY_METHODS": "replicate",
    "REPLIMEND_REQUESTS_PER_SECOND": "500",
}


def environment(**changes: str) -> dict[str, str]:
    """What the template gives a function, with these values instead."""
    return {**ENVIRONMENT, **changes}
