"""What a person commands: each is one payload to one function, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from cli.arguments import ObjectUrl
from cli.errors import Exit
from cli.layout import unbroken
from cli.output import Output
from cli.stack import Stack
from replimend.domain.recopy.comparison import Verification

NOTHING_LEFT = frozenset({Verification.REPLICATED, Verification.GONE})
"""The outcomes of a re-copied object after which there is nothing left to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """Each gives the exit status: 0 if it was done, 3 if the function would not do it (yet).

    What names nothing in the ledger is bad input.
    """

    stack: Stack
    output: Output

    def approve(self, incident_id: str, plan_hash: str) -> int:
        """Have exactly this plan applied."""
        answer = self._obey(
            {"action": "approve", "incidentId": incident_id, "planHash": plan_hash},
            names="INCIDENT_ID",
        )
        return self._incident_told(answer)

    def reject(self, incident_id: str, reason: str | None) -> int:
        """Have the incident's plan dropped."""
        because = {} if reason is None else {"reason": reason}
        answer = self._obey(
            {"action": "reject", "incidentId": incident_id, **because}, names="INCIDENT_ID"
        )
        return self._incident_told(answer)

    def roll_back(self, change_id: str) -> int:
        """Have one change undone."""
        answer = self._obey({"action": "roll_back", "changeId": change_id}, names="CHANGE_ID")
        done = answer["rolledBack"]
        became = "is rolled back" if done else "is not rolled back"
        return self._told(answer, f"change {change_id} {became}: {answer['says']}", done=done)

    def adopted(self, change_id: str) -> int:
        """Have nobody reminded of one change any more."""
        answer = self._obey({"action": "adopt", "changeId": change_id}, names="CHANGE_ID")
        return self._told(answer, f"change {change_id} counts as adopted", done=True)

    def pause(self) -> int:
        """Have no more changes made."""
        answer = self._obey({"action": "pause"})
        return self._told(answer, f"changes are paused by {answer['by']}", done=True)

    def resume(self) -> int:
        """Have changes made again."""
        answer = self._obey({"action": "resume"})
        return self._told(answer, f"changes are allowed again by {answer['by']}", done=True)

    def recopy(self, url: ObjectUrl, version_id: str) -> int:
        """Have one object version brought over."""
        where = {"bucket": url.bucket, "key": url.key, "versionId": version_id}
        with self.output.waiting("recopy is asked"):
            answer = self.stack.ask(self.stack.recopy, {"action": "recopy", **where})
        done = answer["outcome"] in NOTHING_LEFT
        return self._told(answer, f"{answer['outcome']}: {answer['says']}", done=done)

    def _obey(self, command: Mapping[str, str], *, names: str = "") -> Mapping[str, Any]:
        """The repair function's answer; `names` is the argument that might name nothing."""
        with self.output.waiting("repair is asked"):
            by = self.stack.caller()
            answer = self.stack.ask(self.stack.repair, {**command, "by": by})
        if answer.keys() == {"error"}:
            raise click.BadParameter(answer["error"], param_hint=f"'{names}'")
        return answer

    def _incident_told(self, answer: Mapping[str, Any]) -> int:
        incident_id, error = answer["incidentId"], answer.get("error")
        if error is not None:
            return self._told(answer, f"not done: {error}", done=False)
        says = f"incident {incident_id} is {answer['status']}: replimend incident {incident_id}"
        return self._told(answer, says, done=True)

    def _told(self, answer: Mapping[str, Any], says: str, *, done: bool) -> int:
        self.output.show(unbroken(says))
        self.output.document(answer)
        return Exit.DONE if done else Exit.UNSETTLED
