"""HTTP requests read as AWS calls: who calls, which operation of which service, with what.

Routing and parsing use moto's server side of the botocore service models (moto is pinned, and
tests/integration/lab/test_wire.py holds what is relied on).
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import UnknownServiceError
from moto.core.parse import PROTOCOL_PARSERS, RequestParserError
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from werkzeug.exceptions import NotFound

from lab.identities import Caller
from lab.streaming import without_chunks
from lab.wire import (
    ApiCall,
    ApiError,
    HttpRequest,
    HttpResponse,
    error_in_protocol,
    service_model,
)

CREDENTIAL = re.compile(
    r"(?P<key>[^/,=\s]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request"
)
BOTO3_NAME_OF_SIGNING_NAME = {"access-analyzer": "accessanalyzer", "monitoring": "cloudwatch"}
UNKNOWN_KEY_CODES = {
    "iam": "InvalidClientTokenId",
    "s3": "InvalidAccessKeyId",
    "sns": "InvalidClientTokenId",
    "sts": "InvalidClientTokenId",
}
AUTHENTICATION_CODES = frozenset(
    {"MissingAuthenticationToken", "UnrecognizedClientException", *UNKNOWN_KEY_CODES.values()}
)
LOCALHOST = ".localhost"
BAD_REQUEST, FORBIDDEN = 400, 403


class UnreadableRequestError(Exception):
    """A request that cannot be understood so far as to be an `ApiCall`; carries its answer."""

    def __init__(self, answer: HttpResponse, code: str) -> None:
        super().__init__(code)
        self.answer = answer
        self.code = code


def read_call(request: HttpRequest, caller_of: Callable[[str], Caller | None]) -> ApiCall:
    """The call that this request makes; raises `UnreadableRequestError` where there is none.

    Signatures are not verified: the access key alone says who calls.
    """
    credential = CREDENTIAL.search(request.headers.get("Authorization", ""))
    if credential is None:
        raise _unreadable(request, "MissingAuthenticationToken", "Missing Authentication Token")
    caller = caller_of(credential["key"])
    if caller is None:
        code = UNKNOWN_KEY_CODES.get(credential["service"], "UnrecognizedClientException")
        raise _unreadable(request, code, "The security token included in the request is invalid.")
    region = credential["region"]
    service = _boto3_name(credential["service"], request)
    plain = without_chunks(request.headers, request.body)
    url = _amazon_url(request, service, region)
    plain_request = HttpRequest(
        method=request.method, url=url, headers=plain.headers, body=plain.body
    )
    operation, protocol, params = _parsed(plain_request, service)
    return ApiCall(
        service=service,
        operation=operation,
        region=region,
        account=caller.account,
        caller=caller,
        params=params,
        access_key=credential["key"],
        protocol=protocol,
        raw=plain_request,
    )


def _boto3_name(signing_name: str, request: HttpRequest) -> str:
    parts = urlsplit(request.url)
    is_control = "X-Amz-Account-Id" in request.headers or ".s3-control." in parts.netloc
    if signing_name == "s3" and is_control and parts.path.startswith("/v20180820/"):
        return "s3control"
    return BOTO3_NAME_OF_SIGNING_NAME.get(signing_name, signing_name)


def _amazon_url(request: HttpRequest, service: str, region: str) -> str:
    """The URL that the request would have without an endpoint of the caller's own."""
    parts = urlsplit(request.url)
    host = parts.hostname or ""
    if host.endswith(".amazonaws.com") or not _is_known(service):
        return request.url
    path = parts.path or "/"
    if service == "s3" and host.endswith(LOCALHOST):
        path = f"/{host.removesuffix(LOCALHOST)}{path}"
    query = f"?{parts.query}" if parts.query else ""
    account = f"{request.headers.get('X-Amz-Account-Id')}." if service == "s3control" else ""
    endpoint = service_model(service).endpoint_prefix
    return f"https://{account}{endpoint}.{region}.amazonaws.com{path}{query}"


def _parsed(request: HttpRequest, service: str) -> tuple[str, str, dict[str, Any]]:
    if not _is_known(service):
        raise _unreadable(request, "UnknownService", f"the lab knows no service {service!r}")
    model = service_model(service)
    incoming = Request.from_primitives(request.method, request.url, request.headers, request.body)
    try:
        protocol = determine_request_protocol(model, incoming.content_type)
        operation, uri_params = get_service_router(service).match(incoming)
        params = PROTOCOL_PARSERS[protocol](operation).parse(
            {
                "method": incoming.method,
                "values": incoming.values,
                "headers": incoming.headers,
                "body": incoming.data,
                "url_path": incoming.path,
                "url_params": uri_params,
            }
        )
    except (NotFound, NotImplementedError):
        message = f"{request.method} {request.url} is no operation of {service} that the lab knows"
        raise _unreadable(request, "UnknownOperationException", message) from None
    except (RequestParserError, ValueError) as error:
        raise _unreadable(request, "SerializationException", str(error)) from error
    return str(operation.name), protocol, params


@cache
def _is_known(service: str) -> bool:
    try:
        service_model(service)
    except UnknownServiceError:
        return False
    return True


def _unreadable(request: HttpRequest, code: str, message: str) -> UnreadableRequestError:
    content_type = request.headers.get("Content-Type", "")
    if "X-Amz-Target" in request.headers:
        protocol = "json"
    elif "form-urlencoded" in content_type:
        protocol = "query"
    else:
        protocol = "rest-xml"
    status = FORBIDDEN if code in AUTHENTICATION_CODES else BAD_REQUEST
    error = ApiError(code, message, status=status)
    answer = error_in_protocol(error, protocol=protocol, service="", method=request.method)
    return UnreadableRequestError(answer, code)
