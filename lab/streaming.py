"""The `aws-chunked` upload encoding, undone: S3 clients wrap a body in it to append a checksum."""

from typing import NamedTuple

from werkzeug.datastructures import Headers

ENCODING = "aws-chunked"
GONE_WITH_THE_CHUNKS = ("X-Amz-Trailer", "X-Amz-Decoded-Content-Length", "Transfer-Encoding")


class Upload(NamedTuple):
    """A request's headers and body with nothing left to decode."""

    headers: Headers
    body: bytes


def without_chunks(headers: Headers, body: bytes) -> Upload:
    """The same upload in plain form: trailing checksums become headers; others pass untouched."""
    encodings = [e.strip() for e in headers.get("Content-Encoding", "").split(",") if e.strip()]
    streamed = headers.get("X-Amz-Content-Sha256", "").startswith("STREAMING-")
    if ENCODING not in encodings and not streamed:
        return Upload(headers, body)
    content, trailers = _decoded(body)
    plain = Headers(headers)
    for name in GONE_WITH_THE_CHUNKS:
        plain.remove(name)
    for name, value in trailers:
        plain[name] = value
    kept = [encoding for encoding in encodings if encoding != ENCODING]
    plain.remove("Content-Encoding")
    if kept:
        plain["Content-Encoding"] = ",".join(kept)
    plain["X-Amz-Content-Sha256"] = "UNSIGNED-PAYLOAD"
    plain["Content-Length"] = str(len(content))
    return Upload(plain, content)


def _decoded(body: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    content = bytearray()
    position = 0
    while True:
        end = body.index(b"\r\n", position)
        size = int(body[position:end].split(b";")[0], 16)
        position = end + 2
        if size == 0:
            break
        content += body[position : position + size]
        position += size + 2
    trailers = [
        (name.strip(), value.strip())
        for name, separator, value in (
            line.partition(":") for line in body[position:].decode("ascii").split("\r\n")
        )
        if separator and not name.startswith("x-amz-trailer-signature")
    ]
    return bytes(content), trailers
