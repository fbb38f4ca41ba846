"""Documents as values: compared by content, never by text; policies change only by addition."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Self

from replimend.errors import MalformedPolicyError

type Json = bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None
"""A value as JSON knows it."""

type Statement = Mapping[str, Json]
"""One policy statement as JSON; never changed in place."""

type Edit = tuple[Statement | None, Statement | None]
"""A statement before and after; None before where it was added, None after where it was lost."""

POLICY_VERSION = "2012-10-17"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What one change replaces: a JSON object, exactly as AWS returned it or as we would write it.

    Two documents say the same when their fingerprints are equal: KMS may return a policy with
    other white space and key order than it was given (aws-facts 5.6), so text proves nothing.
    """

    text: str

    @classmethod
    def of(cls, content: Mapping[str, Json]) -> Self:
        """The document with this content, in the order of its keys."""
        return cls(text=json.dumps(content, separators=(",", ":"), ensure_ascii=True))

    @property
    def content(self) -> dict[str, Any]:
        """The document as JSON; MalformedPolicyError if it is not a JSON object."""
        try:
            content = json.loads(self.text)
        except ValueError as error:
            raise MalformedPolicyError("$", f"is not JSON: {error}") from error
        if not isinstance(content, dict):
            raise MalformedPolicyError("$", "is not a JSON object")
        return content

    @property
    def fingerprint(self) -> str:
        """The same for every spelling of the same content; 64 hexadecimal digits."""
        canonical = json.dumps(self.content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def size(self) -> int:
        """Bytes, as KMS and S3 count a policy against their limits."""
        return len(self.text.encode())

    @property
    def statements(self) -> tuple[Statement, ...]:
        """A policy's statements in order, a single one as a list of one; none of another."""
        statements = self.content.get("Statement", [])
        return tuple(statements) if isinstance(statements, list) else (statements,)

    def statement_named(self, sid: str) -> Statement | None:
        """The first statement with this Sid, or None."""
        return next((each for each in self.statements if each.get("Sid") == sid), None)

    def added_to(self, before: "Document | None") -> tuple[Statement, ...]:
        """The statements of this document that the one before lacks, in order."""
        had = before.statements if before else ()
        return tuple(each for each in self.statements if each not in had)

    def edits_since(self, before: "Document | None") -> tuple[Edit, ...]:
        """What tells this document from the one before, place by place, in order."""
        had = before.statements if before else ()
        pairs = zip_longest(had, self.statements)
        return tuple((old, new) for old, new in pairs if old != new)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDocument(Document):
    """A JSON policy document."""

    @classmethod
    def empty(cls) -> "PolicyDocument":
        """A document without statements, to which one can be added."""
        return cls.of({"Version": POLICY_VERSION, "Statement": []})

    def less(self, edits: Sequence[Edit]) -> "PolicyDocument | None":
        """This document with what was before in place of each edit; None if one is not there."""
        left: list[Statement] = list(self.statements)
        for old, new in edits:
            if new is None or left.count(new) != 1:
                return None
            place = left.index(new)
            left[place : place + 1] = [] if old is None else [old]
        return self._with(left)

    def with_statement(self, statement: Statement) -> "PolicyDocument":
        """This document with the statement at its end, or in place of ours of the same Sid.

        Everything else stays as it is, in its order; adding what is already there changes nothing.
        """
        sid = statement["Sid"]
        kept = list(self.statements)
        position = next((i for i, each in enumerate(kept) if each.get("Sid") == sid), len(kept))
        kept[position : position + 1] = [statement]
        return self._with(kept)

    def without_statement(self, sid: str) -> "PolicyDocument":
        """This document less the statements of this Sid."""
        return self._with([each for each in self.statements if each.get("Sid") != sid])

    def with_statement_at(self, index: int, statement: Statement) -> "PolicyDocument":
        """This document with the statement in place of the one there."""
        statements = list(self.statements)
        statements[index] = statement
        return self._with(statements)

    def _with(self, statements: Sequence[Statement]) -> "PolicyDocument":
        return PolicyDocument.of({**self.content, "Statement": list(statements)})
