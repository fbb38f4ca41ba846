"""The `copy` method beside s5cmd and rclone: the same objects, server and concurrency.

The server is seaweedfs; microburst puts 30 ms before every request, which gives it the shape of S3:
on bare loopback the server's processor is the limit and no copier can be told from another. Rounds
are interleaved and medians compared, so quote the ratios, never the rates. Then what each keeps.

Run with `make bench`; by itself as `python tests/bench/bench_copy.py [FOLDER OF THE TOOLS]`. Ends
with status 1 where the product is slower than the faster of the two or keeps less than it promises.
"""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from replimend.domain.recopy.copying import CopyTask, Measures, Place, Upload
from replimend.gateways.copies import S3Copies
from replimend.gateways.paced import PacedS3
from replimend.usecases.copy_runs import CopyRun
from replimend.usecases.copying import CopyEngine, Unpaced

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

TOOLS = Path(__file__).parents[2] / ".venv/tools/copybench/bin"
WIDTH, LATENCY_MS = 8, 30
ACCOUNT, REGION = "111111111111", "us-east-1"
KIB, MB = 1024, 1000**2
PATIENCE = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """So many objects of one size, copied in so many rounds."""

    name: str
    bucket: str
    objects: int
    size: int
    rounds: int


LOADS = (
    Load(name="1,000 x 64 KiB", bucket="small", objects=1_000, size=64 * KIB, rounds=5),
    Load(name="20 x 64 MB", bucket="large", objects=20, size=64 * MB, rounds=3),
)
RICH: dict[str, Any] = {
    "ContentType": "application/pdf",
    "CacheControl": "no-cache",
    "ContentDisposition": "attachment",
    "Metadata": {"who": "me"},
    "Tagging": "team=a&cost=1",
    "StorageClass": "STANDARD_IA",
}
KEPT = {
    "metadata": "Metadata",
    "content type": "ContentType",
    "cache control": "CacheControl",
    "disposition": "ContentDisposition",
    "tags": "TagCount",
    "storage class": "StorageClass",
}
NEWEST, NEWER_THERE = "newest version on top", "newer object left alone"

type Copier = Callable[[str, str, str], None]
"""Copies every current object from one bucket to another, through the server at this address."""


class Clock:
    """The machine's."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class NoUploads:
    """Nothing here is copied in parts, so nothing is ever under way."""

    def claim(self, *_: object) -> bool:
        return False

    def release(self, *_: object) -> None: ...

    def find(self, _: str) -> Upload | None:
        return None

    def intend(self, _: Upload) -> None: ...

    def started(self, _: Upload) -> None: ...

    def add_parts(self, *_: object) -> None: ...

    def parts(self, _: Upload) -> tuple[()]:
        return ()

    def forget(self, _: str) -> None: ...


def main() -> int:
    tools = Path(sys.argv[1]) if len(sys.argv) > 1 else TOOLS
    missing = [
        name for name in ("weed", "microburst", "s5cmd", "rclone") if not (tools / name).exists()
    ]
    if missing:
        print(f"copies: {', '.join(missing)} not in {tools}, so nothing to measure or compare.")
        return 0
    with tempfile.TemporaryDirectory() as folder, servers(tools, Path(folder)) as (direct, slow):
        client = client_at(direct)
        copiers: dict[str, Copier] = {
            "replimend": copy_ours,
            "s5cmd": with_s5cmd(tools),
            "rclone": with_rclone(tools, Path(folder)),
        }
        ratios = [measure(load, copiers, client, slow) for load in LOADS]
        is_whole = show_kept(copiers, client, direct)
    return 0 if min(ratios) >= 1 and is_whole else 1


# the servers


@contextmanager
def servers(tools: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """The server's address, and one behind which every request takes 30 ms longer."""
    master, volume, filer, s3, slow = free_ports(5)
    config = folder / "latency.yaml"
    config.write_text(
        f"upstream: http://127.0.0.1:{s3}\nport: {slow}\n"
        f'rules:\n- service: "*"\n  latency: {LATENCY_MS}\n'
    )
    data = folder / "data"
    data.mkdir()
    weed = [
        f"{tools / 'weed'}",
        "server",
        f"-dir={data}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-master.port={master}",
        f"-volume.port={volume}",
        "-filer",
        f"-filer.port={filer}",
        "-s3",
        f"-s3.port={s3}",
        "-s3.ip.bind=127.0.0.1",
        "-volume.max=1000",
        "-master.volumeSizeLimitMB=128",
        "-master.telemetry=false",
    ]
    started = [
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for command in (weed, [f"{tools / 'microburst'}", "--config", f"{config}"])
    ]
    try:
        direct, delayed = f"http://127.0.0.1:{s3}", f"http://127.0.0.1:{slow}"
        for address in (direct, delayed):
            await_answer(address)
        yield direct, delayed
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(PATIENCE)


def free_ports(count: int) -> list[int]:
    """Ports nobody has; each leaves room for the one that seaweedfs adds 10,000 to."""
    found: list[int] = []
    sockets = [socket.socket() for _ in range(count)]
    port = 20_000 + os.getpid() % 10_000
    for each in sockets:
        while True:
            port += 1
            try:
                each.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
            break
    for each in sockets:
        each.close()
    return found


def await_answer(address: str) -> None:
    client = client_at(address)
    until = time.monotonic() + PATIENCE
    while True:
        try:
            client.list_buckets()
        except (BotoCoreError, ClientError):
            if time.monotonic() > until:
                raise
            time.sleep(0.5)
        else:
            return


def client_at(address: str) -> "S3Client":
    return boto3.client(
        "s3",
        endpoint_url=address,
        region_name=REGION,
        aws_access_key_id="bench",
        aws_secret_access_key="bench",
        config=Config(max_pool_connections=3 * WIDTH, s3={"addressing_style": "path"}),
    )


# the copiers


def copy_ours(source: str, destination: str, address: str) -> None:
    """What the product does with a ledger of held versions; the ledger is the bucket's listing."""
    client = client_at(address)
    pages = client.get_paginator("list_object_versions").paginate(Bucket=source)
    held = [each for page in pages for each in page["Versions"] if each["IsLatest"]]
    sizes = {each["Size"] for each in held}

    def put_size_back(parsed: dict[str, Any], **_: object) -> None:
        # microburst takes Content-Length out of the answer to a HEAD.
        parsed.setdefault("ContentLength", min(sizes))

    def no_acls(**_: object) -> Any:
        # seaweedfs tells ownership controls to configured identities only.
        rules = {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}
        return SimpleNamespace(status_code=200), rules

    client.meta.events.register("after-call.s3.HeadObject", put_size_back)
    client.meta.events.register("before-call.s3.GetBucketOwnershipControls", no_acls)
    engine = CopyEngine(
        copies=S3Copies(PacedS3(lambda _: client, Unpaced())),
        uploads=NoUploads(),
        clock=Clock(),
        measures=Measures(width=WIDTH),
    )
    ends = [Place(bucket=name, account=ACCOUNT, region=REGION) for name in (source, destination)]
    tasks = [
        CopyTask(source=ends[0], destination=ends[1], key=each["Key"], version_id=each["VersionId"])
        for each in held
    ]
    for _ in CopyRun(engine).over(tasks, datetime.now(UTC) + timedelta(hours=1)):
        pass


def with_s5cmd(tools: Path) -> Copier:
    def copy(source: str, destination: str, address: str) -> None:
        run(
            f"{tools}/s5cmd --endpoint-url {address} --numworkers {WIDTH} --log error cp "
            f"--metadata-directive COPY s3://{source}/* s3://{destination}/"
        )

    return copy


def with_rclone(tools: Path, folder: Path) -> Copier:
    def copy(source: str, destination: str, address: str) -> None:
        config = folder / "rclone.conf"
        config.write_text(
            "[w]\ntype = s3\nprovider = SeaweedFS\naccess_key_id = bench\n"
            f"secret_access_key = bench\nregion = {REGION}\nendpoint = {address}\n"
        )
        run(
            f"{tools}/rclone --config {config} copy --metadata --transfers {WIDTH} "
            # For the same reason that ours are put back.
            "--ignore-size "
            f"--checkers {WIDTH} w:{source} w:{destination}"
        )

    return copy


def run(command: str) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": tempfile.gettempdir(),
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_REGION": REGION,
    }
    subprocess.run(command.split(), check=True, env=environment, capture_output=True)


# how fast


def measure(load: Load, copiers: dict[str, Copier], client: "S3Client", slow: str) -> float:
    """Print the medians; how many times as fast as the faster peer ours is, round by round."""
    fill(load, client)
    times: dict[str, list[float]] = {name: [] for name in copiers}
    for turn in range(load.rounds):
        names = list(copiers)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            times[name].append(one_round(load, name, copiers[name], client, slow))
    print(
        f"{load.name}, {WIDTH} at a time, {LATENCY_MS} ms before each request, "
        f"median of {load.rounds} interleaved rounds:"
    )
    for name, seconds in times.items():
        median = statistics.median(seconds)
        print(
            f"  {name:<12}{load.objects / median:>8.1f} objects/s"
            f"{load.objects * load.size / median / MB:>8.1f} MB/s"
            f"   {min(seconds):.2f} to {max(seconds):.2f} s"
        )
    ours = times.pop("replimend")
    ratios = {
        name: statistics.median(theirs / mine for theirs, mine in zip(seconds, ours, strict=True))
        for name, seconds in times.items()
    }
    print("  replimend is " + ", ".join(f"{r:.2f} times as fast as {n}" for n, r in ratios.items()))
    return min(ratios.values())


def fill(load: Load, client: "S3Client") -> None:
    make_bucket(load.bucket, client)
    body = os.urandom(load.size)
    with ThreadPoolExecutor(4) as pool:
        puts = [
            pool.submit(
                client.put_object,
                Bucket=load.bucket,
                Key=f"orders/{number:05}",
                Body=body,
                **{name: value for name, value in RICH.items() if name != "StorageClass"},
            )
            for number in range(load.objects)
        ]
    for put in puts:
        put.result()


def one_round(load: Load, name: str, copy: Copier, client: "S3Client", slow: str) -> float:
    """The seconds of one copy into a bucket of its own, all of it there or an error."""
    bucket = f"to-{name}-{time.monotonic_ns()}"
    make_bucket(bucket, client)
    start = time.perf_counter()
    copy(load.bucket, bucket, slow)
    seconds = time.perf_counter() - start
    there = client.list_objects_v2(Bucket=bucket).get("Contents", [])
    if [each["Size"] for each in there] != [load.size] * load.objects:
        raise RuntimeError(f"{name} left {len(there)} of {load.objects} objects")
    empty(bucket, client)
    return seconds


def make_bucket(bucket: str, client: "S3Client") -> None:
    client.create_bucket(Bucket=bucket)
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


def empty(bucket: str, client: "S3Client") -> None:
    """Make room; the bucket itself may stay."""
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for each in page.get("Versions", []):
            client.delete_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])


# how faithfully


def show_kept(copiers: dict[str, Copier], client: "S3Client", direct: str) -> bool:
    """Print what each kept; whether ours kept all that the server has."""
    kept = {name: kept_by(name, copy, client, direct) for name, copy in copiers.items()}
    print("kept on this server:" + "".join(f"{name:>12}" for name in copiers))
    for what in (*KEPT, NEWEST, NEWER_THERE):
        print(f"  {what:<24}" + "".join(f"{kept[name][what]:>12}" for name in copiers))
    print(
        "  seaweedfs carries the storage class over by itself, where S3 would make it STANDARD;\n"
        "  SSE-KMS, Object Lock, redirects, grants and checksums are not shown here, since this\n"
        "  server has none of them without more: tests/integration/test_copying.py holds them on\n"
        "  moto, tests/contract/test_copies.py against the service model."
    )
    return "lost" not in kept["replimend"].values()


def kept_by(name: str, copy: Copier, client: "S3Client", direct: str) -> dict[str, str]:
    source, destination = f"from-{name}", f"kept-{name}"
    for bucket in (source, destination):
        make_bucket(bucket, client)
    client.put_object(Bucket=destination, Key="twice", Body=b"oldest")
    time.sleep(1.1)  # S3's times have whole seconds
    client.put_object(Bucket=source, Key="rich", Body=b"same-size", **RICH)
    client.put_object(Bucket=source, Key="twice", Body=b"older-one")
    client.put_object(Bucket=source, Key="twice", Body=b"newer-one")
    client.put_object(Bucket=source, Key="theirs", Body=b"same-size")
    time.sleep(1.1)
    client.put_object(Bucket=destination, Key="theirs", Body=b"written there since")
    copy(source, destination, direct)
    wanted: dict[str, Any] = dict(client.head_object(Bucket=source, Key="rich"))
    found: dict[str, Any] = dict(client.head_object(Bucket=destination, Key="rich"))
    kept = {
        what: "no such" if not wanted.get(field) else compared(wanted[field], found.get(field))
        for what, field in KEPT.items()
    }
    kept[NEWEST] = yes(body_of("twice", destination, client) == b"newer-one")
    kept[NEWER_THERE] = yes(body_of("theirs", destination, client) == b"written there since")
    return kept


def body_of(key: str, bucket: str, client: "S3Client") -> bytes:
    return client.get_object(Bucket=bucket, Key=key)["Body"].read()


def compared(wanted: Any, found: Any) -> str:
    """Kept, lost, or kept with something added that the source has not."""
    are_fields = isinstance(wanted, dict) and isinstance(found, dict)
    if are_fields and wanted != found and wanted.items() <= found.items():
        return "added to"
    return yes(wanted == found)


def yes(is_kept: object) -> str:
    return "kept" if is_kept else "lost"


if __name__ == "__main__":
    sys.exit(main())
