"""`PutEvents` and `StartReplay`: how callers, and archives, put events on the lab's buses."""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from moto.events.models import events_backends

from lab.clock import Clock
from lab.documents import Fields, Json
from lab.gate import Gate
from lab.routing import Router
from lab.wire import ApiCall, ApiError, HttpResponse, result_response

ENTRIES_AT_MOST = 10
BYTES_AT_MOST = 256 * 1024
INSTANT = "%Y-%m-%dT%H:%M:%SZ"


class PutEvents:
    """The API's way onto the buses; it refuses what EventBridge refuses, entry by entry."""

    def __init__(self, gate: Gate, clock: Clock, router: Router) -> None:
        self._clock = clock
        self._router = router
        gate.override("events", "PutEvents", self._put_events)
        gate.override("events", "StartReplay", self._start_replay)

    def put(
        self, entries: Iterable[Mapping[str, object]], *, account: str, region: str
    ) -> Iterator[Mapping[str, str]]:
        """What `PutEvents` answers for each entry, those that are good being on their way."""
        for entry in entries:
            refusal = _refusal_of(entry)
            if refusal is not None:
                yield refusal
                continue
            event_id = str(uuid.uuid4())
            name = str(entry.get("EventBusName") or "default").rsplit("/", 1)[-1]
            bus_arn = f"arn:aws:events:{region}:{account}:event-bus/{name}"
            if self._router.has(bus_arn):  # EventBridge accepts an entry for no bus, and drops it
                self._router.put(bus_arn, self._event(entry, event_id, account, region))
            yield {"EventId": event_id}

    def _event(
        self, entry: Mapping[str, object], event_id: str, account: str, region: str
    ) -> Fields:
        time = entry.get("Time")
        resources = entry.get("Resources")
        listed: list[Json] = list(resources) if isinstance(resources, list) else []
        moment = time if isinstance(time, datetime) else self._clock.now()
        return {
            "version": "0",
            "id": event_id,
            "detail-type": str(entry["DetailType"]),
            "source": str(entry["Source"]),
            "account": account,
            "time": moment.strftime(INSTANT),
            "region": region,
            "resources": listed,
            "detail": json.loads(str(entry["Detail"])),
        }

    def _put_events(self, call: ApiCall) -> HttpResponse:
        entries = call.params["Entries"]
        if len(entries) > ENTRIES_AT_MOST or len(json.dumps(entries, default=str)) > BYTES_AT_MOST:
            raise ApiError("ValidationException", "Too many entries, or too large, for one call.")
        answers = list(self.put(entries, account=call.account, region=call.region))
        failed = sum("ErrorCode" in answer for answer in answers)
        return result_response(call, {"FailedEntryCount": failed, "Entries": answers})

    def _start_replay(self, call: ApiCall) -> HttpResponse | None:
        name = str(call.params["ReplayName"])
        archive_name = str(call.params["EventSourceArn"]).rsplit("/", 1)[-1]
        archive = events_backends[call.account][call.region].archives.get(archive_name)
        if archive is None:
            return None  # moto says what is wrong
        for event in tuple(archive.events):
            again: Fields = json.loads(json.dumps(event))
            again |= {"id": str(uuid.uuid4()), "replay-name": name}
            self._router.put(archive.source_arn, again)
        arn = f"arn:aws:events:{call.region}:{call.account}:replay/{name}"
        started = {"ReplayArn": arn, "State": "STARTING", "ReplayStartTime": self._clock.now()}
        return result_response(call, started)


def _refusal_of(entry: Mapping[str, object]) -> dict[str, str] | None:
    for name in ("Source", "DetailType", "Detail"):
        if not entry.get(name):
            reason = f"Parameter {name} is not valid. Reason: {name} is a required argument."
            return {"ErrorCode": "InvalidArgument", "ErrorMessage": reason}
    if str(entry["Source"]).startswith("aws."):
        return {
            "ErrorCode": "NotAuthorizedForSourceException",
            "ErrorMessage": "Not authorized for the source.",
        }
    try:
        detail = json.loads(str(entry["Detail"]))
    except ValueError:
        detail = None
    if not isinstance(detail, dict):
        return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    return None
