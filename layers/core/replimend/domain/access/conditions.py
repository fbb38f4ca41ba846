"""Condition blocks: every operator of IAM, its `IfExists`, `ForAnyValue` and `ForAllValues`."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from replimend.domain.access import comparisons
from replimend.domain.access.comparisons import AT_LEAST, AT_MOST, EQUAL, LESS, MORE
from replimend.domain.access.elements import mapping_at, texts_at
from replimend.domain.access.variables import Context, Syntax
from replimend.errors import MalformedPolicyError


class Quantifier(StrEnum):
    """How many of a multivalued key's values must match."""

    UNSAID = ""
    ANY = "ForAnyValue"
    ALL = "ForAllValues"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparingCondition:
    """One operator with one key and the values a policy lists for it.

    `name` is the key in lower case: key names ignore letter case, and contexts are kept by it.
    """

    operator: str
    key: str
    expected: tuple[str, ...]
    name: str
    compared: comparisons.Comparison
    quantifier: Quantifier
    is_negated: bool
    if_exists: bool

    def actual(self, context: Context) -> tuple[str, ...] | None:
        """The request's values for the key, or None if it has none."""
        return context.get(self.name) or None

    def holds(self, context: Context) -> bool:
        """Whether the request meets the condition.

        A negated operator wants no listed value to match, so a missing key meets it, and misses
        every other (IAM User Guide, "Condition operators"). Without a quantifier a multivalued key
        counts as its values in turn, which AWS leaves undefined.
        """
        values = self.actual(context)
        if values is None:
            return self._holds_for_a_missing_key()
        matched = (self.compared.matches(value, context) for value in values)
        match self.quantifier:
            case Quantifier.UNSAID:
                return any(matched) is not self.is_negated
            case Quantifier.ANY:
                return any(each is not self.is_negated for each in matched)
            case Quantifier.ALL:
                # An empty text is a "null dataset", which passes like a missing key.
                return values == ("",) or all(each is not self.is_negated for each in matched)

    def _holds_for_a_missing_key(self) -> bool:
        match self.quantifier:
            case Quantifier.UNSAID:
                return self.if_exists or self.is_negated
            case Quantifier.ANY:
                return self.if_exists
            case Quantifier.ALL:
                return True


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceCondition:
    """The `Null` operator: "true" wants the key to be missing, "false" wants it to have a value."""

    operator: str
    key: str
    expected: tuple[str, ...]
    name: str

    def actual(self, context: Context) -> tuple[str, ...] | None:
        """The request's values for the key, or None if it has none."""
        return context.get(self.name) or None

    def holds(self, context: Context) -> bool:
        """Whether the key is missing, or present, as the policy wants."""
        is_missing = "true" if self.actual(context) is None else "false"
        return any(value.lower() == is_missing for value in self.expected)


type Condition = ComparingCondition | PresenceCondition
"""One condition of a statement; all of a statement's conditions must hold."""


def parse_conditions(block: object, path: str, syntax: Syntax) -> tuple[Condition, ...]:
    """The conditions of a `Condition` element in the order written.

    Raises MalformedPolicyError with the path of the operator or key at fault.
    """
    return tuple(
        _parse(operator, key, texts_at(values, f"{path}.{operator}.{key}"), path, syntax)
        for operator, keys in mapping_at(block, path).items()
        for key, values in mapping_at(keys, f"{path}.{operator}").items()
    )


IF_EXISTS = "ifexists"
NULL = "null"

# Name in lower case: is it negated, and what compares. "Equals" and "Like" are one for ARNs.
OPERATORS: Mapping[str, tuple[bool, comparisons.Compile]] = {
    "stringequals": (False, comparisons.same_text),
    "stringnotequals": (True, comparisons.same_text),
    "stringequalsignorecase": (False, comparisons.same_letters),
    "stringnotequalsignorecase": (True, comparisons.same_letters),
    "stringlike": (False, comparisons.like),
    "stringnotlike": (True, comparisons.like),
    "arnequals": (False, comparisons.arn_like),
    "arnlike": (False, comparisons.arn_like),
    "arnnotequals": (True, comparisons.arn_like),
    "arnnotlike": (True, comparisons.arn_like),
    "numericequals": (False, comparisons.numeric(EQUAL)),
    "numericnotequals": (True, comparisons.numeric(EQUAL)),
    "numericlessthan": (False, comparisons.numeric(LESS)),
    "numericlessthanequals": (False, comparisons.numeric(AT_MOST)),
    "numericgreaterthan": (False, comparisons.numeric(MORE)),
    "numericgreaterthanequals": (False, comparisons.numeric(AT_LEAST)),
    "dateequals": (False, comparisons.date(EQUAL)),
    "datenotequals": (True, comparisons.date(EQUAL)),
    "datelessthan": (False, comparisons.date(LESS)),
    "datelessthanequals": (False, comparisons.date(AT_MOST)),
    "dategreaterthan": (False, comparisons.date(MORE)),
    "dategreaterthanequals": (False, comparisons.date(AT_LEAST)),
    "bool": (False, comparisons.same_letters),
    "binaryequals": (False, comparisons.binary),
    "ipaddress": (False, comparisons.address),
    "notipaddress": (True, comparisons.address),
}


def _parse(
    operator: str, key: str, expected: tuple[str, ...], path: str, syntax: Syntax
) -> Condition:
    quantifier, base = _split_quantifier(operator)
    if base == NULL and quantifier is Quantifier.UNSAID:
        return PresenceCondition(operator=operator, key=key, expected=expected, name=key.lower())
    known = OPERATORS.get(base.removesuffix(IF_EXISTS))
    if known is None:
        raise MalformedPolicyError(f"{path}.{operator}", "is not a condition operator")
    is_negated, compile_values = known
    return ComparingCondition(
        operator=operator,
        key=key,
        expected=expected,
        name=key.lower(),
        compared=compile_values(expected, syntax),
        quantifier=quantifier,
        is_negated=is_negated,
        if_exists=base.endswith(IF_EXISTS),
    )


def _split_quantifier(operator: str) -> tuple[Quantifier, str]:
    prefix, colon, base = operator.lower().partition(":")
    if not colon:
        return Quantifier.UNSAID, prefix
    quantifier = {each.lower(): each for each in Quantifier if each}.get(prefix)
    return (Quantifier.UNSAID, operator) if quantifier is None else (quantifier, base)
