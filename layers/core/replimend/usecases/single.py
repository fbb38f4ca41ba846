"""Re-copy one object version that a person names, incident or not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from replimend.domain.commands import RecopyObject
from replimend.domain.facts import ReplicationSetup
from replimend.domain.recopy.comparison import Verification, Verified
from replimend.domain.recopy.objects import (
    HeldObject,
    JobPhase,
    ReportPosition,
    TaskResult,
    job_token,
    manifest_row,
)
from replimend.domain.recopy.waves import digest_after
from replimend.domain.repair.verdicts import Limits, Mode
from replimend.ports import BatchJobs, Buckets, Clock, Manifests
from replimend.usecases.verification import RuleInForce, Verifier, in_force

SETTLED = {Verification.REPLICATED, Verification.GONE, Verification.NOT_ELIGIBLE}


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleRecopy:
    """Runs a job over one version. Asking again within the hour follows the same job."""

    buckets: Buckets
    manifests: Manifests
    jobs: BatchJobs
    verifier: Verifier
    limits: Limits
    clock: Clock

    def recopy(self, command: RecopyObject) -> Mapping[str, Any]:
        """Where the version stands, with what shows it.

        That is `replicated`, `gone`, `not_eligible`, `running`, `failed` or `refused`.
        """
        setup = self.buckets.replication_of(command.bucket)
        rules = setup.rules if isinstance(setup, ReplicationSetup) else ()
        selecting = (each for each in rules if command.key.startswith(each.prefix))
        rule = next((each for each in selecting if each.enabled), None)
        if rule is None or not isinstance(setup, ReplicationSetup):
            return _answer(
                "refused",
                f"no enabled rule of {command.bucket} that we can read selects the object",
            )
        now = self.clock.now()
        held = HeldObject(
            bucket=command.bucket,
            destination_bucket=rule.destination_bucket,
            key=command.key,
            version_id=command.version_id,
            size=None,
            requested_at=now,
            failed_at=now,
        )
        ruled = in_force(rule, setup)
        verified = self.verifier.verify(held, ruled)
        if verified.verification in SETTLED:
            return _answer(verified.verification.value, verified.says)
        if (objection := self._objection(command)) is not None:
            return _answer("refused", objection)
        return self._follow(held, ruled, f"{now:%Y%m%d%H}")

    def _objection(self, command: RecopyObject) -> str | None:
        if self.limits.mode is Mode.OBSERVE:
            return "the mode is observe: nothing is re-copied"
        if command.bucket not in self.limits.source_buckets:
            return f"{command.bucket} is not among the source buckets (SourceBucketArns)"
        return None

    def _follow(self, held: HeldObject, rule: RuleInForce, hour: str) -> Mapping[str, Any]:
        row = manifest_row(held)
        token = job_token(f"single {hour}", 0, digest_after("", row))
        manifest = self.manifests.put(f"{held.bucket}/{token}.csv", row, 1)
        job_id = self.jobs.start(held.bucket, manifest, token)
        state = self.jobs.state_of(job_id)
        if state.phase is JobPhase.RUNNING:
            return _answer("running", f"job {job_id} is {state.status}: ask again later")
        results = [row for row, _ in self.jobs.report_of(job_id, ReportPosition())]
        return _ended(self.verifier.verify(held, rule), results, job_id)


def _ended(verified: Verified, results: list[TaskResult], job_id: str) -> Mapping[str, Any]:
    if verified.verification in SETTLED:
        return _answer(verified.verification.value, verified.says)
    failed = next((row for row in results if not row.succeeded), None)
    if failed is not None:
        return _answer("failed", f"job {job_id}: {failed.error_code or failed.message}")
    return _answer("running", f"job {job_id} is complete, {verified.says}: ask again later")


def _answer(outcome: str, says: str) -> Mapping[str, Any]:
    return {"outcome": outcome, "says": says}
