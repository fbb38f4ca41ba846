"""A denied KMS call in its set-up: which of S3's calls it was, and who refuses it still."""

from collections.abc import Iterator
from dataclasses import replace

from replimend.domain.arn import Arn
from replimend.domain.assessment import Assessment, decide
from replimend.domain.diagnosis.calls import assessments_of
from replimend.domain.diagnosis.refusals import explain_refusal
from replimend.domain.facts import Facts, ObjectVersion, ReplicationSetup, Role
from replimend.domain.repair.ladder import plan_for
from replimend.domain.repair.scope import KMS_CEILING
from replimend.domain.requirements import Needed
from replimend.domain.setups.located import Located, agreed, each_once, no_diagnosis
from replimend.domain.setups.reported import OTHERS
from replimend.domain.setups.setup import Setup
from replimend.domain.setups.typical import stand_ins
from replimend.domain.setups.views import as_if_complete, facts_about, is_by
from replimend.domain.signals import KeyAccessDenied


def locate_denial(signal: KeyAccessDenied, setup: Setup) -> Located:
    """Which call of this set-up was denied, and why, as far as the policies say it now."""
    if not isinstance(setup.replication, ReplicationSetup):
        return no_diagnosis(
            setup,
            "the snapshot has no replication configuration",
            "Take a snapshot with it (s3:GetReplicationConfiguration).",
        )
    if not is_by(signal, setup.replication.role_arn):
        return no_diagnosis(
            setup,
            f"the call was made by another role than {setup.replication.role_arn}",
            "Take a snapshot of a bucket that replicates by the role that was denied.",
        )
    setup = replace(setup, denials=(*setup.denials, signal))
    views = [facts for facts in _views(setup) if _denied_calls(signal, facts, setup)]
    if not views:
        return no_diagnosis(
            setup,
            f"{signal.action} is no call that S3 makes to a key of this set-up in {signal.region}",
            "Look for who else uses the role, or take a snapshot of the bucket that was meant.",
        )
    if signal.denial.layer not in OTHERS:
        for facts in views:
            if (located := _refused(signal, facts, setup)) is not None:
                return located
    return agreed(setup, views, None, are_typical=False)


def _views(setup: Setup) -> Iterator[Facts]:
    """The facts under every rule, for the set-up's object or those that the rule is for.

    A denial names no object, so that what became of the set-up's own does not matter.
    """
    if not isinstance(setup.replication, ReplicationSetup):
        return
    for rule in setup.replication.rules:
        versions = stand_ins(setup, rule)
        if isinstance(setup.object, ObjectVersion):
            versions = (replace(setup.object, replication_status=None, archived=False),)
        for version in versions:
            yield facts_about(setup, rule.rule_id, rule.destination_bucket, version)


def _refused(signal: KeyAccessDenied, facts: Facts, setup: Setup) -> Located | None:
    """The diagnosis of the denied call, if it is refused still; the plan is for all that are."""
    supposed = as_if_complete(facts, setup)
    denied = _denied_calls(signal, facts, setup)
    diagnosis = explain_refusal([each for each in denied if each.is_refused], supposed, None)
    if diagnosis is None:
        return None
    calls = each_once((*assessments_of(supposed), *denied))
    diagnosis = replace(diagnosis, refused=tuple(each for each in calls if each.is_refused))
    return Located(
        diagnosis=diagnosis,
        facts=supposed,
        assessments=calls,
        plan=plan_for(diagnosis, supposed),
        role_arn=supposed.role.arn if isinstance(supposed.role, Role) else None,
    )


def _denied_calls(signal: KeyAccessDenied, facts: Facts, setup: Setup) -> tuple[Assessment, ...]:
    """S3's calls that the record can be of: this action on a key of its Region.

    A call that S3 is not known to make, but may (`kms:GenerateDataKey`, aws-facts 10, question 3),
    is one as well: the denial is the evidence that S3 makes it.
    """
    supposed = as_if_complete(facts, setup)
    on_key = [each for each in assessments_of(supposed) if _may_be_on(signal, each)]
    named = tuple(each for each in on_key if each.requirement.action == signal.action)
    if named or not isinstance(supposed.role, Role):
        return named
    found = []
    for each in on_key[:1]:
        requirement = replace(each.requirement, action=signal.action, needed=Needed.ALWAYS)
        if signal.action in KMS_CEILING[requirement.side]:
            decision = decide(requirement, supposed, supposed.role)
            found.append(Assessment(requirement=requirement, decision=decision))
    return tuple(found)


def _may_be_on(signal: KeyAccessDenied, assessment: Assessment) -> bool:
    requirement = assessment.requirement
    if not requirement.is_kms or Arn.parse(requirement.resource).region != signal.region:
        return False
    return signal.key_arn in {None, requirement.resource}
