"""Inquiry: a person names one object and is told why it does not replicate."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from replimend.domain.answers import diagnosis_answer, plan_answer, verdict_answer
from replimend.domain.diagnosis.cases import undetermined
from replimend.domain.facts import Absent, Fact, ObjectVersion, ReplicationRule, ReplicationSetup
from replimend.domain.failure_reasons import FailureReason
from replimend.domain.incident import FailureGroup, Sample
from replimend.domain.repair.plan import NoPlan
from replimend.domain.signals import ManualRequest, ReplicationFailed
from replimend.domain.unavailable import Unavailable
from replimend.ports import Buckets, Clock, Objects, Signals
from replimend.usecases.triage import ASKED_BY_HAND, Triage


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """Answers for one object version; one that failed is held and mended like any other."""

    home_account: str
    triage: Triage
    buckets: Buckets
    objects: Objects
    signals: Signals
    clock: Clock

    def answer(self, request: ManualRequest) -> Mapping[str, Any]:
        """The diagnosis, the plan, the verdict and the incident to follow, as JSON.

        Where several rules select the object, the one that needs most is answered for and the
        rest are under `others`.
        """
        setup = self.buckets.replication_of(request.bucket)
        version = self.objects.version(
            request.bucket, self.home_account, request.key, request.version_id
        )
        answers = [self._answer(request, rule, version) for rule in _rules_for(request, setup)]
        if not answers:
            return _no_rule(request, setup)
        first, *others = sorted(answers, key=lambda each: bool(each["plan"]["replayOnly"]))
        return {**first, "others": others}

    def _answer(
        self, request: ManualRequest, rule: ReplicationRule, version: Fact[ObjectVersion]
    ) -> Mapping[str, Any]:
        group = FailureGroup(
            bucket=request.bucket,
            rule_id=rule.rule_id,
            destination_bucket=rule.destination_bucket,
            reason=ASKED_BY_HAND,
        )
        sample = Sample(key=request.key, version_id=_version_id(request, version))
        if isinstance(version, ObjectVersion) and version.replication_status in HELD_BACK:
            self.signals.record_failures([(group, self._failure(group, version))])
            answer = self.triage.triage(group, (sample,))
            if answer is not None:
                return answer
        finding = self.triage.investigation.investigate(group, sample, None)
        return {
            "diagnosis": diagnosis_answer(finding.diagnosis),
            "plan": plan_answer(finding.plan),
            "verdict": verdict_answer(None),
            "incident": None,
        }

    def _failure(self, group: FailureGroup, version: ObjectVersion) -> ReplicationFailed:
        """The person's report as the signal that S3 would have sent."""
        return ReplicationFailed(
            bucket=version.bucket,
            key=version.key,
            version_id=version.version_id,
            size=version.size,
            etag=version.etag,
            rule_id=group.rule_id,
            destination_bucket=group.destination_bucket,
            reason=FailureReason.parse(ASKED_BY_HAND),
            operation="OBJECT_PUT",
            request_time=version.last_modified,
            event_time=self.clock.now(),
            region="",
            sequencer=None,
            replayed=False,
        )


HELD_BACK = frozenset({"FAILED", None})
"""S3 never retries FAILED; a version without a status was not eligible when it was written."""


def _rules_for(request: ManualRequest, setup: Fact[ReplicationSetup]) -> Iterator[ReplicationRule]:
    if isinstance(setup, ReplicationSetup):
        for rule in setup.rules:
            if request.key.startswith(rule.prefix):
                yield rule


def _version_id(request: ManualRequest, version: Fact[ObjectVersion]) -> str:
    if isinstance(version, ObjectVersion):
        return version.version_id
    return request.version_id or "null"


def _no_rule(request: ManualRequest, setup: Fact[ReplicationSetup]) -> Mapping[str, Any]:
    match setup:
        case ReplicationSetup():
            because = f"no rule of {request.bucket} selects {request.key!r}"
        case Absent():
            because = f"{request.bucket} has no replication configuration"
        case Unavailable(reason=reason):
            because = f"the replication configuration could not be read: {reason}"
        case unreachable:
            assert_never(unreachable)
    nothing = undetermined(because, "Name an object that a replication rule selects.")
    return {
        "diagnosis": diagnosis_answer(nothing),
        "plan": plan_answer(NoPlan(reason=because)),
        "verdict": verdict_answer(None),
        "incident": None,
        "others": [],
    }
