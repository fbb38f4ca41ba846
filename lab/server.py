"""The lab over HTTP: for `sam local`, the command and people. Signatures are not verified."""

import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from werkzeug.datastructures import Headers

from lab.gate import Gate
from lab.wire import HttpRequest

ADDRESS_VARIABLE = "LOCAL_AWS_ADDRESS"
LOOPBACK = "127.0.0.1"


def address_from(environment: Mapping[str, str]) -> str:
    """The address to listen on: `LOCAL_AWS_ADDRESS`, so that containers reach it, or loopback."""
    return environment.get(ADDRESS_VARIABLE) or LOOPBACK


@contextmanager
def serve(gate: Gate, host: str, port: int) -> Generator[str]:
    """Serve the gate inside the context and yield the endpoint URL; port 0 takes a free one.

    Connections are kept alive. Nothing listens any more when the context ends.
    """
    server = _Server((host, port), _handler(gate))
    thread = threading.Thread(target=server.serve_forever, name="lab-http", daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


def _handler(gate: Gate) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_ANY(self) -> None:
            request = HttpRequest(
                method=self.command,
                url=f"http://{self.headers.get('Host', LOOPBACK)}{self.path}",
                headers=Headers(self.headers.items()),
                body=self._body(),
            )
            response = gate.handle(request)
            self.send_response_only(response.status)
            length = response.headers.get("Content-Length")
            for name, value in response.headers.items():
                if name.lower() not in {"content-length", "connection", "transfer-encoding"}:
                    self.send_header(name, value)
            if self.command != "HEAD":
                length = str(len(response.body))
            self.send_header("Content-Length", length or "0")
            self.end_headers()
            self.wfile.write(response.body)

        do_DELETE = do_GET = do_HEAD = do_PATCH = do_POST = do_PUT = do_ANY  # noqa: N815

        def _body(self) -> bytes:
            """The whole body: what were left unread would be taken for the next request."""
            if "chunked" in self.headers.get("Transfer-Encoding", ""):
                return b"".join(iter(self._chunk, b""))
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def _chunk(self) -> bytes:
            size = int(self.rfile.readline().split(b";")[0], 16)
            chunk = self.rfile.read(size)
            self.rfile.readline()
            return chunk

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's
            """Stay silent: `Gate.calls` is the record."""

    return Handler
