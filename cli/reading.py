"""Reads of a live account, each a part of a snapshot: there, null, or refused and left out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from replimend.gateways.faults import DENIED, MISSING, code_of

type Part = dict[str, Any]
"""A part of a snapshot, as JSON."""

NOT_THERE = MISSING | {"ServerSideEncryptionConfigurationNotFoundError", "TrailNotFoundException"}


@dataclass(frozen=True, slots=True)
class Reading:
    """Puts into a snapshot what AWS answers, and keeps a line for each part it would not give."""

    left_out: list[str] = field(default_factory=list)

    def put(self, into: Part, name: str, at: str, read: Callable[[], object]) -> None:
        """Put the answer under the name; null where AWS says that there is none.

        A part that is refused is left out; any other ClientError is the caller's.
        """
        try:
            into[name] = as_json(read())
        except ClientError as error:
            code = code_of(error)
            if code in NOT_THERE:
                into[name] = None
            elif code in DENIED:
                self.leave_out(at, name, f"{error.operation_name} was refused ({code})")
            else:
                raise

    def leave_out(self, at: str, name: str, why: str) -> None:
        """Note that a part is not in the snapshot."""
        self.left_out.append(f"{f'{at}.{name}' if at else name}: {why}")


def as_json(answer: object) -> Any:  # noqa: ANN401 - JSON, whatever AWS answers
    """AWS's answer without what is about the answer itself; times in ISO 8601."""
    match answer:
        case Mapping():
            return {
                name: as_json(each) for name, each in answer.items() if name != "ResponseMetadata"
            }
        case list() | tuple():
            return [as_json(each) for each in answer]
        case datetime():
            return answer.isoformat()
        case _:
            return answer
