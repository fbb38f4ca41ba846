"""Texts of a policy that may hold wildcards and policy variables such as `${aws:username}`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Flag, auto

from replimend.domain.access.matching import Atom, wildcard_atoms

type Context = Mapping[str, tuple[str, ...]]
"""The request's context: values by condition key, the key in lower case."""


class Syntax(Flag):
    """What a text of a policy may hold besides itself."""

    PLAIN = 0
    WILDCARDS = auto()
    VARIABLES = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """`${key}` or `${key, 'default'}`; `key` is in lower case, since key names ignore case."""

    key: str
    default: str | None

    def value(self, context: Context) -> str | None:
        """The request's one value, else the default, else None.

        A multivalued key cannot be a variable (IAM User Guide, "Variables and tags").
        """
        values = context.get(self.key, ())
        return values[0] if len(values) == 1 else self.default


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A text of a policy, cut into literals, wildcards and variables."""

    atoms: tuple[Atom | Variable, ...]

    @classmethod
    def parse(cls, text: str, syntax: Syntax) -> "Template":
        """The text as this syntax reads it; every text is valid.

        `${*}`, `${?}` and `${$}` stand for the character itself. A variable of another form can
        have no value.
        """
        if Syntax.VARIABLES not in syntax:
            return cls(atoms=tuple(_plain_atoms(text, syntax)))
        atoms: list[Atom | Variable] = []
        position = 0
        for found in VARIABLE.finditer(text):
            atoms += _plain_atoms(text[position : found.start()], syntax)
            name = found[1]
            atoms.append(name if name in SPECIAL_CHARACTERS else _variable(name))
            position = found.end()
        atoms += _plain_atoms(text[position:], syntax)
        return cls(atoms=tuple(atoms))

    def resolve(self, context: Context) -> tuple[Atom, ...] | None:
        """The atoms with each variable's value as literal text; None if one has no value.

        A wildcard inside a value stays a plain character.
        """
        resolved: list[Atom] = []
        for atom in self.atoms:
            value = atom.value(context) if isinstance(atom, Variable) else atom
            if value is None:
                return None
            resolved.append(value)
        return tuple(resolved)

    @property
    def constant(self) -> tuple[Atom, ...] | None:
        """The atoms if no variable is among them, else None."""
        has_variable = any(isinstance(atom, Variable) for atom in self.atoms)
        return None if has_variable else self.resolve({})


def literal(atoms: tuple[Atom, ...]) -> str:
    """The text that atoms without wildcards spell."""
    return "".join(atom for atom in atoms if isinstance(atom, str))


VARIABLE = re.compile(r"\$\{([^}]*)\}")
WITH_DEFAULT = re.compile(r"([^,']+), '([^']*)'")
SPECIAL_CHARACTERS = frozenset("*?$")


def _variable(name: str) -> Variable:
    found = WITH_DEFAULT.fullmatch(name)
    if found is None:
        return Variable(key=name.lower(), default=None)
    return Variable(key=found[1].lower(), default=found[2])


def _plain_atoms(text: str, syntax: Syntax) -> list[Atom]:
    if Syntax.WILDCARDS in syntax:
        return wildcard_atoms(text)
    return [text] if text else []
