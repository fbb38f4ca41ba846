"""What people are shown of a diagnosis, a plan, a verdict and the outcomes: answers, made visible.

An answer is JSON as `replimend.domain.answers` and `cli.records` make it. Its texts are others'
words (object keys, names, error messages): none is read as markup, and what could steer a terminal
is shown as its escape.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from difflib import SequenceMatcher
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from cli.layout import listing, moment, plain, rows

type Answer = Mapping[str, Any]

CONTEXT = 3
"""Unchanged lines of a policy that are shown around changed ones."""

ADDED, REMOVED, DIM, GOOD, BAD, OPEN = "green", "red", "dim", "green", "red", "yellow"
OUTCOME_STYLES = {
    "replicated": GOOD,
    "copied": GOOD,
    "gone": DIM,
    "superseded": DIM,
    "not_eligible": DIM,
    "failed": BAD,
}
STATUS_STYLES = {"resolved": GOOD, "refused": BAD, "escalated": BAD, "quarantined": BAD}

LAYERS = {
    "identity": "the role's own policies",
    "resource": "the policy of the key or bucket",
    "boundary": "the role's permissions boundary",
    "scp": "a service control policy of the organisation",
    "rcp": "a resource control policy of the organisation",
    "vpc_endpoint": "a VPC endpoint's policy",
    "grant": "the key's grants",
}
EFFECTS = {"explicit": "denies", "implicit": "does not allow"}


def diagnosis(answer: Answer) -> RenderableType:
    """The cause, the call that is refused, by whom, what shows it, and what a person does now."""
    calls = answer["requirements"]
    return rows(
        ("Cause", Text.assemble((plain(answer["cause"]), "bold"), f" ({answer['confidence']})")),
        *(("Call", _call(each)) for each in calls),
        ("Subject", None if calls else answer["subject"]),
        ("Layer", _layer(answer)),
        *(("Evidence", f"{each['source']}: {each['says']}") for each in answer["evidence"]),
        *(("Ruled out", f"{each['cause']}: {each['because']}") for each in answer["ruledOut"]),
        ("Next", answer["next"]),
    )


def plan(answer: Answer) -> RenderableType:
    """Each change as a policy diff with its reach and how to undo it, or why there is none."""
    if answer["because"]:
        return rows(("Plan", f"none: {answer['because']}"))
    if answer["replayOnly"]:
        return rows(("Plan", "no access is changed"))
    return Group(rows(("Plan", answer["hash"])), *(_planned(each) for each in answer["changes"]))


def change_title(change: Answer) -> str:
    """What is changed, in a line: the kind, the name where it has one, and whose it is."""
    subject, name = change["subject"], change["policyName"]
    match change["kind"]:
        case "grant":
            return f"grant {name} on {subject}"
        case "replication_configuration":
            return f"replication configuration of {subject}"
        case "key_state":
            before, after = (change[each]["KeyState"] for each in ("before", "after"))
            return f"state of {subject}: {before} becomes {after} (kms:{name})"
        case kind:
            return f"{kind}{f' {name}' if name else ''} of {subject}"


def policy_diff(before: Answer | None, after: Answer | None) -> Text:
    """What changes between two policies, line by line: `+` and green what is added, `-` and red.

    A comma that only joins lines is no difference, so that a statement added at the end shows as
    that statement and nothing else.
    """
    old, new = _lines(before), _lines(after)
    compared = SequenceMatcher(a=_bare(old), b=_bare(new), autojunk=False)
    diff = Text()
    shown = 0
    for group in compared.get_grouped_opcodes(CONTEXT):
        _append_count(diff, group[0][1] - shown)
        for tag, start, shown, new_start, new_end in group:
            if tag == "equal":
                _append(diff, "  ", new[new_start:new_end], DIM)
            else:
                _append(diff, "- ", old[start:shown], REMOVED)
                _append(diff, "+ ", new[new_start:new_end], ADDED)
    _append_count(diff, len(old) - shown)
    diff.rstrip()
    return diff


def verdict(answer: Answer) -> RenderableType:
    """Whether the plan may be applied, and every objection."""
    match answer["verdict"]:
        case "no_plan":
            return rows(("Verdict", "none: nothing was put to review"))
        case "approved":
            by = f" by {plain(answer['by'])}" if answer.get("by") else ""
            return rows(("Verdict", Text(f"approved{by}", GOOD)))
        case other:
            objections = (("Objection", each) for each in answer["objections"])
            return rows(("Verdict", Text(plain(other), BAD)), *objections)


def step(entry: Answer) -> Text:
    """One change of an incident's status, on a line."""
    status = plain(entry["became"])
    return Text.assemble(
        (f"{moment(entry['at'])}  ", DIM),
        (f"{status:<17}  ", STATUS_STYLES.get(status, OPEN)),
        plain(entry["summary"]),
        (f"  (round {entry['round']})" if entry["round"] > 1 else "", DIM),
    )


def progress(answer: Answer) -> RenderableType:
    """How far a re-copy has come, how long it still takes, and what its jobs cost."""
    total, remaining = answer["total"], answer["remaining"]
    of_total = f" of {total:,}" if total is not None else ""
    left = f", {remaining:,} remaining" if remaining else ""
    rate = f", {answer['perSecond']:,.2f} a second" if answer["perSecond"] else ""
    ready_in = answer["readyInSeconds"]
    waits = bool(remaining)
    return rows(
        ("Re-copied", f"{answer['done']:,}{of_total}{left}{rate}"),
        ("Ready in", f"about {timedelta(seconds=ready_in)}" if ready_in and waits else None),
        ("Held back", f"{answer['heldBytes']:,} bytes from lifecycle rules" if waits else None),
        ("Oldest", moment(answer["oldestFailure"]) if waits and answer["oldestFailure"] else None),
        ("Jobs", f"{answer['jobs']}, about ${answer['jobsCost']:.2f}"),
        *(("Without a job", plain(each)) for each in answer["methods"]),
    )


def outcomes(objects: Sequence[Answer]) -> RenderableType:
    """A line for each object version with how it ended, and the count of each ending."""
    table = listing("Key", "Version", "Bytes", "Outcome", "Because")
    for each in objects:
        size, outcome = each["size"], each["outcome"]
        table.add_row(
            Text(plain(each["key"])),
            Text(plain(each["versionId"]), DIM),
            Text("?" if size is None else f"{size:,}", justify="right"),
            Text(plain(outcome), OUTCOME_STYLES.get(outcome, OPEN)),
            Text(plain(each["says"] or "")),
        )
    counts = Counter(each["outcome"] for each in objects)
    total = ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common())
    return Group(table, Text(f"{len(objects)} object version(s): {total or 'none'}"))


def _call(requirement: Answer) -> Text:
    context = requirement["context"]
    return Text.assemble(
        (plain(requirement["action"]), "bold"),
        f" on {plain(requirement['resource'])} ({plain(requirement['side'])})",
        *((f"\n{plain(name)} = {plain(value)}", DIM) for name, value in context.items()),
    )


def _layer(answer: Answer) -> str | None:
    if answer["layer"] is None:
        return None
    layer = LAYERS.get(answer["layer"], answer["layer"])
    statements = f" ({', '.join(answer['statements'])})" if answer["statements"] else ""
    return f"{layer}: {EFFECTS.get(answer['effect'], answer['effect'])}{statements}"


def _planned(change: Answer) -> RenderableType:
    about = rows(
        ("Change", change_title(change)),
        ("Serves", ", ".join(change["serves"]) or None),
        ("Reach", change["blastRadius"]),
        ("Undo", change["reverses"]),
    )
    return Group(
        about, Padding(policy_diff(change["before"], change["after"]), (1, 0, 1, 2), expand=False)
    )


def _lines(document: Answer | None) -> list[str]:
    if document is None:
        return []
    return json.dumps(document, indent=2, ensure_ascii=False).splitlines()


def _bare(lines: Iterable[str]) -> list[str]:
    return [line.rstrip(",") for line in lines]


def _append(diff: Text, mark: str, lines: Iterable[str], style: str) -> None:
    for line in lines:
        diff.append(f"{mark}{plain(line)}\n", style)


def _append_count(diff: Text, unchanged: int) -> None:
    if unchanged:
        diff.append(f"  … {unchanged} unchanged line(s)\n", DIM)
