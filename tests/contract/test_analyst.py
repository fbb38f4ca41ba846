"""What Access Analyzer is asked of each kind of change, and what is made of its answers."""

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from replimend.domain.diagnosis.classifier import diagnose
from replimend.domain.facts import NamedPolicy
from replimend.domain.repair.ladder import plan_for
from replimend.domain.repair.plan import Change, Plan
from replimend.domain.repair.second_opinion import CheckResult, ceiling_of
from replimend.gateways.analyst import AccessAnalyzer
from tests.facts import a_role, flagship_facts, healthy_facts, role_policy
from tests.stubs import Asked, StubbedClients

SERVICE = "accessanalyzer"
PASS = {"result": "PASS", "message": "fine", "reasons": []}
FOUND_NOTHING: dict[str, Any] = {"findings": []}


def planned(facts: Any) -> Plan:
    plan = plan_for(diagnose(facts, None), facts)
    assert isinstance(plan, Plan)
    return plan


KEY_PLAN = planned(flagship_facts())
ROLE_PLAN = planned(
    healthy_facts(
        role=a_role(
            identity_policies=(
                NamedPolicy(
                    name="replicate", document=role_policy(without=frozenset({"kms:Encrypt"}))
                ),
            )
        )
    )
)
(KEY_CHANGE,), (ROLE_CHANGE,) = KEY_PLAN.changes, ROLE_PLAN.changes
CEILING = ceiling_of(KEY_CHANGE, KEY_PLAN)
assert CEILING is not None


def finding(kind: str, details: str) -> dict[str, Any]:
    return {
        "findingType": kind,
        "findingDetails": details,
        "issueCode": "CODE",
        "learnMoreLink": "https://docs.aws.amazon.com/",
        "locations": [],
    }


def results(clients: StubbedClients, change: Change = KEY_CHANGE) -> dict[str, tuple[str, str]]:
    opinion = AccessAnalyzer(clients).opinion_on(change, CEILING)
    return {each.name: (each.result.value, each.says) for each in opinion.checks}


def test_a_key_policy_is_put_to_all_three_checks(clients: StubbedClients) -> None:
    document = KEY_CHANGE.after.text
    assert CEILING is not None
    clients.answers(
        SERVICE,
        "validate_policy",
        FOUND_NOTHING,
        policyDocument=document,
        policyType="RESOURCE_POLICY",
    )
    clients.answers(
        SERVICE,
        "check_no_public_access",
        PASS,
        policyDocument=document,
        resourceType="AWS::KMS::Key",
    )
    clients.answers(
        SERVICE,
        "check_no_new_access",
        PASS,
        newPolicyDocument=document,
        existingPolicyDocument=CEILING.text,
        policyType="RESOURCE_POLICY",
    )

    opinion = AccessAnalyzer(clients).opinion_on(KEY_CHANGE, CEILING)

    assert {each.result for each in opinion.checks} == {CheckResult.PASSED}
    assert opinion.objections == ()
    assert set(clients.asked) == {Asked(as_="own", service=SERVICE)}


def test_a_role_policy_is_public_to_nobody_and_put_to_two_checks(clients: StubbedClients) -> None:
    ceiling = ceiling_of(ROLE_CHANGE, ROLE_PLAN)
    assert ceiling is not None
    clients.answers(
        SERVICE,
        "validate_policy",
        FOUND_NOTHING,
        policyDocument=ROLE_CHANGE.after.text,
        policyType="IDENTITY_POLICY",
    )
    clients.answers(
        SERVICE,
        "check_no_new_access",
        PASS,
        newPolicyDocument=ROLE_CHANGE.after.text,
        existingPolicyDocument=ceiling.text,
        policyType="IDENTITY_POLICY",
    )

    opinion = AccessAnalyzer(clients).opinion_on(ROLE_CHANGE, ceiling)

    assert [each.name for each in opinion.checks] == ["ValidatePolicy", "CheckNoNewAccess"]


def test_without_a_ceiling_one_check_is_recorded_as_not_made(clients: StubbedClients) -> None:
    clients.answers(SERVICE, "validate_policy", FOUND_NOTHING)
    clients.answers(SERVICE, "check_no_public_access", PASS)

    opinion = AccessAnalyzer(clients).opinion_on(KEY_CHANGE, None)

    assert [each.result.value for each in opinion.checks] == ["passed", "passed", "not_available"]


def test_errors_and_failures_speak_against_a_change_and_warnings_do_not(
    clients: StubbedClients,
) -> None:
    findings = [
        finding("SECURITY_WARNING", "a warning"),
        finding("ERROR", "an action that does not exist"),
        finding("SUGGESTION", "a suggestion"),
    ]
    clients.answers(SERVICE, "validate_policy", {"findings": findings})
    reasons = [{"description": "public by statement 3", "statementIndex": 3}]
    failed = {"result": "FAIL", "message": "the policy is public", "reasons": reasons}
    clients.answers(SERVICE, "check_no_public_access", failed)
    clients.answers(SERVICE, "check_no_new_access", {**failed, "reasons": []})

    assert results(clients) == {
        "ValidatePolicy": ("failed", "an action that does not exist"),
        "CheckNoPublicAccess": ("failed", "public by statement 3"),
        "CheckNoNewAccess": ("failed", "the policy is public"),
    }


@pytest.mark.parametrize(
    "code",
    [
        "AccessDeniedException",
        "InternalServerException",
        "NotImplemented",
        "ThrottlingException",
        "UnprocessableEntityException",
        "ValidationException",
    ],
)
def test_a_check_that_is_refused_is_recorded_and_the_others_are_made(
    clients: StubbedClients, code: str
) -> None:
    clients.refuses(SERVICE, "validate_policy", code)
    clients.answers(SERVICE, "check_no_public_access", PASS)
    clients.answers(SERVICE, "check_no_new_access", PASS)

    found = results(clients)

    assert found["ValidatePolicy"][0] == "not_available"
    assert code in found["ValidatePolicy"][1]
    assert found["CheckNoPublicAccess"] == found["CheckNoNewAccess"] == ("passed", "")


class Unreachable(StubbedClients):
    """No endpoint answers, as in a private network without a VPC endpoint for the service."""

    def own(self, service: str, region: str | None = None) -> Any:
        raise EndpointConnectionError(endpoint_url=f"https://{service}.{region}")


def test_an_analyzer_out_of_reach_is_recorded() -> None:
    found = results(Unreachable())

    assert {result for result, _ in found.values()} == {"not_available"}
    assert all("could not be reached" in says for _, says in found.values())


class Unheard(str):
    """A kind of change that no check is for."""

    __slots__ = ()
    value = "key_state"


def test_a_kind_without_a_policy_is_not_supported(clients: StubbedClients) -> None:
    kind: Any = Unheard("key_state")

    found = results(clients, replace(KEY_CHANGE, kind=kind))

    assert found == {
        "all checks": ("not_available", "it has no check for changes of kind key_state")
    }
