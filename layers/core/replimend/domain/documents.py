"""Policy documents as values: compared by content, never by text, and changed only by addition."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from replimend.errors import MalformedPolicyError

type Json = bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None
"""A value as JSON knows it."""

type Statement = Mapping[str, Json]
"""One policy statement as JSON; never changed in place."""

POLICY_VERSION = "2012-10-17"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDocument:
    """A JSON policy document, exactly as AWS returned it or as we would write it.

    Two documents say the same when their fingerprints are equal: KMS may return a document with
    other white space and key order than it was given (aws-facts 5.6), so text proves nothing.
    """

    text: str

    @classmethod
    def of(cls, content: Mapping[str, Json]) -> "PolicyDocument":
        """The document with this content, in the order of its keys."""
        return cls(text=json.dumps(content, separators=(",", ":"), ensure_ascii=True))

    @classmethod
    def empty(cls) -> "PolicyDocument":
        """A document without statements, to which one can be added."""
        return cls.of({"Version": POLICY_VERSION, "Statement": []})

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
    def statements(self) -> tuple[Statement, ...]:
        """The statements in order; a single statement counts as a list of one."""
        statements = self.content.get("Statement", [])
        return tuple(statements) if isinstance(statements, list) else (statements,)

    @property
    def fingerprint(self) -> str:
        """The same for every spelling of the same content; 64 hexadecimal digits."""
        canonical = json.dumps(self.content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def size(self) -> int:
        """Bytes, as KMS and S3 count a policy against their limits."""
        return len(self.text.encode())

    def statement_named(self, sid: str) -> Statement | None:
        """The first statement with this Sid, or None."""
        return next((each for each in self.statements if each.get("Sid") == sid), None)

    def added_to(self, before: "PolicyDocument | None") -> tuple[Statement, ...]:
        """The statements of this document that the one before lacks, in order."""
        had = before.statements if before else ()
        return tuple(each for each in self.statements if each not in had)

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

    def _with(self, statements: Sequence[Statement]) -> "PolicyDocument":
        return PolicyDocument.of({**self.content, "Statement": list(statements)})
