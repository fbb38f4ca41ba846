"""Preflight: what will fail before it fails, from a set-up and nothing else.

Where the set-up has no object, the calls are those for the objects that a rule is for: encrypted
with KMS, as the source bucket does by default, without a Bucket Key and, where either bucket's
default encryption has one, with it; and, beside them, tagged objects and locked ones.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from replimend.domain.diagnosis.refusals import explain_refusal
from replimend.domain.facts import ObjectVersion, ReplicationRule, ReplicationSetup
from replimend.domain.repair.ladder import plan_for
from replimend.domain.repair.plan import Change, Plan
from replimend.domain.setups.checks.calls import check_calls
from replimend.domain.setups.checks.ends import check_destinations, check_role, check_source
from replimend.domain.setups.checks.gaps import check_gaps
from replimend.domain.setups.checks.hearing import check_metrics, check_notifications, check_trails
from replimend.domain.setups.checks.keys import check_destination_keys, check_source_keys
from replimend.domain.setups.checks.rules import check_object, check_rules
from replimend.domain.setups.checks.statements import check_statements
from replimend.domain.setups.findings import Finding, FindingKind, Severity
from replimend.domain.setups.inspection import Call, Inspection, inspect
from replimend.domain.setups.setup import Setup
from replimend.domain.setups.setup_findings import SetupFinding

type Check = Callable[[Setup, Sequence[Inspection]], Iterable[Finding]]

CHECKS: tuple[Check, ...] = (
    check_rules,
    check_object,
    check_role,
    check_source,
    check_destinations,
    check_source_keys,
    check_destination_keys,
    check_calls,
    check_statements,
    check_metrics,
    check_notifications,
    check_trails,
    check_gaps,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """Whether the set-up replicates (None: too little is known), what is wrong with it, a plan.

    `calls` are what S3 needs, each once; `changes` are the access that Replimend would give.
    """

    replicates: bool | None
    calls: tuple[Call, ...]
    findings: tuple[Finding, ...]
    changes: tuple[Change, ...]


def preflight(setup: Setup) -> Preflight:
    """Everything that is wrong with the set-up, most severe first."""
    inspections = [inspect(setup, rule) for rule in _rules(setup)]
    findings = _in_order(each for check in CHECKS for each in check(setup, inspections))
    return Preflight(
        replicates=_replicates(findings, inspections),
        calls=tuple(_calls(inspections)),
        findings=tuple(findings),
        changes=tuple(_changes(inspections)),
    )


def _rules(setup: Setup) -> Iterator[ReplicationRule]:
    """The rules that are in force, for the object if there is one.

    A rule that selects by tags is taken to select the object: HeadObject only counts tags.
    """
    if not isinstance(setup.replication, ReplicationSetup):
        return
    version = setup.object
    for rule in setup.replication.rules:
        is_other = isinstance(version, ObjectVersion) and not version.key.startswith(rule.prefix)
        if rule.enabled and not is_other:
            yield rule


def _in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Each thing once, at its most severe; errors first, else in the order of the checks."""
    worst: dict[tuple[FindingKind, str, str], Finding] = {}
    for each in findings:
        named = (each.kind, each.subject, each.says)
        known = worst.get(named)
        if known is None or _rank(each) < _rank(known):
            worst[named] = each
    return sorted(worst.values(), key=_rank)


def _rank(finding: Finding) -> int:
    return tuple(Severity).index(finding.severity)


def _replicates(findings: Sequence[Finding], inspections: Sequence[Inspection]) -> bool | None:
    """False for certain, True for certain, or None."""
    if any(each.severity is Severity.ERROR for each in findings):
        return False
    open_calls = any(
        call.assessment.is_unknown
        for each in inspections
        for call in each.calls
        if not call.for_some
    )
    unread = any(each.kind is SetupFinding.UNREAD for each in findings)
    return None if unread or open_calls or not inspections else True


def _calls(inspections: Sequence[Inspection]) -> Iterator[Call]:
    known = []
    for inspection in inspections:
        for call in inspection.calls:
            if call.assessment not in known:
                known.append(call.assessment)
                yield call


def _changes(inspections: Sequence[Inspection]) -> Iterator[Change]:
    """The plan of each rule; two rules' changes to one document become one."""
    merged: dict[tuple[str, str | None], Change] = {}
    for inspection in inspections:
        for change in _plan(inspection):
            named = (change.subject, change.policy_name)
            known = merged.get(named)
            merged[named] = change if known is None else _joined(known, change)
    yield from merged.values()


def _plan(inspection: Inspection) -> tuple[Change, ...]:
    """The changes for the KMS calls that are refused; permissions of S3 are left to people."""
    refused = [
        call.assessment
        for call in inspection.calls
        if call.assessment.is_refused and call.requirement.is_kms
    ]
    diagnosis = explain_refusal(refused, inspection.supposed, None)
    if diagnosis is None:
        return ()
    plan = plan_for(diagnosis, inspection.supposed)
    return plan.changes if isinstance(plan, Plan) else ()


def _joined(first: Change, second: Change) -> Change:
    if first.policies is None or second.policies is None:
        return first
    (_, after), (before, wanted) = first.policies, second.policies
    for statement in wanted.added_to(before):
        after = after.with_statement(statement)
    return replace(first, after=after, serves=(*first.serves, *second.serves))
