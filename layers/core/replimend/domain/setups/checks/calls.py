"""The calls that S3 needs and that some policy refuses, each with the code that S3 will give."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from replimend.domain.access import Effect, LayerDecision, LayerName, Result
from replimend.domain.assessment import decide
from replimend.domain.diagnosis.near_misses import dead_principals
from replimend.domain.facts import Absent, Bucket, Role
from replimend.domain.requirements import Requirement, Side
from replimend.domain.setups.access_findings import AccessFinding
from replimend.domain.setups.checks.slips import kind_of, told, where
from replimend.domain.setups.findings import Finding, FindingKind, Severity, found
from replimend.domain.setups.inspection import Call, Inspection
from replimend.domain.setups.setup import Setup
from replimend.domain.setups.setup_findings import SetupFinding

REASONS: Mapping[str, str] = {
    "s3:GetObjectVersionForReplication": "SrcGetObjectNotPermitted",
    "s3:GetObjectVersionAcl": "SrcGetAclNotPermitted",
    "s3:GetObjectVersionTagging": "SrcGetTaggingNotPermitted",
    "s3:GetObjectRetention": "SrcGetRetentionNotPermitted",
    "s3:GetObjectLegalHold": "SrcGetLegalHoldNotPermitted",
    "s3:ReplicateObject": "DstPutObjectNotPermitted",
    "s3:ReplicateDelete": "DstDelObjNotPermitted",
    "s3:ReplicateTags": "DstPutTaggingNotPermitted",
    "s3:ObjectOwnerOverrideToBucketOwner": "DstPutObjectNotPermitted",
    "s3:PutObjectRetention": "DstPutRetentionNotPermitted",
    "s3:PutObjectLegalHold": "DstPutLegalHoldNotPermitted",
}
"""The code that S3 documents for a refusal of each action (aws-facts 2)."""

KMS_REASONS = {
    # Which code a denied kms:Decrypt on the source key gives is an open question (aws-facts 10,
    # question 1); this is the likeliest.
    Side.SOURCE: "SrcGetObjectNotPermitted",
    Side.DESTINATION: "DstPutObjectNotPermitted",
}


def check_calls(setup: Setup, inspections: Sequence[Inspection]) -> Iterator[Finding]:  # noqa: ARG001 - every check is called alike
    """Every refused call, and allows that all but fit a call of which too little is known."""
    for inspection in inspections:
        for each in _alike(_refusals(inspection)):
            yield from each.findings()


def _refusals(inspection: Inspection) -> Iterator["_Refusal"]:
    for call in inspection.calls:
        assessment = call.assessment
        layers = assessment.refusing_layers
        if assessment.is_unknown:
            layers = tuple(each for each in assessment.decision.layers if each.missed)
        for layer in () if assessment.is_allowed else layers:
            if layer.effect is not Effect.ALLOWED:
                yield _Refusal(inspection=inspection, calls=(call,), layer=layer)


def _alike(refusals: Iterable["_Refusal"]) -> Iterable["_Refusal"]:
    """The refusals with those told as one that differ in nothing but the action."""
    told: dict[tuple[object, ...], _Refusal] = {}
    for each in refusals:
        known = told.get(each.sameness)
        told[each.sameness] = (
            each if known is None else replace(known, calls=(*known.calls, *each.calls))
        )
    return told.values()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    """One layer that stands in the way of a call, or of several in the same way."""

    inspection: Inspection
    calls: tuple[Call, ...]
    layer: LayerDecision

    @property
    def sameness(self) -> tuple[object, ...]:
        """What two refusals have in common that are told as one."""
        return (self.layer, self.subject, self.requirement.resource, self.severity, self.predicts)

    @property
    def actions(self) -> str:
        """The actions refused, each once."""
        return ", ".join(dict.fromkeys(each.requirement.action for each in self.calls))

    @property
    def predicts(self) -> str | None:
        """The failure reason that the refusal gives; None where none is documented."""
        if self.requirement.is_kms:
            return KMS_REASONS[self.requirement.side]
        return REASONS.get(self.requirement.action)

    @property
    def requirement(self) -> Requirement:
        return self.calls[0].requirement

    @property
    def role(self) -> Role:
        role = self.inspection.supposed.role
        assert isinstance(role, Role)  # noqa: S101 - no call is decided without a role
        return role

    @property
    def severity(self) -> Severity:
        call = self.calls[0]
        is_certain = call.assessment.is_refused and not call.for_some
        return Severity.ERROR if is_certain else Severity.WARNING

    @property
    def subject(self) -> str:
        """What has the policy: the role, the key, or the bucket."""
        if self.layer.layer not in {LayerName.RESOURCE, LayerName.GRANT}:
            return self.role.arn
        if self.requirement.is_kms:
            return self.requirement.resource
        return self.requirement.resource.partition("/")[0]

    def findings(self) -> Iterator[Finding]:
        """Each statement that denies, each condition that keeps an allow out, or the silence."""
        if self.layer.effect is Effect.EXPLICITLY_DENIED:
            for policy, statement in zip(self.layer.policies, self.layer.statements, strict=True):
                label = where(policy, statement, self.requirement.resource)
                yield self._found(AccessFinding.EXPLICIT_DENY, where=label)
        elif self.layer.missed:
            for missed in self.layer.missed:
                words = told(missed, self.requirement.resource)
                yield self._found(kind_of(missed, self.requirement), **words)
        else:
            yield self._silent()

    def _silent(self) -> Finding:
        match self.layer.layer:
            case LayerName.IDENTITY if self._may_get_object_version():
                return self._found(AccessFinding.GET_OBJECT_VERSION_IN_PLACE)
            case LayerName.IDENTITY:
                return self._found(AccessFinding.ROLE_POLICY_LACKS_ACTION)
            case LayerName.BOUNDARY:
                return self._found(AccessFinding.PERMISSIONS_BOUNDARY)
            case _ if not self.requirement.is_kms:
                missing = self._is_destination_without_policy()
                return self._found(
                    SetupFinding.DESTINATION_POLICY_MISSING
                    if missing
                    else AccessFinding.BUCKET_POLICY_LACKS_ROLE
                )
            case _ if dead := dead_principals(self.requirement, self.inspection.supposed):
                return self._found(AccessFinding.DEAD_PRINCIPAL, principal=dead[0])
            case _:
                return self._found(AccessFinding.KEY_POLICY_LACKS_ROLE)

    def _may_get_object_version(self) -> bool:
        """`s3:GetObjectVersion` does not do for objects encrypted with KMS (aws-facts 5.1)."""
        if self.requirement.action != "s3:GetObjectVersionForReplication":
            return False
        lesser = replace(self.requirement, action="s3:GetObjectVersion")
        return decide(lesser, self.inspection.supposed, self.role).result is Result.ALLOWED

    def _is_destination_without_policy(self) -> bool:
        bucket = self.inspection.facts.destination
        return (
            self.requirement.side is Side.DESTINATION
            and isinstance(bucket, Bucket)
            and isinstance(bucket.policy, Absent)
        )

    def _found(self, kind: FindingKind, **details: str) -> Finding:
        return found(
            kind,
            self.subject,
            severity=self.severity,
            predicts=kind.predicts or self.predicts,
            action=self.actions,
            resource=self.requirement.resource,
            role=self.role.arn,
            home=self.inspection.setup.home_account,
            account=self.requirement.resource_account,
            **details,
        )
