"""How the value of a condition key is compared with the values that a policy lists.

Every comparison answers for one value of the request: does it match any listed value? What an
operator makes of several values, of none, or of a negation is told in `conditions`.
"""

import ipaddress
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from replimend.domain.access.matching import ArnPattern, Atom, Glob
from replimend.domain.access.values import read_bytes, read_moment, read_network, read_number
from replimend.domain.access.variables import Context, Syntax, Template, literal


class Comparison(Protocol):
    """Compares one value of the request with all that a condition lists."""

    def matches(self, value: str, context: Context) -> bool:
        """Whether the value matches any listed one."""
        ...


type Compile = Callable[[tuple[str, ...], Syntax], Comparison]
"""Makes a comparison of the values in a policy; a value of the wrong form matches nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SameText:
    """Whole texts, letter case included."""

    literals: frozenset[str]
    templates: tuple[Template, ...]

    def matches(self, value: str, context: Context) -> bool:
        """Whether the value is a listed text, once variables have theirs."""
        if value in self.literals:
            return True
        resolved = (template.resolve(context) for template in self.templates)
        return any(literal(atoms) == value for atoms in resolved if atoms is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SameLetters:
    """Whole texts, whatever the letter case."""

    literals: frozenset[str]
    templates: tuple[Template, ...]

    def matches(self, value: str, context: Context) -> bool:
        """Whether the value is a listed text in any letter case, once variables have theirs."""
        folded = value.casefold()
        if folded in self.literals:
            return True
        resolved = (template.resolve(context) for template in self.templates)
        return any(literal(atoms).casefold() == folded for atoms in resolved if atoms is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patterns:
    """Wildcard or ARN patterns; those with a variable are compiled anew for each request."""

    patterns: tuple[Glob | ArnPattern, ...]
    templates: tuple[Template, ...]
    compile: Callable[[tuple[Atom, ...]], Glob | ArnPattern]

    def matches(self, value: str, context: Context) -> bool:
        """Whether the value fits a listed pattern, once variables have their values."""
        if any(pattern.matches(value) for pattern in self.patterns):
            return True
        resolved = (template.resolve(context) for template in self.templates)
        return any(self.compile(atoms).matches(value) for atoms in resolved if atoms is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered[T: (Decimal, datetime)]:
    """Numbers or moments in time, in the order that the operator asks for."""

    bounds: tuple[T, ...]
    read: Callable[[str], T | None]
    stands: Callable[[T, T], bool]

    def matches(self, value: str, context: Context) -> bool:  # noqa: ARG002 - takes no variables
        """Whether the value is one and stands as asked to a listed one."""
        number = self.read(value)
        return number is not None and any(self.stands(number, bound) for bound in self.bounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Networks:
    """IPv4 and IPv6 ranges."""

    ranges: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]

    def matches(self, value: str, context: Context) -> bool:  # noqa: ARG002 - takes no variables
        """Whether the value is an address within a listed range."""
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            return False
        return any(address in network for network in self.ranges)


@dataclass(frozen=True, slots=True, kw_only=True)
class SameBytes:
    """Binary values, in base64 on both sides."""

    values: frozenset[bytes]

    def matches(self, value: str, context: Context) -> bool:  # noqa: ARG002 - takes no variables
        """Whether the value decodes to the bytes of a listed one."""
        return read_bytes(value) in self.values


def same_text(values: tuple[str, ...], syntax: Syntax) -> Comparison:
    """Compare whole texts, letter case included."""
    constants, templates = _sorted_out(values, syntax)
    return SameText(literals=frozenset(map(literal, constants)), templates=templates)


def same_letters(values: tuple[str, ...], syntax: Syntax) -> Comparison:
    """Compare whole texts, ignoring letter case."""
    constants, templates = _sorted_out(values, syntax)
    folded = (literal(atoms).casefold() for atoms in constants)
    return SameLetters(literals=frozenset(folded), templates=templates)


def like(values: tuple[str, ...], syntax: Syntax) -> Comparison:
    """Compare with wildcard patterns, letter case included."""
    constants, templates = _sorted_out(values, syntax | Syntax.WILDCARDS)
    return Patterns(patterns=tuple(map(Glob.of, constants)), templates=templates, compile=Glob.of)


def arn_like(values: tuple[str, ...], syntax: Syntax) -> Comparison:
    """Compare with ARN patterns, part by part."""
    constants, templates = _sorted_out(values, syntax | Syntax.WILDCARDS)
    compiled = ArnPattern.for_condition
    return Patterns(patterns=tuple(map(compiled, constants)), templates=templates, compile=compiled)


def numeric(stands: Callable[[Decimal, Decimal], bool]) -> Compile:
    """Compare numbers; `stands` is the order asked for."""
    return lambda values, _: Ordered(
        bounds=tuple(_read(values, read_number)), read=read_number, stands=stands
    )


def date(stands: Callable[[datetime, datetime], bool]) -> Compile:
    """Compare moments in time; `stands` is the order asked for."""
    return lambda values, _: Ordered(
        bounds=tuple(_read(values, read_moment)), read=read_moment, stands=stands
    )


def address(values: tuple[str, ...], _: Syntax) -> Comparison:
    """Compare with address ranges."""
    return Networks(ranges=tuple(_read(values, read_network)))


def binary(values: tuple[str, ...], _: Syntax) -> Comparison:
    """Compare bytes."""
    return SameBytes(values=frozenset(_read(values, read_bytes)))


EQUAL, LESS, AT_MOST = operator.eq, operator.lt, operator.le
MORE, AT_LEAST = operator.gt, operator.ge


def _sorted_out(
    values: Iterable[str], syntax: Syntax
) -> tuple[list[tuple[Atom, ...]], tuple[Template, ...]]:
    templates = [Template.parse(value, syntax) for value in values]
    constants = [template.constant for template in templates]
    return (
        [atoms for atoms in constants if atoms is not None],
        tuple(template for template in templates if template.constant is None),
    )


def _read[T](values: Iterable[str], read: Callable[[str], T | None]) -> Iterable[T]:
    return (read_value for value in values if (read_value := read(value)) is not None)
