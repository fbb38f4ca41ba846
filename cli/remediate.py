"""`replimend remediate`: have one object diagnosed and mended, and follow it to the end."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from cli import rendering
from cli.arguments import ObjectUrl
from cli.following import Follower
from cli.layout import unbroken
from cli.output import Output
from cli.records import incident_record, step_entry
from cli.results import Result, result_of, worst_of
from cli.stack import Stack
from replimend.domain.incident import Incident, Status

SAYS = {
    Result.RESOLVED: "resolved",
    Result.NOTHING_TO_DO: "nothing to do",
    Result.OBSERVED: "observed, as the stack is configured: nothing was changed",
    Result.AWAITING_APPROVAL: "waits for a person's approval",
    Result.REFUSED: "refused: the objections say what forbids it",
    Result.ESCALATED: "escalated: a person has to act",
    Result.QUARANTINED: "quarantined: repairs did not last, a person has to look",
    Result.UNDETERMINED: "undetermined: the diagnosis says what is missing",
    Result.NOT_OPENED: "no incident was opened: S3 still tries, or another diagnosis is under way",
    Result.UNFINISHED: "not at its end yet: it goes on by itself",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Remediation:
    """Asks triage about one object, and tells what becomes of it."""

    stack: Stack
    output: Output
    follower: Follower

    def remediate(self, url: ObjectUrl, version_id: str | None) -> int:
        """The exit status; where several rules select the object, the one that is worst off."""
        request = {"bucket": url.bucket, "key": url.key}
        if version_id is not None:
            request["versionId"] = version_id
        with self.output.waiting("triage looks at every policy"):
            answer = self.stack.ask(self.stack.triage, request)
        answers = [answer, *answer["others"]]
        ends = [self._see_through(each) for each in answers]
        result = worst_of(map(result_of, answers, ends))
        followed = {each.incident_id: each for each in ends if each is not None}
        records = [incident_record(each, self.stack.ledger) for each in followed.values()]
        self._conclude(result, records)
        self.output.document({"result": result.value, **answer, "incidents": records})
        return result.exit

    def _see_through(self, answer: Mapping[str, Any]) -> Incident | None:
        """The incident of one answer as it is in the end, or None if there is none."""
        self._show(answer)
        if answer["incident"] is None:
            return None
        at = answer["incident"]
        incident = self._follow(at["incidentId"], Status(at["status"]), at["round"])
        seen = {incident.incident_id}
        while (successor := self._successor_of(incident)) and successor.incident_id not in seen:
            self._show_stored(successor)
            incident = self._follow(successor.incident_id, successor.status, successor.round)
            seen.add(incident.incident_id)
        return incident

    def _follow(self, incident_id: str, begun: Status, round_: int) -> Incident:
        self.output.show(Text(f"\nincident {incident_id}", "bold"))
        with self.output.waiting(f"following incident {incident_id}"):
            for step in self.follower.follow(incident_id, begun, round_):
                self.output.show(rendering.step(step_entry(step)))
        incident = self.stack.ledger.incident(incident_id)
        if incident.round != round_:
            self._show_stored(incident)
        return incident

    def _successor_of(self, incident: Incident) -> Incident | None:
        return self.stack.ledger.successor_of(incident) if incident.status.has_ended else None

    def _show_stored(self, incident: Incident) -> None:
        """Show the diagnosis that has taken the place of the one shown before."""
        answer = json.loads(self.stack.ledger.incidents.answer_of(incident.incident_id))
        self.output.show(Text("\ndiagnosed again", "bold"))
        self._show(answer)

    def _show(self, answer: Mapping[str, Any]) -> None:
        self.output.show(
            rendering.diagnosis(answer["diagnosis"]),
            rendering.plan(answer["plan"]),
            rendering.verdict(answer["verdict"]),
        )

    def _conclude(self, result: Result, records: list[dict[str, Any]]) -> None:
        for record in records:
            self.output.show("", rendering.outcomes(record["objects"]))
            incident = record["incident"]
            if incident["status"] == Status.AWAITING_APPROVAL:
                approve = f"replimend approve {incident['incidentId']} {incident['planHash']}"
                self.output.show(unbroken(f"to approve the plan: {approve}"))
        self.output.show(Text(f"\n{SAYS[result]}", "bold"))
