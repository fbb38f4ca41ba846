"""STS as the lab answers it: sessions of roles of any account, and who the caller is."""

from datetime import timedelta
from typing import TYPE_CHECKING

from lab import moto_world
from lab.wire import ApiCall, ApiError, HttpResponse, result_response

if TYPE_CHECKING:
    from lab.gate import Gate

SHORTEST_SESSION = 900
DEFAULT_SESSION = 3600


def assume_role(gate: "Gate", call: ApiCall) -> HttpResponse:
    """A new session of the role; the gate has already asked both sides' policies."""
    role_arn = call.params["RoleArn"]
    if moto_world.role_of(role_arn) is None:
        who = f"User: {call.caller.principal_arn} is not authorized to perform: sts:AssumeRole"
        raise ApiError("AccessDenied", f"{who} on resource: {role_arn}", status=403)
    duration = int(call.params.get("DurationSeconds", DEFAULT_SESSION))
    if duration < SHORTEST_SESSION:
        raise ApiError("ValidationError", "DurationSeconds must be at least 900")
    if "PolicyArns" in call.params:
        raise ApiError(
            "ValidationError", "the lab knows session policies as Policy, not PolicyArns"
        )
    credentials = gate.session_credentials(
        role_arn,
        call.params["RoleSessionName"],
        session_policy=call.params.get("Policy"),
        duration=timedelta(seconds=duration),
    )
    return result_response(
        call,
        {
            "Credentials": {
                "AccessKeyId": credentials.access_key_id,
                "SecretAccessKey": credentials.secret_access_key,
                "SessionToken": credentials.session_token,
                "Expiration": credentials.expiration,
            },
            "AssumedRoleUser": {
                "AssumedRoleId": credentials.caller.user_id,
                "Arn": credentials.caller.principal_arn,
            },
        },
    )


def get_caller_identity(call: ApiCall) -> HttpResponse:
    """The caller's account, ARN and unique id."""
    return result_response(
        call,
        {
            "Account": call.caller.account,
            "Arn": call.caller.principal_arn,
            "UserId": call.caller.user_id,
        },
    )
