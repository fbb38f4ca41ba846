"""What must come out of a scenario, as its file says it: data for the demo and the tests."""

from collections.abc import Mapping
from dataclasses import dataclass

from lab.fields import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """Words are the product's own; an empty text or None is no expectation.

    `observed` is the incident's status at the end of the observing phase, `status` at the end.
    `outcomes` counts objects by outcome; `objects` has the outcome of single keys.
    """

    incidents: int | None
    cause: str
    confidence: str
    action: str
    layer: str
    change: str
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
            incidents=section.number("incidents", 0)
            if section.raw("incidents") is not None
            else None,
            cause=section.optional("cause") or "",
            confidence=section.optional("confidence") or "",
            action=section.optional("action") or "",
            layer=section.optional("layer") or "",
            change=section.optional("change") or "",
            changes=section.number("changes", 0) if section.raw("changes") is not None else None,
            observed=section.optional("observed") or "",
            status=section.optional("status") or "",
            outcomes={name: outcomes.number(name, 0) for name in outcomes.fields()},
            objects=section.texts("objects"),
        )
        section.close()
        return expectations
