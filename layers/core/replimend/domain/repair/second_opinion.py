"""A second opinion on a change, by IAM Access Analyzer, beside the built-in proof.

It errs towards failing and knows nothing of replication, so it may forbid and never allow: what it
cannot say is recorded as such, and the built-in proof decides (aws-facts 8.1).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from replimend.domain.arn import Arn
from replimend.domain.documents import Json, PolicyDocument
from replimend.domain.repair.plan import Change, ChangeKind, Plan
from replimend.domain.repair.scope import KMS_CEILING
from replimend.domain.requirements import CONTEXT_KEY, VIA_SERVICE, Requirement, Side


class CheckResult(StrEnum):
    """What came of one check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_AVAILABLE = "not_available"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question put to Access Analyzer, by its API's name, and what it said."""

    name: str
    result: CheckResult
    says: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondOpinion:
    """All that Access Analyzer said of one change."""

    checks: tuple[Check, ...]

    @property
    def objections(self) -> tuple[str, ...]:
        """What it found wrong, a sentence a finding."""
        return tuple(
            f"IAM Access Analyzer, {each.name}: {each.says}"
            for each in self.checks
            if each.result is CheckResult.FAILED
        )


def ceiling_of(change: Change, plan: Plan) -> PolicyDocument | None:
    """What the document may come to at most: all it had, and the widest statement a plan may add.

    None for a change that is not of policies for KMS calls alone: it has another ceiling, which
    the built-in proof knows.
    """
    if change.kind not in {ChangeKind.KEY_POLICY, ChangeKind.ROLE_POLICY}:
        return None
    if not all(each.is_kms for each in change.serves):
        return None
    before = change.before or PolicyDocument.empty()
    widest = list(_widest_statements(change, plan))
    return PolicyDocument.of({**before.content, "Statement": [*before.statements, *widest]})


def _widest_statements(change: Change, plan: Plan) -> Iterator[Mapping[str, Json]]:
    partition = Arn.parse(plan.role_arn).partition
    buckets = {Side.SOURCE: plan.source_bucket, Side.DESTINATION: plan.destination_bucket}
    for side in Side:
        served = [each for each in change.serves if each.side is side]
        if served:
            bucket = str(Arn.of_bucket(buckets[side], partition=partition))
            yield _widest(change, plan, bucket, side, served)


def _widest(
    change: Change, plan: Plan, bucket: str, side: Side, served: list[Requirement]
) -> Mapping[str, Json]:
    in_a_key_policy = change.kind is ChangeKind.KEY_POLICY
    principal: dict[str, Json] = {"Principal": {"AWS": plan.role_arn}} if in_a_key_policy else {}
    return {
        "Sid": f"Ceiling{side.value.title()}",
        "Effect": "Allow",
        **principal,
        "Action": sorted(KMS_CEILING[side]),
        "Resource": "*" if in_a_key_policy else sorted({each.resource for each in served}),
        "Condition": {
            "StringEquals": {VIA_SERVICE: sorted({each.context[VIA_SERVICE] for each in served})},
            "StringLike": {CONTEXT_KEY: [bucket, f"{bucket}/*"]},
        },
    }
