"""Whether a caller may make a call, by every policy layer in force, and the error if not.

The decision is `replimend.domain.access`: the evaluator that 500 cases of two other engines hold to
IAM's documented logic. What a call demands, and which policies apply, is the lab's own.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

from lab import moto_world
from lab.demands import demands_of, kms, s3
from lab.demands.model import ANY, Demand
from lab.denials import access_denied, key_out_of_reach
from lab.identities import Caller, CallerKind
from lab.policies import PoliciesInForce
from lab.wire import ApiCall, ApiError, HttpResponse
from replimend.domain.access import Decision, Grant, Layers, Policy, Request, Result, evaluate

NOT_FOUND = 404
EXPIRED = {"query": "ExpiredToken", "rest-xml": "ExpiredToken"}
EXPECTED_OWNERS = ("ExpectedBucketOwner", "ExpectedSourceBucketOwner")


class Authorizer:
    """Asks the policies in force about a call; administrators are never refused by a policy."""

    def __init__(self, policies: Callable[[], PoliciesInForce]) -> None:
        self._policies = policies

    def objection_to(self, call: ApiCall) -> ApiError | None:
        """Why AWS would refuse the call before looking at it, else None."""
        if call.caller.has_expired:
            code = EXPIRED.get(call.protocol, "ExpiredTokenException")
            return ApiError(code, "The security token included in the request is expired")
        for each in EXPECTED_OWNERS:
            if not _owner_is_as_expected(call, each):
                return ApiError("AccessDenied", "Access Denied", status=403)
        if call.service == "kms" and kms.is_out_of_reach(call):
            return key_out_of_reach(call)
        if call.service == "s3control" and call.params.get("AccountId") != call.caller.account:
            return ApiError("AccessDenied", "Access Denied", status=403)
        if call.caller.kind is not CallerKind.ROLE_SESSION:
            return None
        demands = demands_of(call)
        if demands is None:
            return _without_rule(call)
        return next((error for error in (self._refusal(call, d) for d in demands) if error), None)

    def objection_after(self, call: ApiCall, response: HttpResponse) -> ApiError | None:
        """S3 says that an object is missing only to those who may list the bucket; else None."""
        hidden = call.service == "s3" and call.operation in {"GetObject", "HeadObject"}
        if not hidden or response.status != NOT_FOUND:
            return None
        if call.caller.kind is not CallerKind.ROLE_SESSION:
            return None
        return self._refusal(call, s3.list_bucket(call))

    def decide(self, caller: Caller, demand: Demand, region: str) -> Decision:
        """What the policies say of one action by a role session, layer by layer."""
        policies = self._policies()
        role = policies.of_role(caller.role_arn)
        resource_policy = _policy_on_resource(demand, policies)
        is_key = demand.resource.startswith("arn:aws:kms:")
        return evaluate(
            Request(
                principal=caller.principal_arn,
                principal_account=caller.account,
                action=demand.action,
                resource=demand.resource,
                resource_account=demand.owner,
                context={**_global_context(caller, region), **demand.context},
                role_arn=caller.role_arn,
            ),
            Layers(
                identity=tuple(_policy(text) for text in role.identity),
                resource=_policy(resource_policy) if resource_policy else None,
                boundary=(_policy(role.boundary),) if role.boundary else None,
                session=(_policy(caller.session_policy),) if caller.session_policy else None,
                grants=tuple(map(Grant.parse, policies.grants_on(demand.resource)))
                if is_key
                else (),
            ),
        )

    def _refusal(self, call: ApiCall, demand: Demand) -> ApiError | None:
        decision = self.decide(call.caller, demand, call.region)
        if decision.result is Result.ALLOWED:
            return None
        return access_denied(call, demand, decision)


def _policy_on_resource(demand: Demand, policies: PoliciesInForce) -> str | None:
    # A role's trust policy has no say in IAM's own actions on the role.
    if demand.resource == ANY or demand.action.startswith("iam:"):
        return None
    return policies.of_resource(demand.resource)


def _owner_is_as_expected(call: ApiCall, parameter: str) -> bool:
    expected = call.params.get(parameter)
    if expected is None or call.service != "s3":
        return True
    is_source = parameter == "ExpectedSourceBucketOwner"
    bucket = s3.copy_source(call)[0] if is_source else call.params["Bucket"]
    owner = moto_world.bucket_owner(bucket)
    return owner is None or owner == expected


def _without_rule(call: ApiCall) -> ApiError:
    return ApiError(
        "AccessDenied",
        f"the lab has no authorization rule for {call.service}:{call.operation}, so it refuses it "
        f"to {call.caller.principal_arn}; add the rule to lab/demands",
        status=403,
    )


def _global_context(caller: Caller, region: str) -> dict[str, str]:
    return {
        "aws:CurrentTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(int(datetime.now(UTC).timestamp())),
        "aws:PrincipalAccount": caller.account,
        "aws:PrincipalArn": caller.role_arn,
        "aws:PrincipalIsAWSService": "false",
        "aws:PrincipalType": "AssumedRole",
        "aws:RequestedRegion": region,
        "aws:SecureTransport": "true",
        "aws:ViaAWSService": "false",
        "aws:userid": caller.user_id,
    }


@lru_cache(maxsize=4096)
def _policy(text: str) -> Policy:
    return Policy.parse(text, name="policy")
