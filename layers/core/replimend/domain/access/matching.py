"""Wildcard and ARN patterns; a match costs time in the length of the text, never in its wildcards.

A pattern is cut at each `*` into pieces. Taking for every piece the first place where it fits can
never lose a match, so nothing is ever tried twice: forty `*` cost forty searches, not 2^40.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import groupby

ARN_PARTS = 6  # arn:partition:service:region:account:resource, where the resource may hold colons


class Wild(Enum):
    """A wildcard inside a pattern."""

    MANY = auto()
    """`*`: any text, also none."""
    ONE = auto()
    """`?`: any one character."""


type Atom = str | Wild


def wildcard_atoms(text: str) -> list[Atom]:
    """The text cut into literals and wildcards."""
    return [WILDCARDS.get(part, part) for part in re.split(r"([*?])", text) if part]


WILDCARDS: Mapping[str, Wild] = {"*": Wild.MANY, "?": Wild.ONE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """The part of a pattern between two `*`: text of a fixed length, with holes where `?` stood."""

    length: int
    literals: tuple[tuple[int, str], ...]

    @classmethod
    def of(cls, atoms: Iterable[Atom]) -> "Piece":
        """The piece that these atoms spell; none of them is `Wild.MANY`."""
        literals: list[tuple[int, str]] = []
        length = 0
        for is_hole, run in groupby(atoms, key=lambda atom: isinstance(atom, Wild)):
            text = "".join("?" if isinstance(atom, Wild) else atom for atom in run)
            if not is_hole:
                literals.append((length, text))
            length += len(text)
        return cls(length=length, literals=tuple(literals))

    def fits(self, text: str, at: int) -> bool:
        """Whether the piece stands in the text at this position."""
        for offset, literal in self.literals:  # noqa: SIM110 - all() would double the time
            if not text.startswith(literal, at + offset):
                return False
        return True

    def end_of_first(self, text: str, start: int, stop: int) -> int:
        """Where the first occurrence within `text[start:stop]` ends, or -1."""
        if len(self.literals) == 1 and len(self.literals[0][1]) == self.length:
            found = text.find(self.literals[0][1], start, stop)
            return found if found < 0 else found + self.length
        for at in range(start, stop - self.length + 1):
            if self.fits(text, at):
                return at + self.length
        return -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Glob:
    """A compiled wildcard pattern; `tail` is None where the pattern holds no `*`."""

    head: Piece
    middle: tuple[Piece, ...]
    tail: Piece | None

    @classmethod
    def of(cls, atoms: Iterable[Atom]) -> "Glob":
        """The pattern that these atoms spell."""
        pieces: list[list[Atom]] = [[]]
        for atom in atoms:
            if atom is Wild.MANY:
                pieces.append([])
            elif atom:
                pieces[-1].append(atom)
        head, *rest = (Piece.of(piece) for piece in pieces)
        return cls(
            head=head,
            middle=tuple(piece for piece in rest[:-1] if piece.length),
            tail=rest[-1] if rest else None,
        )

    def matches(self, text: str) -> bool:
        """Whether the whole text fits the pattern, letter case included."""
        if self.tail is None:
            return len(text) == self.head.length and self.head.fits(text, 0)
        position = self.head.length
        stop = len(text) - self.tail.length
        if stop < position or not self.head.fits(text, 0) or not self.tail.fits(text, stop):
            return False
        for piece in self.middle:
            position = piece.end_of_first(text, position, stop)
            if position < 0:
                return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class ArnPattern:
    """An ARN pattern, matched as one text where that is the same, else part by part."""

    whole: Glob | None
    parts: tuple[Glob, ...]

    @classmethod
    def for_resource(cls, atoms: Sequence[Atom]) -> "ArnPattern":
        """A `Resource` pattern: a `*` that ends a part may also match beyond its colon.

        IAM User Guide, "Using wildcards in resource ARNs". An ARN of fewer than six parts is
        completed with `*` (IAM policy grammar, `resource_string`).
        """
        if not _spells_an_arn(atoms):
            return cls(whole=Glob.of(atoms), parts=())
        parts = _arn_parts(atoms)
        if all(_wild_only_at_end(part) for part in parts[:-1]):
            return cls(whole=Glob.of(_joined(parts)), parts=())
        return cls(whole=None, parts=tuple(Glob.of(part) for part in parts))

    @classmethod
    def for_condition(cls, atoms: Sequence[Atom]) -> "ArnPattern":
        """An `ArnLike` pattern: each of the six parts is checked on its own.

        IAM User Guide, "Amazon Resource Name (ARN) condition operators".
        """
        if not _spells_an_arn(atoms):
            return cls(whole=Glob.of(atoms), parts=())
        parts = _arn_parts(atoms)
        if all(not _wild(part) for part in parts[:-1]):
            return cls(whole=Glob.of(_joined(parts)), parts=())
        return cls(whole=None, parts=tuple(Glob.of(part) for part in parts))

    def matches(self, arn: str) -> bool:
        """Whether the ARN fits; a text that is no ARN fits only `*`."""
        if self.whole is not None:
            return self.whole.matches(arn)
        parts = arn.split(":", ARN_PARTS - 1)
        return len(parts) == ARN_PARTS and all(
            pattern.matches(part) for pattern, part in zip(self.parts, parts, strict=True)
        )


def _spells_an_arn(atoms: Sequence[Atom]) -> bool:
    return bool(atoms) and isinstance(atoms[0], str) and atoms[0].startswith("arn")


def _arn_parts(atoms: Iterable[Atom]) -> list[list[Atom]]:
    parts: list[list[Atom]] = [[]]
    for atom in atoms:
        if isinstance(atom, Wild):
            parts[-1].append(atom)
            continue
        first, *others = atom.split(":", ARN_PARTS - len(parts))
        parts[-1] += [first] if first else []
        parts += [[other] if other else [] for other in others]
    parts.extend([Wild.MANY] for _ in range(ARN_PARTS - len(parts)))
    return parts


def _joined(parts: Sequence[Sequence[Atom]]) -> Iterable[Atom]:
    for index, part in enumerate(parts):
        if index:
            yield ":"
        yield from part


def _wild(part: Sequence[Atom]) -> bool:
    return any(isinstance(atom, Wild) for atom in part)


def _wild_only_at_end(part: Sequence[Atom]) -> bool:
    return not _wild(part) or (part[-1] is Wild.MANY and not _wild(part[:-1]))
