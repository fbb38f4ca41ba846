"""What must have happened, claim by claim, as far as the scenario says what it expects."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lab.demo.witness import CHANGES_ACCESS, MOVES_DATA, Side, Witness
from lab.lab import Lab
from lab.trace import Passage
from lab.uploads import Uploaded


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A sentence, and whether it is true."""

    says: str
    holds: bool


def signals_travelled(lab: Lab) -> Iterator[Claim]:
    """Notifications went queue, Pipe, bus, rule, queue; denials by the rules made for them."""
    sent = _hops(lab, lab.scenario.world.source.name, "NotificationQueue")
    piped = _hops(lab, "NotificationPipe", "FailureBus")
    ruled = _hops(lab, "FailureRule", "SignalQueue")
    if sent:
        # The Pipe also carries the test message that S3 sends when it is told of the queue.
        yield Claim(
            says=f"S3 → NotificationQueue → Pipe → FailureBus → FailureRule → SignalQueue: {sent} "
            "notifications, and S3's test message",
            holds=piped == ruled == sent + 1,
        )
    denials = _hops(lab, "KeyDenialRule", "FailureBus") + _hops(lab, "KeyDenialRule", "SignalQueue")
    forwarded = _hops(lab, "ForwardedDenialRule", "SignalQueue")
    if denials:
        yield Claim(
            says=f"CloudTrail → default bus → KeyDenialRule → SignalQueue: {denials} KMS denials, "
            f"{forwarded} of them forwarded from another Region",
            holds=_hops(lab, "KeyDenialRule", "FailureBus") == forwarded,
        )
    stuck = [hop for hop in lab.trace if hop.passage in {Passage.DEAD_LETTERED, Passage.LOST}]
    yield Claim(says="no event was lost or dead-lettered", holds=not stuck)


def _hops(lab: Lab, via: str, target: str) -> int:
    return sum(
        hop.passage is Passage.DELIVERED and hop.via.endswith(via) and hop.target.endswith(target)
        for hop in lab.trace
    )


def was_explained(witness: Witness, lab: Lab) -> Iterator[Claim]:
    """One incident, with the cause that the scenario broke."""
    expect = lab.scenario.expect
    incidents = witness.incidents()
    if expect.incidents is not None:
        yield Claim(
            says=f"{expect.incidents} incident(s), not one for each object",
            holds=len(incidents) == expect.incidents,
        )
    for incident in incidents[:1]:
        diagnosis = witness.record(incident)["diagnosis"]
        wanted = {
            "cause": (expect.cause, diagnosis["cause"]),
            "confidence": (expect.confidence, diagnosis["confidence"]),
            "layer": (expect.layer, diagnosis["layer"]),
            "call": (expect.action, (diagnosis["requirement"] or {}).get("action")),
        }
        for name, (expected, found) in wanted.items():
            if expected:
                yield Claim(says=f"the {name} is {expected}", holds=found == expected)


def nothing_changed(
    witness: Witness, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Claim]:
    """Observing wrote nothing."""
    yield Claim(says="every policy is as it was", holds=before == after)
    made = witness.writes_of_functions(CHANGES_ACCESS | MOVES_DATA)
    yield Claim(says="no function changed access or moved data", holds=not made)


def status_is(witness: Witness, expected: str) -> Iterator[Claim]:
    """Where the incident stands."""
    if expected:
        found = {incident.status.value for incident in witness.incidents()}
        yield Claim(says=f"the incident is {expected}", holds=found == {expected})


def change_was_smallest(
    record: Mapping[str, Any],
    before: Mapping[str, dict[str, Any]],
    after: Mapping[str, dict[str, Any]],
    lab: Lab,
) -> Iterator[Claim]:
    """The expected change, stored with its inverse, and nothing else in any policy."""
    expect = lab.scenario.expect
    changes = record["changes"]
    if expect.changes is not None:
        yield Claim(
            says=f"{expect.changes} change(s) made and recorded with before and after",
            holds=len(changes) == expect.changes,
        )
    if expect.change:
        yield Claim(
            says=f"the kind is {', '.join(expect.change)}",
            holds=sorted(each["kind"] for each in changes) == sorted(expect.change),
        )
    for change in changes:
        old, new = before.get(change["subject"]), after.get(change["subject"])
        if old is None or new is None:
            continue
        added = [each for each in new["Statement"] if each not in old["Statement"]]
        kept = [each for each in new["Statement"] if each in old["Statement"]]
        yield Claim(
            says="exactly one statement was added, and all others stand as they stood",
            holds=len(added) == 1 and kept == old["Statement"],
        )
        yield Claim(
            says="the stored documents are those of the key",
            holds=(change["before"], change["after"]) == (old, new),
        )
    touched = {name for name in before if before[name] != after[name]}
    yield Claim(
        says="no other policy was touched",
        holds=touched <= {change["subject"] for change in changes},
    )


def objects_ended(record: Mapping[str, Any], lab: Lab) -> Iterator[Claim]:
    """The ledger's count of outcomes, and a line for each version that was put."""
    expect = lab.scenario.expect
    found = Counter(each["outcome"] for each in record["objects"])
    for outcome, count in expect.outcomes.items():
        yield Claim(says=f"{count} {outcome}", holds=found[outcome] == count)
    ends = {(each["key"], each["versionId"]): each["outcome"] for each in record["objects"]}
    if expect.outcomes:
        put = {(each.key, each.version_id) for each in lab.versions}
        yield Claim(says="the ledger has a line for each of them", holds=set(ends) == put)
    for key, outcome in expect.objects.items():
        of_key = {end for (name, _), end in ends.items() if name == key}
        yield Claim(says=f"{key} is {outcome}", holds=of_key == {outcome})


def replicas_are_faithful(record: Mapping[str, Any], witness: Witness, lab: Lab) -> Iterator[Claim]:
    """Both ends, looked at by the lab itself and not by the application."""
    objects = [each for each in record["objects"] if each["outcome"] == "replicated"]
    if not objects:
        return
    unlike = [each["key"] for each in objects if not _is_faithful(each, witness)]
    yield Claim(
        says=f"all {len(objects)} replicas have their version's size, tags, metadata and type, "
        "and the destination's key",
        holds=not unlike,
    )
    for key, versions in _several_versions(lab.versions).items():
        destination = objects[0]["destinationBucket"]
        order = witness.order(destination, key)
        yield Claim(
            says=f"the {len(versions)} versions of {key} stand in the source's order",
            holds=order == list(reversed(versions)),
        )


def was_announced(record: Mapping[str, Any], lab: Lab) -> Iterator[Claim]:
    """An outcome event went to the bus, and from there to the topic."""
    status = record["incident"]["status"]
    told = [json.loads(each.message) for each in lab.published]
    yield Claim(
        says=f"an outcome event and an SNS message told of the incident being {status}",
        holds=any(each.get("status") == status for each in told)
        and _hops(lab, "OutcomeRule", "OutcomeTopic") == len(told),
    )


def own_permissions_sufficed(witness: Witness) -> Iterator[Claim]:
    """Every function kept to its role in the template."""
    refused = witness.refused_calls()
    yield Claim(says="no function was refused a call by its own role", holds=not refused)


def _is_faithful(entry: Mapping[str, Any], witness: Witness) -> bool:
    source = witness.side(entry["bucket"], entry["key"], entry["versionId"])
    replica = witness.side(entry["destinationBucket"], entry["key"], entry["versionId"])
    if source is None or replica is None:
        return False
    keys = {each.key for each in witness.world.buckets.values() if each.name != entry["bucket"]}
    return (
        source.status == "COMPLETED"
        and replica.status == "REPLICA"
        and _content(source) == _content(replica)
        and replica.key_arn in keys
    )


def _content(side: Side) -> tuple[object, ...]:
    return side.size, side.tags, dict(side.metadata), side.content_type


def _several_versions(uploaded: list[Uploaded]) -> dict[str, list[str]]:
    versions: dict[str, list[str]] = {}
    for each in uploaded:
        versions.setdefault(each.key, []).append(each.version_id)
    return {key: ids for key, ids in versions.items() if len(ids) > 1}
