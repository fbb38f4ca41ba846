"""A delivery of signals becomes one incident for one cause, however often it comes."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from replimend.domain.batch import Batch, TriageRequest, Unusable
from replimend.domain.diagnosis.causes import Cause, Confidence
from replimend.domain.documents import PolicyDocument
from replimend.domain.facts import Fact, ReplicationSetup
from replimend.domain.failure_reasons import FailureReason
from replimend.domain.incident import Incident, Sample, Status
from replimend.domain.recopy.objects import Outcome, OutcomeKind
from replimend.domain.signals import Ignored, IgnoredKind, ManualRequest, Signal
from replimend.errors import ThrottledError
from tests.facts import (
    DESTINATION_KEY,
    HOME,
    NOON,
    ROLE_ARN,
    a_bucket,
    a_key,
    a_rule,
    an_object,
)
from tests.fakes import FakeBuckets
from tests.incidents import GROUP, a_batch, a_denial, a_failure, a_held_object, an_incident
from tests.unit.usecases.world import World

MULTIPART = FailureReason.parse("DstMultipartInitNotPermitted")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def world() -> World:
    return World()


def waiting_keys(world: World) -> list[str]:
    return sorted(each.key for each in world.held.waiting((GROUP,)))


def test_many_failures_are_one_incident_and_one_request_for_repair(world: World) -> None:
    keys = [f"{number}.pdf" for number in range(25)]
    for key in keys:
        world.add_object(key=key)

    given_back = world.tell(*(a_failure(key=key) for key in keys))

    assert given_back == frozenset()
    assert world.incident.status is Status.APPROVED
    assert len(world.outbox.sent) == 1
    assert waiting_keys(world) == sorted(keys)


def test_two_groups_of_one_cause_are_one_incident(world: World) -> None:
    world.tell(a_failure(), a_failure(reason=MULTIPART))

    assert len(world.incidents.groups_of(world.incident.incident_id)) == 2


def test_a_second_delivery_changes_nothing(world: World) -> None:
    signals: list[Signal] = [a_failure(), a_failure(reason=MULTIPART), a_denial()]
    world.tell(*signals)
    before = (world.incident, list(world.outbox.sent), list(world.outbox.announced))

    world.tell(*signals)

    assert (world.incident, world.outbox.sent, world.outbox.announced) == before


def test_a_second_delivery_after_the_end_changes_nothing(world: World) -> None:
    world.tell(a_failure())
    world.settle()
    before = world.incident

    world.tell(a_failure())
    world.settle()

    assert before.status is Status.RESOLVED
    assert world.incident == before


# denials


def test_a_denial_that_comes_first_proves_the_cause_at_once(world: World) -> None:
    world.tell(a_denial(), a_failure())

    assert world.incident.confidence == Confidence.PROVEN


def test_a_denial_that_comes_late_proves_the_cause_then(world: World) -> None:
    world.limits = replace(world.limits, repairable_keys=frozenset())
    world.tell(a_failure())
    assert world.incident.confidence == Confidence.EVALUATED

    world.tell(a_denial())

    assert world.incident.confidence == Confidence.PROVEN


def test_a_denial_by_a_policy_nobody_can_read_overthrows_the_diagnosis(world: World) -> None:
    world.limits = replace(world.limits, repairable_keys=frozenset())
    world.tell(a_failure())
    by_scp = a_denial().message.replace(
        "because no resource-based policy allows the kms:Encrypt action",
        "with an explicit deny in a service control policy",
    )

    world.tell(a_denial(by_scp))

    holder = world.signals.incident_of(GROUP)
    assert holder is not None
    assert holder.cause == Cause.ORGANISATION_POLICY
    statuses = {each.cause: each.status for each in world.incidents.incidents.values()}
    assert statuses[Cause.KEY_POLICY_LACKS_ROLE] is Status.RESOLVED, "it has no failures left"


def test_a_denial_without_an_incident_is_kept_for_later(world: World) -> None:
    world.tell(a_denial())

    assert world.signals.denials_of(ROLE_ARN) == (a_denial(),)
    assert world.outbox.announced == []


def test_a_denial_of_nobody_we_know_is_passed_over(world: World) -> None:
    assert world.tell(a_denial(role_arn=None)) == frozenset()


def test_a_denial_disturbs_no_repair_under_way(world: World) -> None:
    world.tell(a_failure())
    before = world.incident

    world.tell(a_denial())

    assert world.incident == before


# reopening


def resolved(world: World) -> Incident:
    world.tell(a_failure())
    world.settle()
    assert world.incident.status is Status.RESOLVED
    return world.incident


def break_again(world: World) -> None:
    world.keys.keys[DESTINATION_KEY] = a_key()


def test_a_new_failure_reopens_a_resolved_incident_in_its_next_round(world: World) -> None:
    resolved(world)
    break_again(world)
    world.add_object(key="new.pdf", replication_status="FAILED")

    world.tell(a_failure(key="new.pdf", event_time=world.clock.now()))

    assert (world.incident.status, world.incident.round) == (Status.APPROVED, 2)
    assert world.incident.sample == Sample(key="new.pdf", version_id=a_failure().version_id)


def test_a_reopened_incident_is_mended_to_its_end(world: World) -> None:
    resolved(world)
    break_again(world)
    world.add_object(key="new.pdf", replication_status="FAILED")
    world.tell(a_failure(key="new.pdf", event_time=world.clock.now()))

    world.settle()

    assert (world.incident.status, world.incident.round) == (Status.RESOLVED, 2)
    assert waiting_keys(world) == []


def test_a_failure_from_before_its_outcome_reopens_nothing(world: World) -> None:
    before = resolved(world)
    break_again(world)

    world.tell(a_failure(event_time=world.clock.now() - HOUR))

    assert world.incident == before


@pytest.mark.parametrize("status", [each for each in Status if each is not Status.RESOLVED])
def test_new_failures_join_an_incident_that_is_not_resolved(world: World, status: Status) -> None:
    incident = an_incident(status=status)
    world.incidents.save_diagnosis(incident, None, GROUP, "{}")
    before = world.incident

    world.tell(a_failure(key="another.pdf"))

    assert world.incident == before
    assert waiting_keys(world) == ["another.pdf"]
    assert world.outbox.sent == []


def test_trouble_that_returns_too_often_is_quarantined(world: World) -> None:
    for number in range(4):
        break_again(world)
        world.add_object(key=f"{number}.pdf", replication_status="FAILED")
        world.limits = replace(world.limits, changes_per_incident=9, changes_per_hour=9)
        world.tell(a_failure(key=f"{number}.pdf", event_time=world.clock.now()))
        world.settle()

    assert (world.incident.status, world.incident.round) == (Status.QUARANTINED, 4)
    assert len(world.keys.written) == 3


def test_trouble_that_returns_after_a_week_starts_anew(world: World) -> None:
    resolved(world)
    world.clock.advance(timedelta(days=8))
    break_again(world)
    world.add_object(key="new.pdf", replication_status="FAILED")

    world.tell(a_failure(key="new.pdf", event_time=world.clock.now()))

    assert (world.incident.status, world.incident.round) == (Status.APPROVED, 1)


# replayed events


def test_replayed_failures_are_explained_and_change_nothing(world: World) -> None:
    world.tell(a_failure(replayed=True))
    world.settle()

    assert world.incident.status is Status.REFUSED
    assert world.keys.written == []


@pytest.mark.parametrize("replayed", [a_denial(replayed=True), a_failure(replayed=True)])
def test_no_replayed_signal_lets_an_incident_be_mended(world: World, replayed: Signal) -> None:
    limits = world.limits
    world.limits = replace(limits, repairable_keys=frozenset())
    world.tell(a_failure())
    world.limits = limits

    world.tell(replayed)
    world.settle()

    assert world.incident.status is Status.REFUSED
    assert world.keys.written == []


def test_an_incident_of_replayed_failures_stays_refused_when_it_is_looked_at_again(
    world: World,
) -> None:
    world.tell(a_failure(replayed=True))

    world.hand_over(TriageRequest(group=GROUP))
    world.settle()

    assert world.incident.status is Status.REFUSED
    assert world.keys.written == []


def test_a_live_failure_beside_replayed_ones_is_mended(world: World) -> None:
    world.tell(a_failure(replayed=True))

    world.tell(a_failure(key="live.pdf"), a_failure(replayed=True))
    world.settle()

    assert world.incident.status is Status.RESOLVED


# samples


def test_the_diagnosis_is_made_on_a_version_that_still_waits(world: World) -> None:
    world.add_object(key="done.pdf", replication_status="COMPLETED")

    world.tell(a_failure(key="gone.pdf"), a_failure(key="done.pdf"), a_failure())

    assert world.incident.cause == Cause.KEY_POLICY_LACKS_ROLE
    assert world.incident.sample.key == a_failure().key


def test_a_wish_for_another_diagnosis_is_granted_from_what_waits(world: World) -> None:
    world.signals.record_failures([(GROUP, a_failure())])

    world.hand_over(TriageRequest(group=GROUP))

    assert world.incident.cause == Cause.KEY_POLICY_LACKS_ROLE


def test_a_wish_for_a_group_without_failures_does_nothing(world: World) -> None:
    world.hand_over(TriageRequest(group=GROUP))

    assert world.incidents.incidents == {}


# one bad record


def test_an_unusable_message_is_put_aside_once_and_the_rest_goes_on(world: World) -> None:
    bad = Unusable(message_id="m9", body="{", path="body", problem="is not JSON")
    batch = Batch(heard=a_batch(a_failure()).heard, unusable=(bad,))

    for _ in range(2):
        assert world.intake.receive(batch) == frozenset()

    assert world.outbox.buried == [bad]
    assert world.tally.counts["unusable body"] == 1
    assert world.incident.status is Status.APPROVED


@pytest.mark.parametrize(
    ("signal", "counted"),
    [
        (Ignored(kind=IgnoredKind.TEST_EVENT, detail="s3:TestEvent"), "ignored test_event"),
        (
            ManualRequest(bucket="orders-ireland", key="a.pdf", version_id=None),
            "ignored manual_request_on_queue",
        ),
    ],
    ids=["test event", "question"],
)
def test_what_calls_for_nothing_is_counted(
    world: World, signal: Ignored | ManualRequest, counted: str
) -> None:
    assert world.tell(signal) == frozenset()
    assert world.tally.counts[counted] == 1


@dataclass
class TroubledBuckets(FakeBuckets):
    """Buckets of which one cannot be asked about without an error."""

    error: Exception = field(kw_only=True)

    def replication_of(self, bucket: str) -> Fact[ReplicationSetup]:
        if bucket == "orders-dublin":
            raise self.error
        return super().replication_of(bucket)


@pytest.mark.parametrize("error", [ThrottledError("busy"), ZeroDivisionError()], ids=repr)
def test_only_the_messages_of_the_group_in_trouble_are_given_back(
    world: World, error: Exception
) -> None:
    world.buckets = TroubledBuckets(world.buckets.setups, world.buckets.buckets, error=error)

    given_back = world.tell(a_failure(bucket="orders-dublin"), a_failure())

    assert given_back == {"m0"}
    assert world.incident.status is Status.APPROVED
    assert world.tally.counts[f"given back: {type(error).__name__}"] == 1


def test_what_was_given_back_is_triaged_when_it_comes_again(world: World) -> None:
    well = world.buckets
    world.buckets = TroubledBuckets(well.setups, well.buckets, error=ThrottledError("busy"))
    dublin = a_bucket(name="orders-dublin", account=HOME, region="eu-west-1")
    well.setups["orders-dublin"] = ReplicationSetup(role_arn=ROLE_ARN, rules=(a_rule(),))
    well.buckets["orders-dublin"] = dublin
    world.objects.put(an_object(bucket="orders-dublin"))
    world.tell(a_failure(bucket="orders-dublin"))

    world.buckets = well
    given_back = world.tell(a_failure(bucket="orders-dublin"))

    assert given_back == frozenset()
    assert world.incident.group.bucket == "orders-dublin"


def test_a_policy_beyond_us_escalates_instead_of_failing(world: World) -> None:
    strange = PolicyDocument(text='{"Statement": [{"Effect": "Perhaps"}]}')
    world.keys.edit(DESTINATION_KEY, strange)

    assert world.tell(a_failure()) == frozenset()
    assert (world.incident.status, world.incident.cause) == (
        Status.ESCALATED,
        Cause.UNDETERMINED,
    )


@pytest.mark.parametrize("name", ["arn:aws:kms:x", "arn:aws:s3:::a-bucket", "no-such-key"])
def test_a_rule_may_name_any_text_as_its_key(world: World, name: str) -> None:
    rule = a_rule(replica_key=name)
    world.buckets.setups["orders-ireland"] = ReplicationSetup(role_arn=ROLE_ARN, rules=(rule,))

    assert world.tell(a_failure()) == frozenset()
    assert world.incident.cause == Cause.DESTINATION_KEY_MISSING


def test_an_outcome_that_is_older_than_a_failure_does_not_answer_it(world: World) -> None:
    world.tell(a_failure())
    world.held.record_outcomes(
        [(a_held_object(), Outcome(kind=OutcomeKind.FAILED, at=NOON - MINUTE, says="earlier"))]
    )

    assert waiting_keys(world) == [a_failure().key]
