"""Storms of replication failures through the built handlers on the lab, beside a naive handler.

Run as `python -m tests.bench.bench_storms [EVENTS]`; the application must have been built. First
100,000 failures of one cause, then 10,000 over 50 rules. Deliveries are of 100 messages, as the
template's event source has them, a tenth of them told twice and all of them out of order.

The naive handler parses the same deliveries and writes one item an event with `put_item`, under
the same role, against the same DynamoDB of the lab, in the same run. The lab answers in this
process: what is measured is work on one core (parsing, signing, judging, storing), to which every
call of either handler adds the round trip that a table in the same Region takes. The ratio is what
counts, and it is also printed without the round trips. Ends with status 1 where a figure misses its
target.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import batched
from math import ceil
from random import Random
from time import perf_counter, sleep
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote_plus

from botocore.httpsession import URLLib3Session

from cli.ledger import Ledger
from lab.gate import CallRecord
from lab.lab import Lab
from lab.scenario import SCENARIOS
from lab.wire import ApiCall, HttpResponse
from replimend.domain.incident import Incident, Status
from replimend.domain.recopy.objects import LedgerCursor
from replimend.gateways.table import Table
from tests.builders import AwsJson, pipe_event, sqs_event

ONE_CAUSE, MANY_CAUSES, CAUSES = 100_000, 10_000, 50
COMPARED, NAIVE = 5_000, 1_000
ROUND_TRIP = timedelta(milliseconds=5)
"""DynamoDB promises single-digit milliseconds."""
A_DELIVERY = 100
TOLD_TWICE = 0.1
MOST_UNITS, LEAST_RATIO, MOST_SHARE = 1.2, 10, 0.1
UNIT = 1024
"""Bytes of a write unit."""

ONE_READ_SET = 20
"""Calls: both ends, the role with its policies, both keys, and the samples."""

JUST_AFTER = timedelta(seconds=30)
CONTROL_PLANE = {"iam", "kms", "s3", "s3control", "sts"}


@dataclass(slots=True)
class Written:
    """What went into the table, in write units, as DynamoDB would bill and spread it."""

    units: int = 0
    by_partition: Counter[str] = field(default_factory=Counter)

    def heard(self, call: ApiCall, _: HttpResponse) -> None:
        """Take note of one write that the lab answered."""
        match call.operation:
            case "PutItem":
                self._add(call.params["Item"])
            case "UpdateItem":
                self._add(
                    {**call.params["Key"], **call.params.get("ExpressionAttributeValues", {})}
                )
            case "BatchWriteItem":
                for requests in call.params["RequestItems"].values():
                    for request in requests:
                        self._add(request["PutRequest"]["Item"])
            case other:
                raise SystemExit(f"nobody counts what {other} writes")

    def _add(self, item: Mapping[str, Any]) -> None:
        units = ceil(len(json.dumps(item)) / UNIT)
        self.units += units
        self.by_partition[next(iter(item["pk"].values()))] += units


def failures(template: AwsJson, events: int, rules: Sequence[str]) -> Iterator[AwsJson]:
    """So many failures of versions of their own, by turns of these rules, out of order."""
    order = list(range(events))
    Random(events).shuffle(order)  # noqa: S311 - repeatable disorder
    twice = int(events * TOLD_TWICE)
    for number in [*order, *order[:twice]]:
        event = json.loads(json.dumps(template))
        (record,) = event["Records"]
        record["s3"]["object"]["key"] = f"storm/{number % 977}/{number}.json"
        record["s3"]["object"]["versionId"] = f"Storm.{number:032d}"
        record["replicationEventData"]["replicationRuleId"] = rules[number % len(rules)]
        yield event


def deliveries(events: Iterator[AwsJson]) -> Iterator[AwsJson]:
    for batch in batched(events, A_DELIVERY, strict=False):
        yield sqs_event(*(pipe_event(each) for each in batch))


def naive(dynamodb: Any, table: str, delivery: AwsJson) -> None:
    """What a handler does that has not thought of storms: an item and a call for each event."""
    for record in delivery["Records"]:
        for told in json.loads(record["body"])["detail"]["Records"]:
            version = told["s3"]["object"]
            dynamodb.put_item(
                TableName=table,
                Item={
                    "pk": {"S": f"NAIVE#{version['key']}"},
                    "sk": {"S": version["versionId"]},
                    "bucket": {"S": told["s3"]["bucket"]["name"]},
                    "reason": {"S": told["replicationEventData"]["failureReason"]},
                    "failed_at": {"S": told["eventTime"]},
                },
            )


@dataclass(slots=True)
class Verdict:
    """Prints figures beside their targets, and remembers how many were missed."""

    missed: int = 0

    def at_most(self, label: str, figure: float, most: float) -> None:
        """A figure that must not be larger."""
        self._show(label, figure, f"at most {most:,g}", met=figure <= most)

    def at_least(self, label: str, figure: float, least: float) -> None:
        """A figure that must not be smaller."""
        self._show(label, figure, f"at least {least:,g}", met=figure >= least)

    def exactly(self, label: str, figure: float, wanted: float) -> None:
        """A figure that must be this one."""
        self._show(label, figure, f"{wanted:,g}", met=figure == wanted)

    def _show(self, label: str, figure: float, target: str, *, met: bool) -> None:
        print(f"  {label:<48}{figure:>12,.2f}   {target}{'' if met else '   MISSED'}")
        self.missed += not met


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """What a storm did: what it wrote, which calls it made of what, and how fast it was heard."""

    told: int
    written: Written
    calls: Sequence[CallRecord]
    seconds: float

    @property
    def units_an_event(self) -> float:
        """Write units of the table for each event on arrival."""
        return self.written.units / self.told

    def calls_of(self, *services: str) -> int:
        """How many calls it made of these services."""
        return sum(call.service in services for call in self.calls)


@contextmanager
def round_trips(each: timedelta) -> Iterator[None]:
    """Inside the context every request takes so long on its way, side by side with others."""
    send = URLLib3Session.send

    def sent(session: URLLib3Session, request: Any) -> Any:
        sleep(each.total_seconds())
        return send(session, request)

    with patch.object(URLLib3Session, "send", sent):
        yield


class StormLab:
    """The lab of the flagship after its first failures, and the bench's questions to it."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.table = lab.stack.outputs["IncidentsTableName"]
        self.template = next(self._failures_told())
        self._written = Written()
        for operation in ("PutItem", "UpdateItem", "BatchWriteItem"):
            lab.gate.after("dynamodb", operation, self._heard)

    def hear(self, events: int, rules: Sequence[str]) -> Storm:
        """Deliver a storm to triage."""
        heard = list(deliveries(failures(self.template, events, rules)))
        self._written, calls = Written(), len(self.lab.calls)
        began = perf_counter()
        for delivery in heard:
            answer = self.lab.invoke("TriageFunction", delivery)
            if answer != {"batchItemFailures": []}:
                raise SystemExit(f"a delivery was given back: {answer}")
        return Storm(
            told=sum(len(each["Records"]) for each in heard),
            written=self._written,
            calls=self.lab.calls[calls:],
            seconds=perf_counter() - began,
        )

    def _heard(self, call: ApiCall, response: HttpResponse) -> None:
        self._written.heard(call, response)

    def naive_rate(self) -> float:
        """Events a second of the naive handler, under the triage function's own role."""
        lab = self.lab
        function = lab.services.functions.settings(
            lab.stack.resource("TriageFunction").physical.arn
        )
        place = lab.home.place
        dynamodb = lab.gate.client(
            "dynamodb", place.account, place.region, as_role=function.role_arn
        )
        heard = list(deliveries(failures(self.template, NAIVE, ["to-frankfurt"])))
        began = perf_counter()
        for delivery in heard:
            naive(dynamodb, self.table, delivery)
        return sum(len(each["Records"]) for each in heard) / (perf_counter() - began)

    def incidents(self) -> list[Incident]:
        """Every incident in the ledger."""
        return [each for status in Status for each in self._ledger.incidents.in_status(status)]

    def held(self) -> int:
        """How many versions wait in the ledger."""
        groups = [
            group
            for incident in self.incidents()
            for group in self._ledger.incidents.groups_of(incident.incident_id)
        ]
        pages = self._ledger.held.pages(groups, LedgerCursor(), "")
        return sum(len(page.objects) for page in pages)

    def policy_writes(self) -> int:
        """How often a key policy was written since the world was made."""
        return sum(call.operation == "PutKeyPolicy" and call.allowed for call in self.lab.calls)

    def repair(self) -> None:
        """Let the first incident be repaired, and stop before its re-copy begins."""
        self.lab.deploy(self.lab.scenario.limits["repair"])
        told = self.template["Records"][0]["s3"]
        self.lab.invoke(
            "TriageFunction",
            {
                "bucket": told["bucket"]["name"],
                "key": unquote_plus(told["object"]["key"]),
                "versionId": told["object"]["versionId"],
            },
        )
        self.lab.run(JUST_AFTER)

    @property
    def _ledger(self) -> Ledger:
        return Ledger.over(Table(client=self.lab.client("dynamodb"), name=self.table))

    def _failures_told(self) -> Iterator[AwsJson]:
        for delivery in self.lab.deliveries:
            event: Any = delivery.event
            for record in event["Records"]:
                if "OperationFailedReplication" in record["body"]:
                    yield json.loads(record["body"])["detail"]


def main(events: int) -> int:
    """Print the figures of both storms; 1 where one misses its target, else 0."""
    verdict = Verdict()
    # A lab each: the lab's table looks at all that it holds for every query.
    for storm in (partial(one_cause, events, verdict), partial(many_causes, verdict)):
        with Lab.from_scenario(SCENARIOS / "flagship.yaml") as lab:
            lab.run()
            storm(StormLab(lab))
    return 1 if verdict.missed else 0


def one_cause(events: int, verdict: Verdict, stage: StormLab) -> None:
    """The storm of a cause that its first few failures were diagnosed by."""
    before = stage.held()
    storm = stage.hear(events, ["to-frankfurt"])
    print(f"{storm.told:,} events of one cause, {events:,} of them told once:")
    verdict.exactly("incidents", len(stage.incidents()), 1)
    verdict.exactly("S3, KMS and IAM calls on arrival", storm.calls_of(*CONTROL_PLANE), 0)
    verdict.at_most("write units an event", storm.units_an_event, MOST_UNITS)
    partitions = storm.written.by_partition
    share = max(partitions.values()) / storm.written.units
    verdict.at_most(f"largest share of the {len(partitions)} partitions", share, MOST_SHARE)
    verdict.exactly("versions held", stage.held(), before + events)
    compare(stage, verdict)
    stage.repair()
    verdict.exactly("policy writes", stage.policy_writes(), 1)


def compare(stage: StormLab, verdict: Verdict) -> None:
    """Both handlers over as many events, without and with round trips."""
    for trip in (timedelta(), ROUND_TRIP):
        with round_trips(trip):
            storm = stage.hear(COMPARED, ["to-frankfurt"])
            ours, naive_handlers = storm.told / storm.seconds, stage.naive_rate()
        says = f"events a second, {trip.total_seconds() * 1_000:.0f} ms a round trip"
        print(f"  {says:<48}{ours:>12,.0f}   naive {naive_handlers:,.0f}")
        label = "  times the naive handler's"
        if trip:
            verdict.at_least(label, ours / naive_handlers, LEAST_RATIO)
        else:
            print(f"  {label:<48}{ours / naive_handlers:>12,.2f}")


def many_causes(verdict: Verdict, stage: StormLab) -> None:
    """The storm over many rules; each is diagnosed once, whatever the number of its failures."""
    known, writes = len(stage.incidents()), stage.policy_writes()
    storm = stage.hear(MANY_CAUSES, [f"removed-{number:02d}" for number in range(CAUSES)])
    print(f"{storm.told:,} events under {CAUSES} rules that somebody removed:")
    verdict.exactly("incidents", len(stage.incidents()) - known, CAUSES)
    reads = storm.calls_of(*CONTROL_PLANE) / CAUSES
    verdict.at_most("S3, KMS and IAM calls a cause", reads, ONE_READ_SET)
    verdict.at_most("write units an event", storm.units_an_event, MOST_UNITS)
    verdict.exactly("policy writes", stage.policy_writes() - writes, 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else ONE_CAUSE))
