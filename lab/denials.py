"""Access-denied errors in the words that AWS documents, each in its service's own code.

IAM User Guide, "Troubleshoot access denied error messages". KMS and S3 tell a caller of another
account less.
"""

from lab.demands.model import Demand
from lab.wire import ApiCall, ApiError
from replimend.domain.access import Decision, LayerName, Result

ALLOWING = {
    LayerName.IDENTITY: "identity-based policy",
    LayerName.RESOURCE: "resource-based policy",
    LayerName.BOUNDARY: "permissions boundary",
    LayerName.SESSION: "session policy",
    LayerName.SCP: "service control policy",
    LayerName.RCP: "resource control policy",
    LayerName.VPC_ENDPOINT: "VPC endpoint policy",
    LayerName.GRANT: "resource-based policy",
}
THREE_CAUSES = (
    "the resource does not exist in this Region, no resource-based policies allow access, "
    "or a resource-based policy explicitly denies access"
)
CODES = {"sns": "AuthorizationError"}
BAD_REQUEST, FORBIDDEN = 400, 403


def access_denied(call: ApiCall, demand: Demand, decision: Decision) -> ApiError:
    """The refusal of one demand; it names the layer to look at first, and no other."""
    layer = decision.blocking[0] if decision.blocking else LayerName.IDENTITY
    head = f"User: {call.caller.principal_arn} is not authorized to perform: {demand.action}"
    is_foreign = demand.owner != call.caller.account
    if is_foreign and demand.action.startswith("s3:"):
        return _error(call, "Access Denied")
    if is_foreign and demand.action.startswith("kms:") and layer is LayerName.RESOURCE:
        return _error(call, f"{head} on {_hidden(call, demand)} because {THREE_CAUSES}")
    on = f"on resource: {_shown(demand)}"
    policy = ALLOWING[layer]
    if demand.action.startswith("sts:") and layer is LayerName.RESOURCE:
        policy = "role trust policy"
    if decision.result is Result.EXPLICITLY_DENIED:
        article = "the" if policy == "role trust policy" else _article(policy)
        return _error(call, f"{head} {on} with an explicit deny in {article} {policy}")
    return _error(call, f"{head} {on} because no {policy} allows the {demand.action} action")


def key_out_of_reach(call: ApiCall) -> ApiError:
    """What KMS says to an operation that does not work across accounts."""
    head = f"User: {call.caller.principal_arn} is not authorized to perform: kms:{call.operation}"
    return _error(call, f"{head} on this resource because {THREE_CAUSES}")


def _hidden(call: ApiCall, demand: Demand) -> str:
    """Asked to decrypt with the ciphertext alone, KMS has no key of the caller's to speak of."""
    by_ciphertext = demand.action == "kms:Decrypt" and "KeyId" not in call.params
    return "the resource associated with this ciphertext" if by_ciphertext else "this resource"


def _shown(demand: Demand) -> str:
    """S3 alone puts the ARN between quotation marks."""
    return f'"{demand.resource}"' if demand.action.startswith("s3:") else demand.resource


def _article(policy: str) -> str:
    return "an" if policy[0] in "aeiou" else "a"


def _error(call: ApiCall, message: str) -> ApiError:
    match call.protocol:
        case "json" if call.service != "sqs":
            return ApiError("AccessDeniedException", message, status=BAD_REQUEST)
        case "rest-json":
            return ApiError("AccessDeniedException", message, status=FORBIDDEN)
        case _:
            return ApiError(CODES.get(call.service, "AccessDenied"), message, status=FORBIDDEN)
