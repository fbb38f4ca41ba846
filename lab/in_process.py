"""The way from boto3 clients of this process into the lab: where they would open a connection."""

import io
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.httpsession import URLLib3Session
from werkzeug.datastructures import Headers

from lab.errors import LabError
from lab.wire import HttpRequest, HttpResponse

AWS_HOST = ".amazonaws.com"


class _RawBody(io.BytesIO):
    """A body as urllib3 would give it: botocore streams it."""

    def stream(self, **_: object) -> Generator[bytes]:
        """The whole body at once."""
        yield self.read()


@contextmanager
def aws_is(answer: Callable[[HttpRequest], HttpResponse]) -> Generator[None]:
    """Inside the context every request of any botocore client to an AWS host gets this answer.

    It takes the place of sending, so `before-send` handlers still come first, clients made before
    the context are caught too, and requests to other hosts (the lab's own HTTP address) are sent.
    """
    send = URLLib3Session.send

    def sent(session: URLLib3Session, request: AWSPreparedRequest) -> Any:  # noqa: ANN401 - botocore's own
        if not (urlsplit(request.url).hostname or "").endswith(AWS_HOST):
            return send(session, request)
        return _botocore_response(request, answer(http_request(request)))

    if URLLib3Session.send.__module__ == __name__:
        raise LabError("a lab is already open in this process; close it first")
    with patch.object(URLLib3Session, "send", sent):
        yield


def http_request(request: AWSPreparedRequest) -> HttpRequest:
    """The request that botocore is about to send, its body read."""
    # The stubs say str; signing leaves some values as bytes.
    pairs: list[tuple[str, str | bytes]] = list(request.headers.items())
    return HttpRequest(
        method=request.method,
        url=request.url,
        headers=Headers(
            (name, value.decode() if isinstance(value, bytes) else str(value))
            for name, value in pairs
        ),
        body=_whole(request.body),
    )


def _whole(body: Any) -> bytes:  # noqa: ANN401 - botocore takes text, bytes or anything with read()
    match body:
        case None:
            return b""
        case str():
            return body.encode()
        case bytes() | bytearray():
            return bytes(body)
        case _:
            return bytes(body.read())


def _botocore_response(request: AWSPreparedRequest, response: HttpResponse) -> AWSResponse:
    headers = HTTPHeaders.from_pairs(list(response.headers.items()))
    answer = AWSResponse(request.url, response.status, headers, _RawBody(response.body))
    if not request.stream_output:
        _ = answer.content  # as botocore's own session does: nothing is left to read later
    return answer
