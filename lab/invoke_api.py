"""The `Invoke` operation of Lambda: how callers run the lab's functions."""

import json
from base64 import b64encode
from dataclasses import replace

from lab.functions import Functions
from lab.gate import Gate
from lab.invocations import Invocation
from lab.wire import ApiCall, ApiError, HttpResponse, result_response

LOG_TAIL_BYTES = 4096
ACCEPTED, NO_CONTENT = 202, 204


class InvokeApi:
    """Answers `Invoke` for the lab's functions."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    def install(self, gate: Gate) -> None:
        """Take `Invoke` over from moto."""
        gate.override("lambda", "Invoke", self._invoke)

    def _invoke(self, call: ApiCall) -> HttpResponse:
        arn = _function_arn(call)
        if not self._functions.has(arn):
            raise ApiError("ResourceNotFoundException", f"Function not found: {arn}", status=404)
        try:
            event = json.loads(call.params.get("Payload") or b"{}")
        except ValueError as error:
            message = f"Could not parse request body into json: {error}"
            raise ApiError("InvalidRequestContentException", message) from error
        match call.params.get("InvocationType", "RequestResponse"):
            case "DryRun":
                return replace(result_response(call, {}), status=NO_CONTENT)
            case "Event":
                self._functions.invoke_later(arn, event)
                return replace(result_response(call, {"Payload": b""}), status=ACCEPTED)
            case _:
                return result_response(call, _answer(call, self._functions.invoke(arn, event)))


def _answer(call: ApiCall, invocation: Invocation) -> dict[str, object]:
    answer: dict[str, object] = {
        "ExecutedVersion": "$LATEST",
        "Payload": json.dumps(invocation.payload).encode(),
    }
    if invocation.error is not None:
        answer["FunctionError"] = "Unhandled"
    if call.params.get("LogType") == "Tail":
        tail = "\n".join(invocation.printed).encode()[-LOG_TAIL_BYTES:]
        answer["LogResult"] = b64encode(tail).decode()
    return answer


def _function_arn(call: ApiCall) -> str:
    name = str(call.params["FunctionName"])
    if name.startswith("arn:"):
        return name.removesuffix(":$LATEST")
    return f"arn:aws:lambda:{call.region}:{call.account}:function:{name.rsplit(':', 1)[-1]}"
