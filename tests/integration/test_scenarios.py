"""Every scenario file on the lab, observing and then repairing: what comes out is what it says.

The table is the folder lab/scenarios; a file's `expect` is the whole of what is compared.
"""

import gc
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from cli.records import incident_record
from lab.build import Build, find_build
from lab.lab import Lab
from lab.scenario import SCENARIOS, Scenario
from lab.trace import Passage
from replimend.domain.diagnosis.causes import Cause
from tests.integration.on_lab import (
    ALL_DAY,
    approve_what_waits,
    ask_about_the_first,
    incidents,
    ledger_of,
)

FILES = {str(path.relative_to(SCENARIOS)): path for path in sorted(SCENARIOS.rglob("*.yaml"))}

_ANNOTATED = "the lab's S3 has no annotations"
OUTSIDE_OF_ANY_WORLD: Mapping[Cause, str] = {
    Cause.OWN_SET_UP: "the lab deploys the stack as the template has it, its batch role included",
    Cause.SOURCE_BUCKET_MISSING: "S3 sends no event for a bucket that is gone",
    Cause.DESTINATION_KEY_OF_WRONG_KIND: "the lab's keys are symmetric",
    Cause.REPLICA_MISSING: "the lab replicates no change of metadata",
    Cause.ANNOTATION_GONE: _ANNOTATED,
    Cause.ANNOTATION_ENCRYPTION_UNSUPPORTED: _ANNOTATED,
    Cause.TOO_MANY_ANNOTATIONS: _ANNOTATED,
}
"""The causes that no scenario can bring about, each with the reason."""

A_FEW_SWEEPS = timedelta(minutes=46)
"""So long the world is left alone: what has ended stays so, and what may settle is taken up."""

type Record = Mapping[str, Any]


@pytest.fixture(scope="module")
def build() -> Build:
    return find_build()


@pytest.fixture(autouse=True)
def rare_collections() -> Iterator[None]:
    """Collect garbage between labs only: a lab makes millions of objects, and few are garbage."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("name", FILES)
def test_what_comes_out_is_what_the_file_says(name: str, build: Build) -> None:
    scenario = Scenario.load(FILES[name])

    with Lab.from_scenario(scenario, build) as lab:
        lab.run(ALL_DAY)
        observed = records_of(lab)
        lab.deploy(scenario.limits["repair"])
        answer = ask_about_the_first(lab)
        lab.run(ALL_DAY)
        if scenario.approves:
            approve_what_waits(lab)
            lab.run(ALL_DAY)
        lab.clock.advance(A_FEW_SWEEPS)

        found = what_came_out(scenario, observed, answer, records_of(lab))
        assert found == what_is_expected(scenario)
        assert trouble_in(lab) == []


def test_every_file_has_a_title_and_expects_a_cause() -> None:
    told = {name: Scenario.load(path) for name, path in FILES.items()}

    titles = Counter(each.title for each in told.values())
    assert [name for name, each in told.items() if each.title == each.name] == []
    assert [title for title, count in titles.items() if count > 1] == []
    assert [name for name, each in told.items() if each.expect.cause not in set(Cause)] == []


def test_every_cause_that_a_world_can_have_is_expected_by_some_file() -> None:
    told = {Scenario.load(path).expect.cause for path in FILES.values()}

    assert set(Cause) - told == set(OUTSIDE_OF_ANY_WORLD)


def records_of(lab: Lab) -> list[Record]:
    """All that the ledger has of each incident, the first to be opened first."""
    ledger = ledger_of(lab)
    opened = sorted(incidents(lab), key=lambda each: each.opened_at)
    return [incident_record(each, ledger) for each in opened]


def what_is_expected(scenario: Scenario) -> dict[str, object]:
    """The expectations that the file has, by field."""
    expect = scenario.expect
    fields = {name: getattr(expect, name) for name in type(expect).__slots__}
    told = {name: value for name, value in fields.items() if value not in ("", (), {}, None)}
    return {**told, **({"change": tuple(sorted(expect.change))} if expect.change else {})}


def what_came_out(
    scenario: Scenario, observed: list[Record], answer: Record, end: list[Record]
) -> dict[str, object]:
    """The same fields, as they came out."""
    main = the_one(scenario, observed) or answer
    last = the_one(scenario, end) or {"incident": {"status": ""}, "changes": [], "objects": []}
    said = list(texts([main["diagnosis"], main["plan"], answer["diagnosis"], answer["plan"]]))
    said += texts([main["verdict"], answer["verdict"], last.get("diagnosis"), last.get("plan")])
    outcomes = Counter(each["outcome"] for each in last["objects"])
    came = {
        "incidents": len(observed),
        "cause": main["diagnosis"]["cause"],
        "confidence": main["diagnosis"]["confidence"],
        "action": (main["diagnosis"]["requirement"] or {}).get("action"),
        "layer": main["diagnosis"]["layer"],
        "asked": answer["diagnosis"]["cause"],
        "others": tuple(sorted(each["diagnosis"]["cause"] for each in end if each is not last)),
        "says": tuple(each for each in scenario.expect.says if any(each in text for text in said)),
        "change": tuple(sorted(each["kind"] for each in last["changes"])),
        "changes": len(last["changes"]),
        "observed": main["incident"]["status"] if main is not answer else "",
        "status": last["incident"]["status"],
        "outcomes": dict(outcomes),
        "objects": {
            each["key"]: each["outcome"]
            for each in last["objects"]
            if each["key"] in scenario.expect.objects
        },
    }
    return {name: came[name] for name in what_is_expected(scenario)}


def the_one(scenario: Scenario, records: list[Record]) -> Record | None:
    """The incident of the cause that the file expects; else the first, None where there is none."""
    expected = [each for each in records if each["diagnosis"]["cause"] == scenario.expect.cause]
    return next(iter(expected or records), None)


def texts(value: object) -> Iterator[str]:
    """Every text in an answer, however deep."""
    match value:
        case str():
            yield value
        case Mapping():
            yield from texts(list(value.values()))
        case list() | tuple():
            for each in value:
                yield from texts(each)
        case _:
            return


def trouble_in(lab: Lab) -> list[str]:
    """What must never happen, whatever the world: crashes, lost events, missing permissions."""
    return [
        *(f"{each.function} raised {each.error}" for each in lab.invocations if each.error),
        *(f"{hop.via} lost what it had" for hop in lab.trace if hop.passage in LOST),
        *(
            f"{call.caller.role_arn} may not {call.operation}"
            for call in lab.calls
            if not call.allowed
            and "replimend" in call.caller.role_arn
            and call.account == call.caller.account
        ),
    ]


LOST = frozenset({Passage.DEAD_LETTERED, Passage.LOST})
