"""Intake: take a delivery of signals apart, record every failure, and triage each group once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import assert_never

from replimend.domain.batch import Batch, TriageRequest, Unusable
from replimend.domain.diagnosis.causes import Confidence
from replimend.domain.incident import FailureGroup, Incident, Sample, Status, group_of
from replimend.domain.signals import Ignored, KeyAccessDenied, ManualRequest, ReplicationFailed
from replimend.ports import Clock, HeldObjects, Incidents, Outbox, Signals, Tally
from replimend.usecases.triage import Triage

MOST_SAMPLES = 5

type Failures = Mapping[FailureGroup, Sequence[ReplicationFailed]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Hears signals in bulk: a small write for each failed version, a diagnosis for each group."""

    triage: Triage
    signals: Signals
    incidents: Incidents
    held: HeldObjects
    outbox: Outbox
    tally: Tally
    clock: Clock

    def receive(self, batch: Batch) -> frozenset[str]:
        """Act on a delivery; the ids of the messages to be given back to the queue."""
        for unusable in batch.unusable:
            self._put_aside(unusable)
        failures: dict[FailureGroup, list[ReplicationFailed]] = defaultdict(list)
        messages: dict[FailureGroup, set[str]] = defaultdict(set)
        for heard in batch.heard:
            match heard.signal:
                case ReplicationFailed() as failure:
                    failures[group_of(failure)].append(failure)
                    concerned: Iterable[FailureGroup] = (group_of(failure),)
                case KeyAccessDenied() as denial:
                    concerned = self._groups_to_ask_again(denial)
                case TriageRequest(group=group):
                    concerned = (group,)
                case Ignored(kind=kind):
                    self.tally.ignored(kind.value)
                    concerned = ()
                case ManualRequest():
                    # A person's question comes by direct invocation, where it can be answered.
                    self.tally.ignored("manual_request_on_queue")
                    concerned = ()
                case unreachable:
                    assert_never(unreachable)
            for group in concerned:
                messages[group].add(heard.message_id)
        self.signals.record_failures(
            [(group, each) for group, found in failures.items() for each in found]
        )
        return self._consider_all(failures, messages)

    def _put_aside(self, unusable: Unusable) -> None:
        """Keep an unusable message in the dead-letter queue and the ledger, in this order.

        What fails between the two is buried twice; the other order would lose it.
        """
        if not self.signals.knows_unusable(unusable):
            self.outbox.bury(unusable)
            self.signals.record_unusable(unusable, self.clock.now())
            self.tally.unusable(unusable.path)

    def _groups_to_ask_again(self, denial: KeyAccessDenied) -> Sequence[FailureGroup]:
        """The groups whose diagnosis this denial may prove or overthrow, if it is news."""
        if denial.role_arn is None or not self.signals.record_denial(denial) or denial.replayed:
            return ()
        return [
            incident.group
            for incident in self.incidents.of_role(denial.role_arn)
            if incident.status.awaits_news and incident.confidence != Confidence.PROVEN
        ]

    def _consider_all(
        self, failures: Failures, messages: Mapping[FailureGroup, set[str]]
    ) -> frozenset[str]:
        given_back: set[str] = set()
        for group, ids in messages.items():
            try:
                self._consider(group, failures.get(group, ()))
            except Exception as error:  # noqa: BLE001 - one group's trouble must not hold up the others
                self.tally.given_back(group.group_id, error)
                given_back |= ids
        return frozenset(given_back)

    def _consider(self, group: FailureGroup, found: Sequence[ReplicationFailed]) -> None:
        """Triage the group unless its incident already answers these failures."""
        incident = self.signals.incident_of(group)
        if incident is not None and not self._calls_for_a_look(incident, group, found):
            return
        samples = self._samples(group, found, incident)
        if samples:
            self.triage.triage(group, samples, replayed=_is_replayed(incident, found))

    def _calls_for_a_look(
        self, incident: Incident, group: FailureGroup, found: Sequence[ReplicationFailed]
    ) -> bool:
        """Whether to triage a group whose incident exists; our own requests may come too late."""
        if found:
            return self._reopens(incident, group, found)
        is_over = incident.status is Status.RESOLVED
        return not is_over or next(self.held.waiting((group,)), None) is not None

    def _reopens(
        self, incident: Incident, group: FailureGroup, found: Sequence[ReplicationFailed]
    ) -> bool:
        """Whether failures call for another look at an incident that exists.

        A resolved one is opened again by a version that has no outcome yet; one that rests on
        replayed events alone is taken seriously with the first live one.
        """
        if incident.status is Status.RESOLVED:
            return self.held.waits(group, found)
        is_news = incident.replayed and not _is_replayed(incident, found)
        return is_news and incident.status.awaits_news

    def _samples(
        self, group: FailureGroup, found: Sequence[ReplicationFailed], incident: Incident | None
    ) -> tuple[Sample, ...]:
        """A few versions to diagnose the group by; some of them may be gone by now."""
        if incident is not None and not found:
            known = [incident.sample]
        else:
            known = [
                Sample(key=each.key, version_id=each.version_id, failed_at=each.event_time)
                for each in found
            ]
        waiting = (
            Sample(key=each.key, version_id=each.version_id, failed_at=each.failed_at)
            for each in self.held.waiting((group,))
        )
        return tuple(dict.fromkeys(islice(chain(known, waiting), MOST_SAMPLES)))


def _is_replayed(incident: Incident | None, found: Sequence[ReplicationFailed]) -> bool:
    """Whether nothing but replayed events speaks for the group, now or at its last diagnosis."""
    if found:
        return all(each.replayed for each in found)
    return incident is not None and incident.replayed
