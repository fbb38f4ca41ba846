"""Read the live set-up behind a failed version, and make of it a diagnosis and a plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from replimend.domain.arn import Arn
from replimend.domain.destinations import destination_account, replica_key_named
from replimend.domain.diagnosis.breakage import (
    suspects_of,
    who_broke_it,
    with_what_broke_it,
)
from replimend.domain.diagnosis.cases import undetermined
from replimend.domain.diagnosis.causes import Cause, Diagnosis
from replimend.domain.diagnosis.classifier import diagnose
from replimend.domain.diagnosis.history import TOLD_WITHIN, Past, Pasts
from replimend.domain.facts import (
    Absent,
    Bucket,
    Fact,
    Facts,
    Key,
    ObjectVersion,
    ReplicationRule,
    ReplicationSetup,
    Role,
)
from replimend.domain.failure_reasons import FailureReason
from replimend.domain.incident import FailureGroup, Sample
from replimend.domain.repair.ladder import plan_for
from replimend.domain.repair.plan import BY_DEFAULT, NoPlan, Plan
from replimend.domain.repair.removals import removal_behind
from replimend.domain.repair.verdicts import Removal
from replimend.domain.signals import KeyAccessDenied
from replimend.domain.unavailable import Unavailable
from replimend.errors import MalformedPolicyError
from replimend.ports import Buckets, Clock, History, Keys, Objects, Roles, Signals

DONE = frozenset({"COMPLETED", "COMPLETE", "REPLICA"})
"""S3's words for a version that needs no replication; it documents two spellings of one."""

NOT_PERMITTED = "NotPermitted"
"""How S3's codes of refused calls end (aws-facts 2)."""

DENIALS_COUNT_FOR = timedelta(days=1)
"""CloudTrail may be late, and a Bucket Key delays a denial: the window is wide (aws-facts 3.6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What an investigation came to; `role_arn` is empty where no configuration names one.

    `removal` is who lately took away what the plan would give back, if anybody did.
    """

    facts: Facts
    diagnosis: Diagnosis
    plan: Plan | NoPlan
    role_arn: str
    removal: Removal | Unavailable | None = None
    untold_until: datetime | None = None
    """Until when CloudTrail may tell of a change or a denial that explains this; None if it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Investigation:
    """Finds the cause behind one failed version of a group, from freshly read facts."""

    home_account: str
    buckets: Buckets
    objects: Objects
    keys: Keys
    roles: Roles
    signals: Signals
    history: History
    clock: Clock
    allowed_changes: frozenset[str] = BY_DEFAULT

    def investigate(
        self, group: FailureGroup, sample: Sample, reason: FailureReason | None
    ) -> Finding:
        """Read everything that can decide this failure, and decide it."""
        facts = self._read(group, sample)
        diagnosis = _diagnose(facts, reason)
        plan = plan_for(diagnosis, facts, self.allowed_changes)
        pasts = {
            subject: self.history.changes_of(subject, acts)
            for subject, acts in suspects_of(diagnosis, facts).items()
        }
        failing_since = _failing_since(sample, facts)
        broken_by = who_broke_it(diagnosis, facts, sample.failed_at or self.clock.now(), pasts)
        return Finding(
            facts=facts,
            diagnosis=with_what_broke_it(diagnosis, broken_by),
            plan=plan,
            role_arn=facts.setup.role_arn if isinstance(facts.setup, ReplicationSetup) else "",
            removal=removal_behind(plan, facts, failing_since or self.clock.now(), pasts),
            untold_until=self._untold_until(failing_since, diagnosis, reason, pasts),
        )

    def _untold_until(
        self,
        failing_since: datetime | None,
        diagnosis: Diagnosis,
        reason: FailureReason | None,
        pasts: Pasts,
    ) -> datetime | None:
        """Until when CloudTrail is late with what led to the failure, or with the denial itself.

        All is allowed as far as can be read where a layer out of sight refuses, too: then the
        denial alone tells of it (aws-facts 3.6).
        """
        if failing_since is None:
            return None
        until = failing_since + TOLD_WITHIN
        is_silent = any(
            isinstance(past, Past) and past.is_still_silent_about(failing_since)
            for past in pasts.values()
        )
        may_be_refused_unseen = (
            diagnosis.cause is Cause.MENDED
            and reason is not None
            and reason.code.endswith(NOT_PERMITTED)
            and self.clock.now() < until
        )
        return until if is_silent or may_be_refused_unseen else None

    def live_sample(self, group: FailureGroup, samples: Sequence[Sample]) -> Sample:
        """The first sample that still waits to be replicated; the first one if none does.

        A version that was deleted or replicated since tells nothing of the others' cause.
        """
        for sample in samples:
            version = self.objects.version(
                group.bucket, self.home_account, sample.key, sample.version_id
            )
            if isinstance(version, ObjectVersion) and version.replication_status not in DONE:
                return sample
        return samples[0]

    def _read(self, group: FailureGroup, sample: Sample) -> Facts:
        setup = self.buckets.replication_of(group.bucket)
        source = self.buckets.describe(group.bucket, self.home_account)
        version = self.objects.version(
            group.bucket, self.home_account, sample.key, sample.version_id
        )
        rule = setup.rule_named(group.rule_id) if isinstance(setup, ReplicationSetup) else None
        destination = self._destination(group, rule)
        return Facts(
            home_account=self.home_account,
            source_bucket=group.bucket,
            rule_id=group.rule_id,
            destination_bucket=group.destination_bucket,
            setup=setup,
            object=version,
            source=source,
            destination=destination,
            role=self._role(setup),
            source_key=self._source_key(version),
            destination_key=self._destination_key(rule, destination),
            denials=self._denials(setup),
            # S3's word arrives seconds after it gave up; a later look asks what counts by now.
            failed_at=self.clock.now(),
        )

    def _destination(self, group: FailureGroup, rule: ReplicationRule | None) -> Fact[Bucket]:
        account = destination_account(rule, self.home_account)
        return self.buckets.describe(group.destination_bucket, account)

    def _role(self, setup: Fact[ReplicationSetup]) -> Fact[Role]:
        if isinstance(setup, ReplicationSetup):
            return self.roles.describe(setup.role_arn)
        return Unavailable(reason="no replication configuration names a role")

    def _source_key(self, version: Fact[ObjectVersion]) -> Fact[Key]:
        if isinstance(version, ObjectVersion) and version.kms_key_arn is not None:
            key = Arn.parse(version.kms_key_arn)
            return self.keys.describe(version.kms_key_arn, key.account, key.region)
        return Absent(what="a source key: the version is not encrypted with KMS")

    def _destination_key(
        self, rule: ReplicationRule | None, destination: Fact[Bucket]
    ) -> Fact[Key]:
        if rule is None or rule.replica_key is None:
            return Absent(what="a replica key: the rule names none")
        if rule.replica_key.startswith("arn:"):
            key = replica_key_named(rule.replica_key)
            if key is None:
                return Absent(what=f"a key by the name {rule.replica_key}")
            return self.keys.describe(rule.replica_key, key.account, key.region)
        if isinstance(destination, Bucket):
            # A bare id or alias resolves in the account of whoever asks (aws-facts 5.4).
            return self.keys.describe(rule.replica_key, self.home_account, destination.region)
        return Unavailable(reason="the destination bucket's Region is not known")

    def _denials(self, setup: Fact[ReplicationSetup]) -> tuple[KeyAccessDenied, ...]:
        if isinstance(setup, ReplicationSetup):
            since = self.clock.now() - DENIALS_COUNT_FOR
            found = self.signals.denials_of(setup.role_arn)
            return tuple(denial for denial in found if denial.event_time >= since)
        return ()


def _failing_since(sample: Sample, facts: Facts) -> datetime | None:
    """When the sample failed, or the earliest that it can have: when it was written."""
    if sample.failed_at is None and isinstance(facts.object, ObjectVersion):
        return facts.object.last_modified
    return sample.failed_at


def _diagnose(facts: Facts, reason: FailureReason | None) -> Diagnosis:
    """The diagnosis, or that a policy is beyond us: AWS may take what we cannot read."""
    try:
        return diagnose(facts, reason)
    except MalformedPolicyError as error:
        return undetermined(
            str(error),
            "Mend the document at that place, or read it by hand (iam:GetRolePolicy, "
            "kms:GetKeyPolicy, s3:GetBucketPolicy): AWS may take what Replimend does not.",
        )
