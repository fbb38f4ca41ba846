"""The methods beside batch jobs, each result verified on both sides before it counts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from replimend.domain.destinations import destination_account, replica_key_named
from replimend.domain.recopy.comparison import Verification, Verified
from replimend.domain.recopy.copying import CopyKind, CopyResult, CopyTask, Place
from replimend.domain.recopy.objects import HeldObject
from replimend.domain.repair.verdicts import Limits, Mode
from replimend.errors import TransientError
from replimend.usecases.copy_runs import CopyRun
from replimend.usecases.copying import CopyEngine
from replimend.usecases.verification import RuleInForce, Verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyMethods:
    """Copies versions of listed buckets; whatever asks for the same again finds it done.

    `region` is that of the source buckets. A result `unfinished` is to be asked for again.
    """

    engine: CopyEngine
    verifier: Verifier
    limits: Limits
    region: str

    def copy(
        self, objects: Iterable[HeldObject], rule: RuleInForce, deadline: datetime
    ) -> Iterator[tuple[HeldObject, CopyResult]]:
        """Copy each to the rule's destination; each once with its result, in no order."""
        allowed: list[HeldObject] = []
        for held in objects:
            objection = self._objection(held, rule)
            if objection is None:
                allowed.append(held)
            else:
                yield held, objection
        asked = {self._task(held, rule): held for held in allowed}
        for task, result in CopyRun(self.engine).over(asked, deadline):
            yield asked[task], self._seen(asked[task], result, rule)

    def rewrite(self, held: HeldObject, rule: RuleInForce, deadline: datetime) -> CopyResult:
        """Copy the version onto itself, and wait until S3 has replicated what that made."""
        if (objection := self._objection(held, rule)) is not None:
            return objection
        try:
            result = self.engine.rewrite(self._task(held, rule), deadline)
        except TransientError as error:
            return CopyResult(kind=CopyKind.UNFINISHED, says=str(error))
        if result.kind is not CopyKind.COPIED or result.version_id is None:
            return result
        verified = self.verifier.verify(replace(held, version_id=result.version_id), rule)
        return _verified(result, verified, f"rewritten as version {result.version_id}: ")

    def _objection(self, held: HeldObject, rule: RuleInForce) -> CopyResult | None:
        """Why this must not be copied from there to there at all, or None."""
        destination = rule.rule.destination_bucket
        if self.limits.mode is Mode.OBSERVE:
            says = "the mode is observe: nothing is copied"
        elif held.bucket not in self.limits.source_buckets:
            says = f"{held.bucket} is not among the source buckets (SourceBucketArns)"
        elif destination not in self.limits.destination_buckets:
            says = f"{destination} is not among the destination buckets (DestinationBucketArns)"
        else:
            return None
        return CopyResult(kind=CopyKind.FAILED, says=says)

    def _task(self, held: HeldObject, rule: RuleInForce) -> CopyTask:
        """The copy under the rule as it is now.

        The replica key is in the destination's Region (aws-facts 5.4); where no rule names one,
        the client follows S3's redirect.
        """
        home = self.verifier.home_account
        key = replica_key_named(rule.rule.replica_key or "")
        return CopyTask(
            source=Place(bucket=held.bucket, account=home, region=self.region),
            destination=Place(
                bucket=rule.rule.destination_bucket,
                account=destination_account(rule.rule, home),
                region=key.region if key else self.region,
            ),
            key=held.key,
            version_id=held.version_id,
            replica_key=rule.rule.replica_key,
        )

    def _seen(self, held: HeldObject, result: CopyResult, rule: RuleInForce) -> CopyResult:
        if result.kind is not CopyKind.COPIED or result.version_id is None:
            return result
        verified = self.verifier.verify_copy(held, result.version_id, rule)
        return _verified(result, verified, "copied ")


def _verified(made: CopyResult, verified: Verified, says: str) -> CopyResult:
    """How a copy that S3 says it made ends, as both sides show it."""
    match verified.verification:
        case Verification.COPIED | Verification.REPLICATED:
            kind = CopyKind.COPIED
        case Verification.PENDING:
            kind = CopyKind.UNFINISHED
        case Verification.GONE:
            kind = CopyKind.GONE
        case Verification.NOT_ELIGIBLE:
            kind = CopyKind.NOT_ELIGIBLE
        case Verification.DIFFERS | Verification.FAILED:
            kind = CopyKind.FAILED
        case unreachable:
            assert_never(unreachable)
    return replace(made, kind=kind, says=f"{says}{verified.says}")
