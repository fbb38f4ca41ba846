"""What must come out of a scenario, as its file says it: data for the demo and the tests."""

from collections.abc import Mapping
from dataclasses import dataclass

from lab.fields import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """Words are the product's own; what is empty or None is no expectation.

    `incidents` and `observed` are of the end of the observing phase, and so is the diagnosis; where
    nothing was heard until then, the diagnosis is the answer to a person's question. `asked` is the
    cause that this answer names once the stack may repair, `others` are the causes of the further
    incidents. `status`, `change` (the kinds, in any order) and `changes` are of the end.
    `outcomes` counts objects by outcome; `objects` has the outcome of single keys.
    """

    incidents: int | None
    cause: str
    confidence: str
    action: str
    layer: str
    asked: str
    others: tuple[str, ...]
    says: tuple[str, ...]
    """What the diagnosis, the plan or the verdict must say, word for word, somewhere in it."""
    change: tuple[str, ...]
    changes: int | None
    observed: str
    status: str
    outcomes: Mapping[str, int]
    objects: Mapping[str, str]

    @classmethod
    def read(cls, section: Section) -> "Expectations":
        """The expectations that this section describes."""
        outcomes = section.section("outcomes")
        expectations = cls(
            incidents=_count(section, "incidents"),
            cause=section.optional("cause") or "",
            confidence=section.optional("confidence") or "",
            action=section.optional("action") or "",
            layer=section.optional("layer") or "",
            asked=section.optional("asked") or "",
            others=_one_or_many(section, "others"),
            says=_one_or_many(section, "says"),
            change=_one_or_many(section, "change"),
            changes=_count(section, "changes"),
            observed=section.optional("observed") or "",
            status=section.optional("status") or "",
            outcomes={name: outcomes.number(name, 0) for name in outcomes.fields()},
            objects=section.texts("objects"),
        )
        section.close()
        return expectations


def _count(section: Section, name: str) -> int | None:
    return section.number(name, 0) if section.raw(name) is not None else None


def _one_or_many(section: Section, name: str) -> tuple[str, ...]:
    value = section.raw(name)
    return (value,) if isinstance(value, str) else section.words(name)
