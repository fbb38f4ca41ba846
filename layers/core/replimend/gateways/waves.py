"""Waves in the ledger: one item each, replaced only by whoever knows its newest state."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from replimend.domain.recopy.objects import (
    LedgerCursor,
    Manifest,
    OutcomeKind,
    ReportPosition,
)
from replimend.domain.recopy.waves import Draft, Look, Stage, Wave, WaveKind
from replimend.gateways.table import Item, Table

PREFIX = "WAVE#"


@dataclass(frozen=True, slots=True)
class WaveLedger:
    """The waves of every incident, beside the incident's other items."""

    table: Table

    def of_incident(self, incident_id: str) -> tuple[Wave, ...]:
        """The incident's waves, oldest first."""
        items = self.table.query(f"INCIDENT#{incident_id}", PREFIX)
        return tuple(_wave(item) for item in items)

    def newest(self, incident_id: str) -> Wave | None:
        """The wave that was begun last, or None."""
        item = self.table.last(f"INCIDENT#{incident_id}", PREFIX)
        return _wave(item) if item else None

    def begin(self, wave: Wave) -> bool:
        """Store a new wave; False if another invocation has begun one of this number."""
        pk, sk = _key(wave)
        return self.table.put_new({"pk": pk, "sk": sk, **_values(wave)})

    def save(self, wave: Wave) -> Wave | None:
        """The wave as it is stored now; None if it is no longer as the caller knew it."""
        after = replace(wave, revision=wave.revision + 1)
        saved = self.table.update(
            *_key(wave),
            _values(after),
            only_if="#revision = :known",
            given={"known": wave.revision},
        )
        return after if saved else None


def _key(wave: Wave) -> tuple[str, str]:
    return f"INCIDENT#{wave.incident_id}", f"{PREFIX}{wave.number:06d}"


def _values(wave: Wave) -> Item:
    content = asdict(wave)
    return {
        "incident_id": wave.incident_id,
        "revision": wave.revision,
        "state": json.dumps(content, default=_text),
    }


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"a wave holds no {type(value).__name__}")


def _wave(item: Item) -> Wave:
    state: dict[str, Any] = json.loads(item["state"])
    draft, look, manifest = state["draft"], state["look"], state["manifest"]
    return Wave(
        **{
            **state,
            "kind": WaveKind(state["kind"]),
            "stage": Stage(state["stage"]),
            "revision": item["revision"],
            "cursor": LedgerCursor(**state["cursor"]),
            "draft": Draft(**{**draft, "etags": tuple(draft["etags"])}),
            "manifest": Manifest(**manifest) if manifest else None,
            "look": Look(**{**look, **_positions(look)}),
            "beforehand": _counts(state["beforehand"]),
            "counts": _counts(state["counts"]),
            **{name: _moment(state[name]) for name in MOMENTS},
        }
    )


MOMENTS = ("began_at", "looked_at", "oldest", "started_at", "ended_at")


def _counts(kept: Mapping[str, int]) -> dict[OutcomeKind, int]:
    return {OutcomeKind(kind): count for kind, count in kept.items()}


def _positions(look: Mapping[str, Any]) -> dict[str, ReportPosition | None]:
    names = ("at", "until", "first", "last")
    return {name: ReportPosition(**look[name]) if look[name] else None for name in names}


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
