"""AWS calls as the lab passes them on, and answers to them in each protocol's own shape.

Serializing uses moto's side of the botocore service models (moto is pinned, and
tests/integration/lab/test_wire.py holds what is relied on).
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast
from xml.sax.saxutils import escape

from botocore.compat import HTTPHeaders
from botocore.parsers import create_parser
from moto.core.model import OperationModel, ServiceModel, Shape, StructureShape
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.datastructures import Headers

from lab.identities import Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One HTTP request as it arrived: an absolute URL, headers in any case, the whole body."""

    method: str
    url: str
    headers: Headers
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """One HTTP answer; the body is whole."""

    status: int
    headers: Headers
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the status is below 300, 304 (not modified) counting as a failure."""
        return self.status < 300  # noqa: PLR2004 - the definition of the status classes


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCall:
    """One AWS call: names are boto3's, `params` are what the caller gave to the boto3 method.

    `account` owns what the call is about, which for S3, KMS, SQS and SNS may differ from
    `caller.account`; blobs in `params` are bytes.
    """

    service: str
    operation: str
    region: str
    account: str
    caller: Caller
    params: dict[str, Any]
    access_key: str
    protocol: str
    raw: HttpRequest

    @property
    def headers(self) -> Headers:
        """The request's headers."""
        return self.raw.headers


class ApiError(Exception):
    """A refusal that the caller gets to see; `code` is what boto3 shows as `Error.Code`."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def result_response(call: ApiCall, output: Mapping[str, Any]) -> HttpResponse:
    """The success answer that gives a boto3 caller `output`, in the operation's own shape."""
    serializer = get_serializer_class(call.service, call.protocol)
    serialized = serializer(_operation(call.service, call.operation)).serialize(output)
    body = serialized["body"]
    return HttpResponse(
        status=serialized["status_code"],
        headers=Headers(_with_request_id(dict(serialized["headers"]))),
        body=body if isinstance(body, bytes) else body.encode(),
    )


def error_code(call: ApiCall, response: HttpResponse) -> str:
    """The code of a failure as boto3 would show it; without a body, the status."""
    error = result_of(call, response).get("Error", {})
    return str(error.get("Code") or response.status)


def result_of(call: ApiCall, response: HttpResponse) -> dict[str, Any]:
    """What a boto3 caller would get from this answer, streaming bodies as bytes."""
    shape = _operation(call.service, call.operation).output_shape
    parsed: dict[str, Any] = create_parser(call.protocol).parse(
        {
            "headers": HTTPHeaders.from_pairs(list(response.headers.items())),
            "status_code": response.status,
            "body": response.body,
            "context": {"operation_name": call.operation},
        },
        cast("Shape", shape),  # the stubs know no operation without an answer
    )
    if isinstance(shape, StructureShape) and response.is_success:
        payload = shape.serialization.get("payload")
        if payload and shape.members[payload].type_name == "blob":
            parsed[payload] = response.body
    return parsed


def error_response(call: ApiCall, error: ApiError) -> HttpResponse:
    """The failure answer from which boto3 makes a `ClientError` with this code and message."""
    return error_in_protocol(
        error, protocol=call.protocol, service=call.service, method=call.raw.method
    )


def error_in_protocol(error: ApiError, *, protocol: str, service: str, method: str) -> HttpResponse:
    """The same for a request of which no more is known; an empty `service` is any."""
    headers: dict[str, str] = {}
    body = ""
    code, message = escape(error.code), escape(error.message)
    match protocol:
        case "json":
            headers["Content-Type"] = "application/x-amz-json-1.1"
            body = json.dumps({"__type": error.code, "message": error.message})
            if service and service_model(service).is_query_compatible:
                headers["x-amzn-query-error"] = f"{error.code};Sender"
        case "rest-json":
            headers["Content-Type"] = "application/json"
            headers["x-amzn-ErrorType"] = error.code
            body = json.dumps({"message": error.message})
        case "rest-xml" if service != "s3control":
            headers["Content-Type"] = "application/xml"
            body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        case _:
            headers["Content-Type"] = "text/xml"
            body = (
                f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>"
                f"<Message>{message}</Message></Error></ErrorResponse>"
            )
    return HttpResponse(
        status=error.status,
        headers=Headers(_with_request_id(headers)),
        body=b"" if method == "HEAD" else body.encode(),
    )


@cache
def service_model(service: str) -> ServiceModel:
    """The botocore model of this service, with moto's additions; loaded once."""
    return get_service_model(service)


@cache
def _operation(service: str, operation: str) -> OperationModel:
    return cast("OperationModel", service_model(service).operation_model(operation))


def _with_request_id(headers: dict[str, str]) -> dict[str, str]:
    request_id = str(uuid.uuid4())
    return {"x-amzn-RequestId": request_id, "x-amz-request-id": request_id} | headers
