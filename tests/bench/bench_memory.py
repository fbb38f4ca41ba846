"""The memory of a re-copy of a million versions: the ledger read, the manifest and the report.

Run as `python -m tests.bench.bench_memory [VERSIONS]`. The product's own gateways work over a table
and a bucket that make their answers up as they are asked, and keep nothing. What is measured is
this process's peak resident size beyond what it had before, as Lambda would bill it. Ends with
status 1 where it is more than the function may have.
"""

import io
import json
import resource
import sys
from collections.abc import Iterator, Mapping
from time import perf_counter
from typing import Any, cast

from botocore.response import StreamingBody

from replimend.domain.recopy.objects import ReportPosition
from replimend.domain.recopy.waves import Stage, Wave, WaveKind
from replimend.gateways.batch_jobs import S3BatchJobs
from replimend.gateways.held_objects import HeldObjectLedger
from replimend.gateways.manifests import S3Manifests
from replimend.gateways.table import Table
from replimend.usecases.gathering import Gathering
from tests.facts import HOME, NOON
from tests.incidents import GROUP
from tests.stubs import StubbedClients

VERSIONS = 1_000_000
MOST_MEBIBYTES = 256
SHARDS = 16


class MadeUpTable:
    """Answers as many failures as are wanted, spread over the shards, none with an outcome."""

    def __init__(self, versions: int) -> None:
        self._each = versions // SHARDS

    def get_paginator(self, _: str) -> "MadeUpTable":
        """The paginator of `query`."""
        return self

    def paginate(self, **query: Any) -> Iterator[Mapping[str, Any]]:
        """Pages of one shard behind the sort key that is asked for."""
        values = query["ExpressionAttributeValues"]
        shard = int(values[":pk"]["S"].rpartition("#")[2])
        after = values[":after"]["S"].strip()
        begins = int(after[:16], 16) + 1 if after else 0
        size = query["PaginationConfig"]["PageSize"]
        for start in range(begins, self._each, size):
            ends = min(start + size, self._each)
            yield {"Items": [self._item(shard, number) for number in range(start, ends)]}

    def batch_get_item(self, **_: Any) -> Mapping[str, Any]:
        """No version has an outcome."""
        return {"Responses": {}, "UnprocessedKeys": {}}

    def _item(self, shard: int, number: int) -> Mapping[str, Any]:
        told = [f"orders/2026/01/{shard:02d}/{number:09d}.json", 2_048, NOON.isoformat()]
        return {
            "pk": {"S": f"GROUP#{GROUP.group_id}#{shard}"},
            "sk": {"S": f"{number:016x}#Version.{number:024d}#{NOON.isoformat()}"},
            "told": {"S": json.dumps(told)},
        }


class Rows(io.RawIOBase):
    """A report of so many rows, made up as it is read."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self._rows = iter(range(rows))
        self._left = b""

    def readable(self) -> bool:
        """Whether it can be read: always."""
        return True

    def read(self, amount: int = -1) -> bytes:
        """So many bytes of it."""
        while len(self._left) < amount:
            number = next(self._rows, None)
            if number is None:
                break
            self._left += f"orders-ireland,a%20{number}.json,v{number},succeeded,,200,ok\n".encode()
        taken, self._left = self._left[:amount], self._left[amount:]
        return taken


class MadeUpBucket:
    """Takes manifests in parts, and has one report."""

    def __init__(self, rows: int) -> None:
        self.taken = 0
        self._rows = rows
        self.exceptions = StubbedClients().own("s3").exceptions

    def create_multipart_upload(self, **_: Any) -> Mapping[str, Any]:
        """An upload."""
        return {"UploadId": "upload-1"}

    def upload_part(self, **part: Any) -> Mapping[str, Any]:
        """Count the rows of a part and forget it."""
        self.taken += part["Body"].count(b"\n")
        return {"ETag": f"part-{part['PartNumber']}"}

    def complete_multipart_upload(self, **_: Any) -> Mapping[str, Any]:
        """The whole."""
        return {"ETag": "whole"}

    def get_object(self, **asked: Any) -> Mapping[str, Any]:
        """The report's index, or its rows."""
        if asked["Key"].endswith("manifest.json"):
            index = json.dumps({"Results": [{"Key": "reports/rows.csv"}]}).encode()
            return {"Body": StreamingBody(cast("Any", io.BytesIO(index)), len(index))}
        return {"Body": StreamingBody(cast("Any", Rows(self._rows)), cast("Any", None))}


class MadeUpClients(StubbedClients):
    """One bucket for whoever asks."""

    bucket: Any = None

    def own(self, service: str, region: str | None = None) -> Any:  # noqa: ARG002 - the gateways'
        """The bucket."""
        return self.bucket


def main(versions: int) -> int:
    """Print the peaks; 1 where they are too high or rows were lost, else 0."""
    bucket = MadeUpBucket(versions)
    clients = MadeUpClients()
    clients.bucket = bucket
    table = Table(client=cast("Any", MadeUpTable(versions)), name="ledger")
    held = HeldObjectLedger(table)
    manifests = S3Manifests(clients=clients, account=HOME, work_bucket="work")
    gathering = Gathering(held=held, manifests=manifests)
    before = peak()
    began = perf_counter()
    wave = a_wave()
    while wave.stage is Stage.GATHERING:
        wave = gathering.gather(wave, (GROUP,), GROUP.bucket)
    print(f"a manifest of {wave.objects:,} rows in {len(wave.draft.etags)} parts:")
    print(f"  {peak():,.0f} MiB at the peak, {perf_counter() - began:,.0f} s")
    began = perf_counter()
    jobs = S3BatchJobs(clients=clients, account=HOME, work_bucket="work", role_arn="arn")
    rows = sum(1 for _ in jobs.report_of("1", ReportPosition()))
    print(f"a report of {rows:,} rows:")
    print(f"  {peak():,.0f} MiB at the peak, {perf_counter() - began:,.0f} s")
    print(f"  {peak() - before:,.0f} MiB more than before either")
    whole = bucket.taken == wave.objects == rows == versions // SHARDS * SHARDS
    return 0 if whole and peak() <= MOST_MEBIBYTES else 1


def a_wave() -> Wave:
    """A wave that takes all there is."""
    return Wave(
        incident_id="0123456789ab",
        number=3,
        kind=WaveKind.REST,
        attempt="attempt",
        stage=Stage.GATHERING,
        began_at=NOON,
        looked_at=NOON,
    )


def peak() -> float:
    """The most that this process ever had resident, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else VERSIONS))
