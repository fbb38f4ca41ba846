"""What `make local` does before a container is needed."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import UnixStreamServer

import pytest

from lab.build import find_build
from lab.errors import LabError
from lab.local.engine import find_engine
from lab.local.events import LocalEvent
from lab.local.ledger import LedgerTable
from lab.local.moments import Moment, bring, lab_for
from tests.builders import CHANGE_ID, INCIDENT_ID, OBJECT_KEY, PLAN_HASH, VERSION_ID

EVENTS = Path(__file__).parents[3] / "events"


@pytest.mark.parametrize(
    ("name", "function", "moment"),
    [
        ("approve", "RepairFunction", Moment.AWAITING_APPROVAL),
        ("direct-object", "TriageFunction", Moment.PROVEN),
        ("kms-encrypt-denied", "TriageFunction", Moment.UNPROVEN),
        ("malformed", "TriageFunction", Moment.FAILED),
        ("recopy-object", "RecopyFunction", Moment.REPAIRED),
        ("roll-back", "RepairFunction", Moment.RESOLVED),
        ("s3-replication-failed-dst-put-not-permitted", "TriageFunction", Moment.FAILED),
        ("s3-test-event", "TriageFunction", Moment.FAILED),
    ],
)
def test_an_event_says_which_function_takes_it_and_when(
    name: str, function: str, moment: Moment
) -> None:
    event = LocalEvent.load(EVENTS / f"{name}.json")

    assert (event.function, event.moment) == (function, moment)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("no", "is not JSON"),
        ("{}", "is neither a queue's delivery"),
        ("[1]", "is neither a queue's delivery"),
        (
            '{"Records": [{"eventSourceARN": "arn:aws:sqs:eu-west-1:111111111111:other"}]}',
            "no function takes messages of other",
        ),
    ],
)
def test_a_file_that_no_function_takes_is_named(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "event.json"
    path.write_text(text)

    with pytest.raises(LabError, match=f"{path}: .*{problem}"):
        LocalEvent.load(path)


def test_an_events_times_move_together_and_keep_their_form(tmp_path: Path) -> None:
    path = tmp_path / "event.json"
    path.write_text(
        '{"bucket": "2026-01-15T10:00:00Z 2026-01-15T10:00:32.527Z", "sent": "1768471233000"}'
    )
    event = LocalEvent.load(path)

    age = event.age(datetime(2026, 1, 16, 10, 0, 32, 527_000, UTC))

    assert age == timedelta(days=1)
    assert json.loads(event.moved(age)) == {
        "bucket": "2026-01-16T10:00:00Z 2026-01-16T10:00:32.527Z",
        "sent": "1768557633000",
    }


def test_what_the_events_name_is_in_the_flagship() -> None:
    with lab_for(Moment.RESOLVED, find_build()) as lab:
        bring(lab, Moment.RESOLVED)
        versions = {(each.key, each.version_id) for each in lab.versions}
        table = LedgerTable.of(lab)

    (incident,) = table.incidents
    assert (OBJECT_KEY, VERSION_ID) in versions
    assert (incident["incident_id"], incident["plan_hash"]) == (INCIDENT_ID, PLAN_HASH)
    assert (f"CHANGE#{CHANGE_ID}", "CHANGE") in table.items


class _Engine(BaseHTTPRequestHandler):
    """As much of an engine as says where it is."""

    answers = {  # noqa: RUF012 - never changed
        "/_ping": "OK",
        "/networks/bridge": '{"IPAM": {"Config": [{"Gateway": "::1"}, {"Gateway": "1.2.3.4"}]}}',
    }

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.answers[self.path].encode())

    def address_string(self) -> str:
        return "a socket"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's
        """Say nothing."""


@pytest.fixture
def engine_host(tmp_path: Path) -> Iterator[str]:
    with UnixStreamServer(str(tmp_path / "engine.sock"), _Engine) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"unix://{server.server_address}"
        server.shutdown()
        thread.join()


def test_containers_find_this_machine_at_the_gateway_of_their_bridge(engine_host: str) -> None:
    engine = find_engine({"DOCKER_HOST": engine_host})

    assert (engine.host, engine.address) == (engine_host, "1.2.3.4")


def test_an_address_that_is_given_counts_first(engine_host: str) -> None:
    engine = find_engine({"DOCKER_HOST": engine_host, "LOCAL_AWS_ADDRESS": "10.0.0.9"})

    assert engine.address == "10.0.0.9"


@pytest.mark.parametrize(
    ("host", "problem"),
    [
        ("unix:///nowhere/engine.sock", "no container engine answers at unix:///nowhere/engine"),
        ("tcp://127.0.0.1:1", "no container engine answers at tcp://127.0.0.1:1: "),
        ("ssh://somewhere", "DOCKER_HOST is ssh://somewhere, not unix://PATH or tcp://HOST:PORT"),
    ],
)
def test_an_engine_that_cannot_be_reached_is_named(host: str, problem: str) -> None:
    with pytest.raises(LabError, match=problem):
        find_engine({"DOCKER_HOST": host})
