"""What makes failures one incident, and what each status means for it."""

from dataclasses import replace

import pytest

from replimend.domain.diagnosis.cases import undetermined
from replimend.domain.diagnosis.causes import Diagnosis
from replimend.domain.diagnosis.classifier import diagnose
from replimend.domain.facts import Facts
from replimend.domain.failure_reasons import FailureReason
from replimend.domain.incident import FailureGroup, Status, group_of, incident_id_for
from tests.facts import (
    HOME,
    ROLE_ARN,
    SOURCE_KEY,
    a_key,
    administered_by,
    document,
    flagship_facts,
    healthy_facts,
)
from tests.incidents import GROUP, a_failure

OTHER_REASON = replace(GROUP, reason="DstMultipartInitNotPermitted")
DISABLED = healthy_facts(destination_key=a_key(state="Disabled"))
SOURCE_SILENT = healthy_facts(source_key=a_key(SOURCE_KEY, policy=document(administered_by(HOME))))


def diagnosed(facts: Facts) -> Diagnosis:
    return diagnose(facts, FailureReason.parse(GROUP.reason))


def incident_id(
    group: FailureGroup = GROUP, facts: Facts | None = None, role: str = ROLE_ARN
) -> str:
    return incident_id_for(group, diagnosed(facts or flagship_facts()), role)


def test_failures_are_grouped_by_what_their_events_say() -> None:
    same = a_failure(key="other.pdf", version_id="v9", size=None)
    other = a_failure(reason=FailureReason.parse("DstKmsKeyInvalidState"))

    assert group_of(a_failure()) == group_of(same) == GROUP
    assert group_of(other) != GROUP
    assert group_of(a_failure()).group_id == GROUP.group_id != group_of(other).group_id


def test_groups_of_one_cause_are_one_incident() -> None:
    assert incident_id(OTHER_REASON) == incident_id(GROUP)
    assert incident_id(replace(GROUP, rule_id="to-frankfurt-reports")) == incident_id(GROUP)


def test_a_state_is_one_cause_however_it_was_heard_of() -> None:
    assert incident_id(OTHER_REASON, DISABLED) == incident_id(GROUP, DISABLED)


@pytest.mark.parametrize(
    "other",
    [
        incident_id(replace(GROUP, bucket="orders-dublin")),
        incident_id(replace(GROUP, destination_bucket="orders-paris")),
        incident_id(role=f"{ROLE_ARN}-2"),
        incident_id(facts=SOURCE_SILENT),
        incident_id(facts=DISABLED),
    ],
    ids=["bucket", "destination", "role", "key", "cause"],
)
def test_another_cause_is_another_incident(other: str) -> None:
    assert other != incident_id()


def test_an_undetermined_cause_is_no_cause_to_share() -> None:
    unknown = undetermined("the role could not be read", "read it")

    assert incident_id_for(GROUP, unknown, ROLE_ARN) != incident_id_for(
        OTHER_REASON, unknown, ROLE_ARN
    )


def test_no_status_both_moves_on_by_itself_and_waits_for_somebody() -> None:
    for status in Status:
        assert not (status.is_mending and status.awaits_news), status
        assert not (status.is_mending and status.has_ended), status


def test_a_settled_incident_waits_for_new_failures_only() -> None:
    assert not Status.RESOLVED.awaits_news
    assert not Status.QUARANTINED.awaits_news
