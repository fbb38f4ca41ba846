"""What DynamoDB operations demand, and those of services whose actions know no resource."""

from collections.abc import Iterator

from lab.demands.model import ANY, Demand, Rule
from lab.wire import ApiCall

ITEM_OPERATIONS = (
    "DeleteItem",
    "DescribeTable",
    "DescribeTimeToLive",
    "GetItem",
    "PutItem",
    "UpdateItem",
)
INDEX_OPERATIONS = ("Query", "Scan")
TRANSACTION_PARTS = {
    "ConditionCheck": "ConditionCheckItem",
    "Delete": "DeleteItem",
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
}
ACTIONS_WITHOUT_RESOURCE = {
    "accessanalyzer": (
        "access-analyzer",
        ("CheckAccessNotGranted", "CheckNoNewAccess", "CheckNoPublicAccess", "ValidatePolicy"),
    ),
    "cloudtrail": ("cloudtrail", ("LookupEvents",)),
    "cloudwatch": ("cloudwatch", ("GetMetricData", "PutMetricData")),
}


def _on_table(call: ApiCall, action: str, table: str, index: str | None = None) -> Demand:
    arn = table
    if not table.startswith("arn:"):
        arn = f"arn:aws:dynamodb:{call.region}:{call.caller.account}:table/{table}"
    return Demand(
        action=f"dynamodb:{action}",
        resource=f"{arn}/index/{index}" if index else arn,
        owner=call.caller.account,
    )


def _item(call: ApiCall) -> Iterator[Demand]:
    yield _on_table(call, call.operation, call.params["TableName"])


def _query(call: ApiCall) -> Iterator[Demand]:
    index = call.params.get("IndexName")
    yield _on_table(call, call.operation, call.params["TableName"], index)


def _transaction(call: ApiCall) -> Iterator[Demand]:
    """A transaction has no action of its own: each part is judged as the call it stands for."""
    for item in call.params["TransactItems"]:
        for part, target in item.items():
            yield _on_table(call, TRANSACTION_PARTS[part], target["TableName"])


def _batch(call: ApiCall) -> Iterator[Demand]:
    for table in call.params["RequestItems"]:
        yield _on_table(call, call.operation, table)


def _plain_rule(prefix: str) -> Rule:
    return lambda call: [
        Demand(action=f"{prefix}:{call.operation}", resource=ANY, owner=call.caller.account)
    ]


DYNAMODB_RULES: dict[str, Rule] = {
    **dict.fromkeys(ITEM_OPERATIONS, _item),
    **dict.fromkeys(INDEX_OPERATIONS, _query),
    "BatchGetItem": _batch,
    "BatchWriteItem": _batch,
    "TransactGetItems": _transaction,
    "TransactWriteItems": _transaction,
}
PLAIN_RULES: dict[str, dict[str, Rule]] = {
    service: dict.fromkeys(operations, _plain_rule(prefix))
    for service, (prefix, operations) in ACTIONS_WITHOUT_RESOURCE.items()
}
