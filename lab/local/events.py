"""Event files: which function takes one, where the lab must stand for it, and its times."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from lab.documents import Json
from lab.errors import LabError
from lab.local.moments import Moment

CONSUMERS = {
    "SignalQueue": ("TriageFunction", Moment.FAILED),
    "RepairQueue": ("RepairFunction", Moment.AWAITING_APPROVAL),
    "RecopyQueue": ("RecopyFunction", Moment.REPAIRED),
}
KMS = "aws.kms"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z")
MILLISECONDS = re.compile(r'(?<=")\d{13}(?=")')  # of SQS's time stamps


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalEvent:
    """An event file, the logical id of the function that takes it, and the moment it is about."""

    path: Path
    text: str
    function: str
    moment: Moment
    version: tuple[str, str] | None
    """Key and version id of the source bucket's object that a person names in it."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """The event in that file; `LabError`, with the path, if no function takes it."""
        try:
            text = path.read_text(encoding="utf-8")
            event: Json = json.loads(text)
            function, moment = _addressee(event)
        except OSError as error:
            raise LabError(f"{path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise LabError(f"{path}: is not UTF-8 text") from error
        except json.JSONDecodeError as error:
            raise LabError(f"{path}: is not JSON: {error}") from error
        except LabError as error:
            raise LabError(f"{path}: {error}") from error
        return cls(path=path, text=text, function=function, moment=moment, version=_version(event))

    def age(self, now: datetime) -> timedelta | None:
        """How long ago its newest time is; None for an event without times."""
        times = [datetime.fromisoformat(each) for each in TIME.findall(self.text)]
        return now - max(times) if times else None

    def moved(self, by: timedelta) -> str:
        """The event with all its times later by so much, in the form in which they stand."""

        def later(found: re.Match[str]) -> str:
            _, point, fraction = found[0].removesuffix("Z").partition(".")
            time = (datetime.fromisoformat(found[0]) + by).astimezone(UTC)
            return f"{time:%Y-%m-%dT%H:%M:%S}{point}{f'{time:%f}'[: len(fraction)]}Z"

        text = TIME.sub(later, self.text)
        milliseconds = by // timedelta(milliseconds=1)
        return MILLISECONDS.sub(lambda found: str(int(found[0]) + milliseconds), text)


def _addressee(event: Json) -> tuple[str, Moment]:
    match event:
        case {"Records": [{"eventSourceARN": str(queue_arn)}, *_] as records}:
            return _consumer(queue_arn, records)
        case {"action": "recopy"}:
            return "RecopyFunction", Moment.REPAIRED
        case {"action": "roll_back"}:
            return "RepairFunction", Moment.RESOLVED
        case {"action": str()}:
            return "RepairFunction", Moment.AWAITING_APPROVAL
        case {"bucket": str()}:
            return "TriageFunction", Moment.PROVEN
        case _:
            raise LabError("is neither a queue's delivery, nor an action, nor about an object")


def _version(event: Json) -> tuple[str, str] | None:
    match event:
        case {"key": str(key), "versionId": str(version_id)}:
            return key, version_id
        case _:
            return None


def _consumer(queue_arn: str, records: list[Json]) -> tuple[str, Moment]:
    name = queue_arn.rpartition(":")[2]
    consumer = next((each for queue, each in CONSUMERS.items() if queue in name.split("-")), None)
    if consumer is None:
        raise LabError(f"no function takes messages of {name}")
    function, moment = consumer
    # A denial is evidence: it needs an incident that still lacks it.
    if moment is Moment.FAILED and any(map(_is_denial, records)):
        return function, Moment.UNPROVEN
    return function, moment


def _is_denial(record: Json) -> bool:
    body = record.get("body") if isinstance(record, dict) else None
    try:
        message = json.loads(str(body))
    except json.JSONDecodeError:
        return False
    return isinstance(message, dict) and message.get("source") == KMS
