"""The ledger as its table holds it, seen by an administrator: what there is, what was written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from boto3.dynamodb.types import TypeDeserializer

from lab.lab import Lab

TABLE = "IncidentsTable"

type Item = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One item that was added (`before` is None) or changed; values as text."""

    pk: str
    sk: str
    before: Item | None
    after: Item

    @property
    def changed(self) -> Item:
        """The attributes that are new, or other than before; an attribute that went is empty."""
        before = self.before or {}
        return {
            name: self.after.get(name, "")
            for name in {**before, **self.after}
            if before.get(name) != self.after.get(name) and name not in {"pk", "sk"}
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerTable:
    """The table's items at one moment, by their keys."""

    items: Mapping[tuple[str, str], Item]

    @classmethod
    def of(cls, lab: Lab) -> Self:
        """What is in it now."""
        items = list(_scanned(lab))
        return cls(items={(item["pk"], item["sk"]): item for item in items})

    @property
    def incidents(self) -> tuple[Item, ...]:
        """The incidents' own items."""
        return tuple(
            item
            for (pk, sk), item in self.items.items()
            if pk.startswith("INCIDENT#") and sk == "META"
        )

    def since(self, before: Self) -> tuple[Write, ...]:
        """What was written between that moment and this one, in the order of the keys."""
        return tuple(
            Write(pk=pk, sk=sk, before=before.items.get((pk, sk)), after=item)
            for (pk, sk), item in sorted(self.items.items())
            if before.items.get((pk, sk)) != item
        )


def _scanned(lab: Lab) -> Iterator[Item]:
    read = TypeDeserializer().deserialize
    name = lab.stack.resource(TABLE).physical.name
    for page in lab.client("dynamodb").get_paginator("scan").paginate(TableName=name):
        for item in page["Items"]:
            yield {name: str(read(value)) for name, value in item.items()}
