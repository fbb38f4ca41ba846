"""The gate of a lab with functions: whoever invokes one waits for the one that runs.

A running function calls AWS, through the gate. So a caller must not hold the gate while waiting for
the function to end, or both would wait for ever.
"""

import re
from urllib.parse import urlsplit

from lab.function_process import one_at_a_time
from lab.gate import Gate
from lab.wire import HttpRequest, HttpResponse

INVOCATION = re.compile(r"/2015-03-31/functions/[^/]+/invocations")


class FunctionGate(Gate):
    """A gate behind which functions run in the caller's thread or on the clock's."""

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one AWS request; whatever the caller did wrong is an answer too."""
        if INVOCATION.match(urlsplit(request.url).path) is None:
            return super().handle(request)
        with one_at_a_time:
            return super().handle(request)
