"""IAM Access Analyzer's policy checks (aws-facts 8.1). They read nothing but what they are sent."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from botocore.exceptions import BotoCoreError, ClientError

from replimend.clients import Clients
from replimend.domain.documents import PolicyDocument
from replimend.domain.repair.plan import Change
from replimend.domain.repair.second_opinion import Check, CheckResult, SecondOpinion
from replimend.gateways.faults import code_of

if TYPE_CHECKING:
    from mypy_boto3_accessanalyzer.client import AccessAnalyzerClient
    from mypy_boto3_accessanalyzer.type_defs import ReasonSummaryTypeDef

CHECKS = frozenset(
    {
        "access-analyzer:CheckNoNewAccess",
        "access-analyzer:CheckNoPublicAccess",
        "access-analyzer:ValidatePolicy",
    }
)

type PolicyType = Literal["IDENTITY_POLICY", "RESOURCE_POLICY"]
type Exposed = Literal["AWS::KMS::Key", "AWS::S3::Bucket"]

POLICY_TYPES: dict[str, PolicyType] = {
    "key_policy": "RESOURCE_POLICY",
    "bucket_policy": "RESOURCE_POLICY",
    "role_policy": "IDENTITY_POLICY",
}
"""The kinds of change, by value, that write a policy document."""
EXPOSED: dict[str, Exposed] = {"key_policy": "AWS::KMS::Key", "bucket_policy": "AWS::S3::Bucket"}
"""The kinds whose policy could open a resource to the public, and the resource's type."""


@dataclass(frozen=True, slots=True)
class AccessAnalyzer:
    """Asked in the stack's own account and Region: the checks know no environment."""

    clients: Clients

    def opinion_on(self, change: Change, ceiling: PolicyDocument | None) -> SecondOpinion:
        """What speaks against the change, if nothing must be allowed beyond the ceiling."""
        kind = POLICY_TYPES.get(change.kind.value)
        if kind is None:
            unsupported = f"it has no check for changes of kind {change.kind}"
            return SecondOpinion(checks=(_unavailable("all checks", unsupported),))
        document = change.after.text
        checks = [_check("ValidatePolicy", lambda: self._errors(document, change))]
        if change.kind.value in EXPOSED:
            checks.append(_check("CheckNoPublicAccess", lambda: self._public(document, change)))
        if ceiling is None:
            checks.append(_unavailable("CheckNoNewAccess", "there is no ceiling to hold it to"))
        else:
            checks.append(
                _check("CheckNoNewAccess", lambda: self._new(document, ceiling.text, kind))
            )
        return SecondOpinion(checks=tuple(checks))

    def _errors(self, document: str, change: Change) -> list[str]:
        """The findings of the type ERROR; of a key's policy, no resource type is to be given."""
        pages = self._analyzer.get_paginator("validate_policy")
        kind = POLICY_TYPES[change.kind.value]
        findings = (
            pages.paginate(
                policyDocument=document,
                policyType=kind,
                validatePolicyResourceType="AWS::S3::Bucket",
            )
            if change.kind.value == "bucket_policy"
            else pages.paginate(policyDocument=document, policyType=kind)
        )
        return [
            each["findingDetails"]
            for page in findings
            for each in page["findings"]
            if each["findingType"] == "ERROR"
        ]

    def _public(self, document: str, change: Change) -> list[str]:
        answer = self._analyzer.check_no_public_access(
            policyDocument=document, resourceType=EXPOSED[change.kind.value]
        )
        return _reasons(answer["result"], answer["message"], answer["reasons"])

    def _new(self, document: str, ceiling: str, kind: PolicyType) -> list[str]:
        answer = self._analyzer.check_no_new_access(
            newPolicyDocument=document, existingPolicyDocument=ceiling, policyType=kind
        )
        return _reasons(answer["result"], answer["message"], answer["reasons"])

    @property
    def _analyzer(self) -> "AccessAnalyzerClient":
        client: AccessAnalyzerClient = self.clients.own("accessanalyzer")
        return client


def _check(name: str, ask: Callable[[], list[str]]) -> Check:
    """The check with what it found; whatever kept it from answering is recorded, not raised."""
    try:
        found = ask()
    except ClientError as error:
        return _unavailable(name, f"{code_of(error)}: {error}")
    except BotoCoreError as error:
        return _unavailable(name, f"it could not be reached: {error}")
    if found:
        return Check(name=name, result=CheckResult.FAILED, says="; ".join(found))
    return Check(name=name, result=CheckResult.PASSED)


def _unavailable(name: str, because: str) -> Check:
    return Check(name=name, result=CheckResult.NOT_AVAILABLE, says=because)


def _reasons(result: str, message: str, reasons: "list[ReasonSummaryTypeDef]") -> list[str]:
    if result == "PASS":
        return []
    return [each["description"] for each in reasons if "description" in each] or [message]
