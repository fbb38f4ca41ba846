"""Which end of an incident a script may take for done."""

import pytest

from cli.errors import Exit
from cli.results import ENDS, Result, result_of, worst_of
from replimend.domain.diagnosis.causes import Cause
from replimend.domain.incident import FailureGroup, Incident, Sample, Status
from tests.facts import NOON, ROLE_ARN

DONE, UNSETTLED = Exit.DONE, Exit.UNSETTLED


def an_incident(status: Status, cause: Cause = Cause.KEY_POLICY_LACKS_ROLE) -> Incident:
    return Incident(
        incident_id="i",
        status=status,
        round=1,
        group=FailureGroup(bucket="a", rule_id="r", destination_bucket="b", reason="ManualRequest"),
        sample=Sample(key="k", version_id="v"),
        cause=cause.value,
        confidence="evaluated",
        summary="",
        role_arn=ROLE_ARN,
        plan_hash=None,
        replayed=False,
        opened_at=NOON,
        updated_at=NOON,
    )


def answered(cause: Cause) -> dict[str, dict[str, str]]:
    return {"diagnosis": {"cause": cause.value}}


@pytest.mark.parametrize(
    ("status", "result", "exit_status"),
    [
        (Status.RESOLVED, Result.RESOLVED, DONE),
        (Status.OBSERVED, Result.OBSERVED, DONE),
        (Status.REFUSED, Result.REFUSED, UNSETTLED),
        (Status.ESCALATED, Result.ESCALATED, UNSETTLED),
        (Status.AWAITING_APPROVAL, Result.AWAITING_APPROVAL, UNSETTLED),
        (Status.QUARANTINED, Result.QUARANTINED, UNSETTLED),
        (Status.RECOPYING, Result.UNFINISHED, UNSETTLED),
        (Status.OPEN, Result.UNFINISHED, UNSETTLED),
    ],
)
def test_where_the_incident_stands_decides(
    status: Status, result: Result, exit_status: Exit
) -> None:
    found = result_of(answered(Cause.KEY_POLICY_LACKS_ROLE), an_incident(status))

    assert (found, found.exit) == (result, exit_status)


@pytest.mark.parametrize(
    ("cause", "result", "exit_status"),
    [
        (Cause.ALREADY_REPLICATED, Result.NOTHING_TO_DO, DONE),
        (Cause.OBJECT_GONE, Result.NOTHING_TO_DO, DONE),
        (Cause.UNDETERMINED, Result.UNDETERMINED, UNSETTLED),
        (Cause.KEY_POLICY_LACKS_ROLE, Result.NOT_OPENED, UNSETTLED),
        (Cause.MENDED, Result.NOT_OPENED, UNSETTLED),
    ],
)
def test_without_an_incident_the_cause_decides(
    cause: Cause, result: Result, exit_status: Exit
) -> None:
    found = result_of(answered(cause), None)

    assert (found, found.exit) == (result, exit_status)


def test_an_escalation_for_want_of_a_cause_is_undetermined() -> None:
    incident = an_incident(Status.ESCALATED, Cause.UNDETERMINED)

    assert result_of(answered(Cause.UNDETERMINED), incident) is Result.UNDETERMINED


def test_every_status_that_has_ended_has_its_result() -> None:
    assert set(ENDS) == {status for status in Status if status.has_ended}


def test_of_several_rules_the_one_that_needs_a_person_counts() -> None:
    assert worst_of([Result.RESOLVED, Result.REFUSED, Result.OBSERVED]) is Result.REFUSED
    assert worst_of([Result.RESOLVED, Result.NOTHING_TO_DO]) is Result.RESOLVED
