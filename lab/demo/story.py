"""The telling: what failed, why, the plan, the verdict, the canary, the waves, and the end."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from cli import rendering
from cli.layout import listing, plain
from cli.records import step_entry
from lab.demo import claims
from lab.demo.claims import Claim
from lab.demo.witness import Witness
from lab.lab import Lab
from replimend.domain.incident import Incident

GLANCE = timedelta(seconds=30)
"""How much lab time passes between two looks at the ledger."""

PATIENCE = timedelta(hours=6)
VERSION_SHOWN = 8


class Story:
    """Runs one scenario on the lab and tells it; knows at the end whether all of it happened."""

    def __init__(self, lab: Lab, console: Console) -> None:
        self._lab = lab
        self._console = console
        self._witness = Witness(lab)
        self._failed: list[Claim] = []
        self._began = time.perf_counter()

    def tell(self) -> bool:
        """Tell it all; whether every claim held."""
        scenario = self._lab.scenario
        self._console.print(Rule(f"[bold]{plain(scenario.title)}"))
        self._say(scenario.story)
        self._say("This is the lab. It models AWS from its documentation, and is not AWS.", "dim")
        policies = self._policies()
        self._lab.run(PATIENCE)
        self._what_failed()
        self._why()
        self._observed(policies)
        self._allowed(policies)
        self._cost()
        return self._conclude()

    def _what_failed(self) -> None:
        self._chapter("What failed")
        source = self._witness.world.source.name
        table = listing("Key", "Version", "Replication status")
        statuses: Counter[str] = Counter()
        for version in self._lab.versions:
            side = self._witness.side(source, version.key, version.version_id)
            status = side.status if side else "deleted"
            statuses[status] += 1
            table.add_row(
                Text(plain(_short(version.key))),
                Text(version.version_id[:VERSION_SHOWN], "dim"),
                Text(status or "none", "red" if status == "FAILED" else "yellow"),
            )
        self._show(table)
        count = ", ".join(f"{count} {status or 'none'}" for status, count in statuses.items())
        self._say(f"{len(self._lab.versions)} versions put: {count}. S3 never retries what failed.")
        self._check(claims.signals_travelled(self._lab))

    def _why(self) -> None:
        self._chapter("Why, and what would be done")
        for incident in self._witness.incidents():
            record = self._witness.record(incident)
            self._say(f"incident {incident.incident_id}, in mode observe", "bold")
            self._show(rendering.diagnosis(record["diagnosis"]))
            self._show(rendering.plan(record["plan"]))
            self._show(rendering.verdict(record["verdict"]))
        self._check(claims.was_explained(self._witness, self._lab))

    def _observed(self, policies: Mapping[str, dict[str, Any]]) -> None:
        self._check(claims.nothing_changed(self._witness, policies, self._policies()))
        self._check(claims.status_is(self._witness, self._lab.scenario.expect.observed))

    def _allowed(self, policies: Mapping[str, dict[str, Any]]) -> None:
        limits = self._lab.scenario.limits.get("repair")
        if limits is None or not self._lab.versions:
            return
        self._chapter("Allowed to: the same stack, deployed with other parameters")
        table = listing("Parameter", "Value")
        for name, value in limits.items():
            if value != self._lab.scenario.limits["observe"].get(name, ""):
                table.add_row(name, Text(plain(value)))
        self._show(table)
        self._lab.deploy(limits)
        version = self._lab.versions[0]
        source = self._witness.world.source.name
        self._say(f"$ replimend remediate 's3://{source}/{version.key}'", "bold")
        answer: Mapping[str, Any] = self._lab.invoke(
            "TriageFunction",
            {"bucket": source, "key": version.key, "versionId": version.version_id},
        )
        self._show(rendering.verdict(answer["verdict"]))
        incidents = self._witness.incidents()
        if incidents:
            self._mended(incidents[0], policies)

    def _mended(self, incident: Incident, policies: Mapping[str, dict[str, Any]]) -> None:
        self._follow(incident.incident_id)
        record = self._witness.record(self._witness.ledger.incident(incident.incident_id))
        self._check(claims.change_was_smallest(record, policies, self._policies(), self._lab))
        self._chapter("How each object ended")
        self._show(_outcomes(record["objects"]))
        self._check(claims.objects_ended(record, self._lab))
        self._check(claims.replicas_are_faithful(record, self._witness, self._lab))
        self._check(claims.status_is(self._witness, self._lab.scenario.expect.status))
        self._check(claims.was_announced(record, self._lab))

    def _follow(self, incident_id: str) -> None:
        """Let time pass and show each step of the incident, and how many objects are over."""
        ledger = self._witness.ledger
        groups = ledger.incidents.groups_of(incident_id)
        shown = 0
        columns = (TextColumn("  objects over"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=self._console) as progress:
            task = progress.add_task("objects", total=None)
            until = self._lab.now() + PATIENCE
            while self._lab.now() < until:
                for step in ledger.steps_of(incident_id)[shown:]:
                    progress.console.print(Padding(rendering.step(step_entry(step)), (0, 0, 0, 2)))
                    shown += 1
                outcomes = [outcome for _, outcome in ledger.held.outcomes(groups)]
                ended = sum(outcome is not None for outcome in outcomes)
                progress.update(task, completed=ended, total=len(outcomes))
                if self._lab.run(GLANCE) < GLANCE:
                    break
            for step in ledger.steps_of(incident_id)[shown:]:
                progress.console.print(Padding(rendering.step(step_entry(step)), (0, 0, 0, 2)))
            outcomes = [outcome for _, outcome in ledger.held.outcomes(groups)]
            ended = sum(outcome is not None for outcome in outcomes)
            progress.update(task, completed=ended, total=len(outcomes))

    def _cost(self) -> None:
        self._chapter("Calls that the functions made")
        counts = Counter(
            (call.service, call.operation)
            for call in self._lab.calls
            if "replimend" in call.caller.role_arn
        )
        table = listing("Service", "Operation", "Calls")
        for (service, operation), count in sorted(counts.items()):
            table.add_row(service, operation, Text(str(count), justify="right"))
        self._show(table)
        self._check(claims.own_permissions_sufficed(self._witness))

    def _conclude(self) -> bool:
        took = time.perf_counter() - self._began
        lab_time = self._lab.now() - self._lab.scenario.start
        self._console.print()
        if not self._failed:
            self._say(f"All of it happened: {lab_time} of lab time in {took:.1f} s.", "bold green")
            return True
        self._say(f"{len(self._failed)} claim(s) did not hold ({took:.1f} s):", "bold red")
        for claim in self._failed:
            self._say(f"✗ {claim.says}", "red")
        return False

    def _policies(self) -> dict[str, dict[str, Any]]:
        return {**self._witness.key_policies(), **self._witness.role_policies()}

    def _check(self, made: Iterable[Claim]) -> None:
        for claim in made:
            mark, style = ("✓", "green") if claim.holds else ("✗", "bold red")
            self._say(f"{mark} {claim.says}", style)
            if not claim.holds:
                self._failed.append(claim)

    def _chapter(self, title: str) -> None:
        self._console.print()
        self._console.print(Rule(title, align="left", style="dim"))

    def _say(self, text: str, style: str = "") -> None:
        self._console.print(Text(plain(text), style))

    def _show(self, renderable: RenderableType) -> None:
        self._console.print(Padding(renderable, (0, 0, 1, 2)))


def _outcomes(objects: Iterable[Mapping[str, Any]]) -> Table:
    """A line for each version, as short as a terminal is wide."""
    table = listing("Key", "Version", "Outcome", "What both sides show")
    for each in objects:
        outcome = each["outcome"]
        table.add_row(
            Text(plain(_short(each["key"], 44))),
            Text(each["versionId"][:VERSION_SHOWN], "dim"),
            Text(outcome, rendering.OUTCOME_STYLES.get(outcome, rendering.OPEN)),
            Text(plain(each["says"] or "")),
        )
    return table


def _short(key: str, longest: int = 60) -> str:
    return key if len(key) <= longest else f"{key[: longest // 2]}…{key[-longest // 2 :]}"
