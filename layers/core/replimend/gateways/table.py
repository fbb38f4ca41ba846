"""The one DynamoDB table: items as plain values, conditions by name.

| pk | sk | holds |
| --- | --- | --- |
| `GROUP#id` | `META` | a failure group and the incident it belongs to |
| `GROUP#id#shard` | `keyhash#version#time` | one failure of one object version |
| `OUTCOME#hash` | `OUTCOME` | how one version ended for one destination |
| `INCIDENT#id` | `META` | an incident (the index `by_status` finds these) |
| `INCIDENT#id` | `GROUP#id`, `CHANGE#time#id`, `HISTORY#revision` | what belongs to it |
| `INCIDENT#id` | `WAVE#number` | one wave of its re-copy, with all that is needed to go on |
| `ROLE#arn` | `INCIDENT#id`, `DENIAL#kind` | what concerns a replication role |
| `CHANGE#id` | `CHANGE` | a change of access, kept for ever |
| `CHANGES` | `time#id` | all changes by time |
| `JOB#id` | `JOB` | which incident a batch job works for |
| `LEASE#subject` | `LEASE` | who edits a policy just now |
| `CONTROL` | `FREEZE` | who paused all changes |
| `CONTROL` | `PACE` | how fast all invocations together may call S3 and KMS |
| `UNUSABLE` | `message#path#hash` | a message that could not be used |
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import batched
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from replimend.domain.recopy.pacing import jittered
from replimend.errors import ThrottledError
from replimend.gateways.faults import code_of, throttling_told_apart

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

READS = frozenset({"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"})
WRITES = frozenset({"dynamodb:BatchWriteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"})

type Item = Mapping[str, Any]
type Names = tuple[str, str]

BATCH_WRITE, BATCH_GET = 25, 100
"""DynamoDB's own limits of items in one call."""
BATCH_TRIES = 8
AT_ONCE = 4
"""Batches on their way at the same time."""
LONGEST_BACK_OFF = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Reads are strongly consistent but for the index; ThrottledError when DynamoDB is busy."""

    client: "DynamoDBClient"
    name: str
    _to: TypeSerializer = field(default_factory=TypeSerializer)
    _from: TypeDeserializer = field(default_factory=TypeDeserializer)

    def get(self, pk: str, sk: str) -> Item | None:
        """The item, or None."""
        with throttling_told_apart():
            answer = self.client.get_item(
                TableName=self.name, Key=self._key((pk, sk)), ConsistentRead=True
            )
        return self._read(answer["Item"]) if "Item" in answer else None

    def put(self, item: Item) -> None:
        """Write the item, whatever was there."""
        with throttling_told_apart():
            self.client.put_item(TableName=self.name, Item=self._write(item))

    def put_new(self, item: Item) -> bool:
        """Write the item if there is none of its key yet; whether it was new."""
        try:
            with throttling_told_apart():
                self.client.put_item(
                    TableName=self.name,
                    Item=self._write(item),
                    ConditionExpression="attribute_not_exists(pk)",
                )
        except ClientError as error:
            if code_of(error) == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def update(
        self,
        pk: str,
        sk: str,
        values: Item,
        *,
        only_if: str | None = None,
        given: Item | None = None,
    ) -> bool:
        """Set (None: remove) attributes if the condition holds; whether it did.

        The condition speaks of attributes among `values` as `#name`, and of `given` as `:name`.
        """
        kept = {name: value for name, value in values.items() if value is not None}
        gone = [name for name, value in values.items() if value is None]
        parts = []
        if kept:
            parts.append("SET " + ", ".join(f"#{name} = :new_{name}" for name in kept))
        if gone:
            parts.append("REMOVE " + ", ".join(f"#{name}" for name in gone))
        request: dict[str, Any] = {
            "TableName": self.name,
            "Key": self._key((pk, sk)),
            "UpdateExpression": " ".join(parts),
            "ExpressionAttributeNames": {f"#{name}": name for name in values},
        }
        new = {f":new_{name}": self._to.serialize(value) for name, value in kept.items()}
        old = {f":{name}": self._to.serialize(value) for name, value in (given or {}).items()}
        if new or old:
            request["ExpressionAttributeValues"] = {**new, **old}
        if only_if is not None:
            request["ConditionExpression"] = only_if
        try:
            with throttling_told_apart():
                self.client.update_item(**request)
        except ClientError as error:
            if code_of(error) == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def query(self, pk: str, prefix: str = "") -> Iterator[Item]:
        """The items of a partition whose sort key begins so, in the order of the sort key."""
        condition, values = "pk = :pk", {":pk": self._to.serialize(pk)}
        if prefix:
            condition += " AND begins_with(sk, :prefix)"
            values[":prefix"] = self._to.serialize(prefix)
        yield from self._pages(
            KeyConditionExpression=condition, ExpressionAttributeValues=values, ConsistentRead=True
        )

    def query_from(self, pk: str, first: str) -> Iterator[Item]:
        """The items of a partition from this sort key on."""
        yield from self._pages(
            KeyConditionExpression="pk = :pk AND sk >= :first",
            ExpressionAttributeValues={
                ":pk": self._to.serialize(pk),
                ":first": self._to.serialize(first),
            },
            ConsistentRead=True,
        )

    def query_after(self, pk: str, after: str, page: int) -> Iterator[Item]:
        """The items of a partition behind this sort key, read so many at a time."""
        yield from self._pages(
            KeyConditionExpression="pk = :pk AND sk > :after",
            ExpressionAttributeValues={
                ":pk": self._to.serialize(pk),
                ":after": self._to.serialize(after),
            },
            ConsistentRead=True,
            PaginationConfig={"PageSize": page},
        )

    def last(self, pk: str, prefix: str) -> Item | None:
        """The item of a partition with the greatest sort key that begins so, or None."""
        with throttling_told_apart():
            answer = self.client.query(
                TableName=self.name,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
                ExpressionAttributeValues={
                    ":pk": self._to.serialize(pk),
                    ":prefix": self._to.serialize(prefix),
                },
                ConsistentRead=True,
                ScanIndexForward=False,
                Limit=1,
            )
        return self._read(answer["Items"][0]) if answer["Items"] else None

    def query_status(self, status: str) -> Iterator[Item]:
        """The incidents in a status, longest unchanged first; eventually consistent."""
        yield from self._pages(
            IndexName="by_status",
            KeyConditionExpression="#status = :status",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":status": self._to.serialize(status)},
        )

    def _pages(self, **query: Any) -> Iterator[Item]:  # noqa: ANN401 - passed on to boto3
        pages = self.client.get_paginator("query").paginate(TableName=self.name, **query)
        with throttling_told_apart():
            for page in pages:
                for item in page["Items"]:
                    yield self._read(item)

    def put_all(self, items: Iterable[Item]) -> None:
        """Write many items, whatever was there, side by side; one of each key at most."""
        requests = [{"PutRequest": {"Item": self._write(item)}} for item in items]
        chunks = list(batched(requests, BATCH_WRITE, strict=False))
        if len(chunks) == 1:
            self._put_batch(chunks[0])
        elif chunks:
            with ThreadPoolExecutor(max_workers=min(len(chunks), AT_ONCE)) as pool:
                list(pool.map(self._put_batch, chunks))

    def _put_batch(self, requests: Sequence[Any]) -> None:
        left: Any = {self.name: list(requests)}
        for attempt in range(BATCH_TRIES):
            with throttling_told_apart():
                left = self.client.batch_write_item(RequestItems=left)["UnprocessedItems"]
            if not left:
                return
            _back_off(attempt)
        raise ThrottledError("DynamoDB left items of a batch unwritten")

    def get_all(self, keys: Sequence[Names]) -> Mapping[Names, Item]:
        """The items that exist among these keys."""
        found: dict[Names, Item] = {}
        for start in range(0, len(keys), BATCH_GET):
            wanted = [self._key(key) for key in keys[start : start + BATCH_GET]]
            left: Any = {self.name: {"Keys": wanted, "ConsistentRead": True}}
            for attempt in range(BATCH_TRIES):
                with throttling_told_apart():
                    answer = self.client.batch_get_item(RequestItems=left)
                for raw in answer["Responses"].get(self.name, []):
                    item = self._read(raw)
                    found[item["pk"], item["sk"]] = item
                left = answer["UnprocessedKeys"]
                if not left:
                    break
                _back_off(attempt)
            else:
                raise ThrottledError("DynamoDB left items of a batch unread")
        return found

    def _key(self, key: Names) -> dict[str, Any]:
        return {"pk": self._to.serialize(key[0]), "sk": self._to.serialize(key[1])}

    def _write(self, item: Item) -> dict[str, Any]:
        return {
            name: self._to.serialize(value) for name, value in item.items() if value is not None
        }

    def _read(self, raw: Mapping[str, Any]) -> Item:
        return {name: _plain(self._from.deserialize(value)) for name, value in raw.items()}


def _back_off(attempt: int) -> None:
    """What DynamoDB leaves of a batch is throttled: wait before the rest is sent again."""
    most = min(timedelta(milliseconds=50) * 2**attempt, LONGEST_BACK_OFF)
    time.sleep(jittered(most).total_seconds())


def _plain(value: object) -> object:
    """Whole numbers as int: boto3 gives every number as a Decimal."""
    return int(value) if isinstance(value, Decimal) else value
