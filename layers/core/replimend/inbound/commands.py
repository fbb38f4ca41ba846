"""What a person invokes a function with, to a command."""

from collections.abc import Callable

from replimend.domain.commands import (
    AdoptChange,
    ApprovePlan,
    Command,
    PauseRepairs,
    RecopyObject,
    RejectPlan,
    RepairCommand,
    ResumeRepairs,
    RollBackChange,
)
from replimend.errors import MalformedEventError
from replimend.inbound.fields import (
    JsonObject,
    bucket_name,
    object_key,
    only,
    optional_text,
    text,
    wrong,
)


def command_of(payload: object) -> Command:
    """The command that a direct payload spells, or MalformedEventError with the field's name.

    A field that the action does not have is an error: whoever misspells one means something else.
    """
    if not isinstance(payload, dict):
        raise wrong(payload, "an object with an action", "")
    action = text(payload, "action", "")
    if action not in _ACTIONS:
        raise MalformedEventError("action", f"expected one of {', '.join(_ACTIONS)}")
    allowed, parse = _ACTIONS[action]
    only(payload, allowed | {"action"}, "")
    return parse(payload)


def _approve(payload: JsonObject) -> ApprovePlan:
    return ApprovePlan(
        incident_id=text(payload, "incidentId", ""),
        plan_hash=text(payload, "planHash", ""),
        by=text(payload, "by", ""),
    )


def _reject(payload: JsonObject) -> RejectPlan:
    return RejectPlan(
        incident_id=text(payload, "incidentId", ""),
        by=text(payload, "by", ""),
        reason=optional_text(payload, "reason", ""),
    )


def _roll_back(payload: JsonObject) -> RollBackChange:
    return RollBackChange(change_id=text(payload, "changeId", ""), by=text(payload, "by", ""))


def _adopt(payload: JsonObject) -> AdoptChange:
    return AdoptChange(change_id=text(payload, "changeId", ""), by=text(payload, "by", ""))


def _pause(payload: JsonObject) -> PauseRepairs:
    return PauseRepairs(by=text(payload, "by", ""))


def _resume(payload: JsonObject) -> ResumeRepairs:
    return ResumeRepairs(by=text(payload, "by", ""))


def _recopy(payload: JsonObject) -> RecopyObject:
    return RecopyObject(
        bucket=bucket_name(payload, "bucket", ""),
        key=object_key(payload, "key", ""),
        version_id=text(payload, "versionId", ""),
    )


_ACTIONS: dict[str, tuple[frozenset[str], Callable[[JsonObject], Command]]] = {
    "approve": (frozenset({"incidentId", "planHash", "by"}), _approve),
    "reject": (frozenset({"incidentId", "by", "reason"}), _reject),
    "roll_back": (frozenset({"changeId", "by"}), _roll_back),
    "adopt": (frozenset({"changeId", "by"}), _adopt),
    "pause": (frozenset({"by"}), _pause),
    "resume": (frozenset({"by"}), _resume),
    "recopy": (frozenset({"bucket", "key", "versionId"}), _recopy),
}
"""Each action with its fields and its reader."""


def repair_command_of(payload: object) -> RepairCommand:
    """The command for the repair function, or MalformedEventError if it is another's."""
    command = command_of(payload)
    if isinstance(command, RecopyObject):
        raise MalformedEventError("action", "recopy is for the recopy function")
    return command


def recopy_command_of(payload: object) -> RecopyObject:
    """The command for the recopy function, or MalformedEventError if it is another's."""
    command = command_of(payload)
    if not isinstance(command, RecopyObject):
        raise MalformedEventError("action", "expected recopy: the others are for repair")
    return command
