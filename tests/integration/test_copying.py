"""The copy methods end to end on moto: what arrives, what is refused, and what a kill leaves."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from moto import mock_aws

from replimend.domain.recopy.copying import (
    MIB,
    CopyKind,
    CopyResult,
    CopyTask,
    Measures,
    Place,
)
from replimend.errors import TransientError
from replimend.gateways.copies import S3Copies
from replimend.gateways.paced import PacedS3
from replimend.gateways.table import Table
from replimend.gateways.uploads import UploadLedger
from replimend.usecases.copy_runs import CopyRun
from replimend.usecases.copying import CopyEngine, Unpaced

SOURCE = Place(bucket="orders-ireland", account="123456789012", region="us-east-1")
TARGET = Place(bucket="orders-frankfurt", account="123456789012", region="us-east-1")
KEY = "a b/ü#1.pdf"
REPLICA_KEY = "arn:aws:kms:us-east-1:123456789012:key/22222222-2222-4222-8222-222222222222"
SOURCE_KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-1111-4111-8111-111111111111"
PUT: dict[str, Any] = {
    "Bucket": SOURCE.bucket,
    "Key": KEY,
    "Body": b"content",
    "ContentType": "application/pdf",
    "ContentDisposition": "attachment",
    "ContentEncoding": "gzip",
    "ContentLanguage": "de",
    "CacheControl": "no-cache",
    "Expires": datetime(2030, 1, 2, tzinfo=UTC),
    "Metadata": {"who": "me"},
    "Tagging": "team=a%20b&cost=1",
    "StorageClass": "STANDARD_IA",
    "WebsiteRedirectLocation": "/new",
    "ServerSideEncryption": "aws:kms",
    "SSEKMSKeyId": SOURCE_KEY,
    "BucketKeyEnabled": True,
    "ChecksumAlgorithm": "SHA256",
}
KEPT = (
    "ContentType",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "CacheControl",
    "Expires",
    "Metadata",
    "TagCount",
    "StorageClass",
    "WebsiteRedirectLocation",
    "ServerSideEncryption",
    "ContentLength",
)
"""The Bucket Key is not among them: moto forgets it of an upload (the contract tests hold it)."""
TWO_PARTS = b"x" * (5 * MIB + 1)
THREE_PARTS = b"x" * (11 * MIB)
SMALL = Measures(width=2, single=5 * MIB, part=5 * MIB)
FAR = timedelta(days=1)


class KilledError(BaseException):
    """The process ended here."""


@dataclass
class MovedClock:
    """The machine's clock and what a test adds to it."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class World:
    """Two versioned buckets, the table, and a switch that kills at the n-th call from now."""

    s3: Any
    table: Table
    clock: MovedClock = field(default_factory=MovedClock)
    calls: int = 0
    dies_at: int | None = None

    def engine(self) -> CopyEngine:
        return CopyEngine(
            copies=S3Copies(PacedS3(lambda _: self.s3, Unpaced())),
            uploads=UploadLedger(self.table),
            clock=self.clock,
            measures=SMALL,
        )

    def put(self, **changes: object) -> CopyTask:
        version = self.s3.put_object(**(PUT | changes))["VersionId"]
        return CopyTask(
            source=SOURCE,
            destination=TARGET,
            key=str(changes.get("Key", KEY)),
            version_id=version,
            replica_key=REPLICA_KEY,
        )

    def copy(self, task: CopyTask) -> CopyResult:
        return self.engine().copy(task, self.clock.now() + FAR)

    def rewrite(self, task: CopyTask) -> CopyResult:
        return self.engine().rewrite(task, self.clock.now() + FAR)

    def head(self, place: Place, key: str = KEY) -> dict[str, Any]:
        found: dict[str, Any] = self.s3.head_object(
            Bucket=place.bucket, Key=key, ChecksumMode="ENABLED"
        )
        return found

    def versions(self, place: Place) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.s3.list_object_versions(Bucket=place.bucket).get(
            "Versions", []
        )
        return found

    def uploads(self) -> list[dict[str, Any]]:
        return [
            upload
            for place in (SOURCE, TARGET)
            for upload in self.s3.list_multipart_uploads(Bucket=place.bucket).get("Uploads", [])
        ]

    def dies_before(self, call: int) -> None:
        self.calls, self.dies_at = 0, call

    def lives(self) -> None:
        self.dies_at = None

    def date_uploads(self, parsed: dict[str, Any], **_: object) -> None:
        """Moto says of every upload that it was begun in 2010."""
        for upload in parsed.get("Uploads", []):
            upload["Initiated"] = self.clock.now()

    def one_call(self, **_: object) -> None:
        self.calls += 1
        if self.dies_at is not None and self.calls > self.dies_at:
            raise KilledError


@pytest.fixture
def world() -> Iterator[World]:
    session = boto3.Session(
        region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    once = Config(retries={"mode": "standard", "total_max_attempts": 1})
    with mock_aws():
        s3 = session.client("s3", config=once)
        dynamodb = session.client("dynamodb", config=once)
        for place in (SOURCE, TARGET):
            s3.create_bucket(Bucket=place.bucket)
            s3.put_bucket_versioning(
                Bucket=place.bucket, VersioningConfiguration={"Status": "Enabled"}
            )
        name = f"incidents-{uuid4()}"
        dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
        )
        world = World(s3, Table(client=dynamodb, name=name))
        s3.meta.events.register("after-call.s3.ListMultipartUploads", world.date_uploads)
        for client in (s3, dynamodb):
            client.meta.events.register("before-call", world.one_call)
        yield world


# what arrives


@pytest.mark.parametrize("body", [b"content", THREE_PARTS], ids=["one call", "three parts"])
def test_a_copy_keeps_everything_but_the_key_it_is_encrypted_with(
    world: World, body: bytes
) -> None:
    task = world.put(Body=body)

    result = world.copy(task)

    source, copy = world.head(SOURCE), world.head(TARGET)
    assert (result.kind, result.version_id) == (CopyKind.COPIED, copy["VersionId"])
    assert {name: copy.get(name) for name in KEPT} == {name: source.get(name) for name in KEPT}
    assert copy["SSEKMSKeyId"] == REPLICA_KEY
    assert "ChecksumSHA256" in copy
    assert world.s3.get_object(Bucket=TARGET.bucket, Key=KEY)["Body"].read() == body
    tags = [world.s3.get_object_tagging(Bucket=p.bucket, Key=KEY) for p in (SOURCE, TARGET)]
    assert tags[0]["TagSet"] == tags[1]["TagSet"]


def test_the_longest_key_an_empty_object_and_a_plain_one_are_copied(world: World) -> None:
    plain = {"Bucket": SOURCE.bucket, "Key": "ü" * 512, "Body": b""}
    version = world.s3.put_object(**plain)["VersionId"]
    task = CopyTask(source=SOURCE, destination=TARGET, key="ü" * 512, version_id=version)

    result = world.copy(task)

    assert result.kind is CopyKind.COPIED
    assert world.head(TARGET, "ü" * 512)["ContentLength"] == 0


def test_a_copy_made_already_is_known_again(world: World) -> None:
    task = world.put()
    first = world.copy(task)

    second = world.copy(task)

    assert (second.kind, second.version_id) == (CopyKind.COPIED, first.version_id)
    assert "same content" in second.says
    assert len(world.versions(TARGET)) == 1


def test_an_older_version_at_the_destination_is_followed_by_the_current_one(world: World) -> None:
    world.s3.put_object(Bucket=TARGET.bucket, Key=KEY, Body=b"older")
    world.clock.ahead = timedelta(seconds=2)
    task = _later(world)

    result = world.copy(task)

    assert result.kind is CopyKind.COPIED
    assert [each["IsLatest"] for each in world.versions(TARGET)] == [True, False]


def _later(world: World) -> CopyTask:
    """A version at least a second younger than what is there: times have whole seconds."""
    before = world.head(TARGET)["LastModified"]
    while True:
        task = world.put()
        if world.head(SOURCE)["LastModified"] > before:
            return task


# what is not copied


def test_a_version_that_is_not_current_is_never_made_current(world: World) -> None:
    old = world.put(Body=b"old")
    new = world.put(Body=b"new")

    result = world.copy(old)

    assert result.kind is CopyKind.SUPERSEDED
    assert new.version_id in result.says
    assert world.versions(TARGET) == []


def test_a_delete_marker_at_the_source_is_honoured(world: World) -> None:
    task = world.put()
    world.s3.delete_object(Bucket=SOURCE.bucket, Key=KEY)

    result = world.copy(task)

    assert result == CopyResult(
        kind=CopyKind.SUPERSEDED, says="a delete marker is on top at the source"
    )
    assert world.versions(TARGET) == []


def test_a_delete_marker_at_the_destination_is_honoured(world: World) -> None:
    task = world.put()
    world.s3.put_object(Bucket=TARGET.bucket, Key=KEY, Body=b"x")
    world.s3.delete_object(Bucket=TARGET.bucket, Key=KEY)

    result = world.copy(task)

    assert result.kind is CopyKind.SUPERSEDED
    assert len(world.versions(TARGET)) == 1


def test_a_deleted_version_is_gone_whatever_came_after_it(world: World) -> None:
    alone, followed = world.put(Key="alone"), world.put(Key="followed")
    world.put(Key="followed")
    for task in (alone, followed):
        world.s3.delete_object(Bucket=SOURCE.bucket, Key=task.key, VersionId=task.version_id)

    kinds = [world.copy(task).kind for task in (alone, followed)]

    assert kinds == [CopyKind.GONE, CopyKind.GONE]


def test_something_newer_at_the_destination_is_never_overwritten(world: World) -> None:
    task = world.put()
    world.s3.put_object(Bucket=TARGET.bucket, Key=KEY, Body=b"theirs")

    result = world.copy(task)

    assert result.kind is CopyKind.SUPERSEDED
    assert world.s3.get_object(Bucket=TARGET.bucket, Key=KEY)["Body"].read() == b"theirs"


@pytest.mark.parametrize("key", [None, "alias/orders", "22222222-2222-4222-8222-222222222222"])
def test_a_rule_that_names_no_full_key_arn_is_refused(world: World, key: str | None) -> None:
    task = replace(world.put(), replica_key=key)

    assert world.copy(task).kind is CopyKind.NOT_ELIGIBLE
    assert world.versions(TARGET) == []


def test_an_archived_object_is_to_be_restored_first(world: World) -> None:
    result = world.copy(world.put(StorageClass="DEEP_ARCHIVE"))

    assert result.kind is CopyKind.NOT_ELIGIBLE
    assert "restore it first" in result.says


def test_a_bucket_that_is_not_there_is_a_failure_with_a_reason(world: World) -> None:
    task = replace(world.put(), destination=replace(TARGET, bucket="nowhere"))

    result = world.copy(task)

    assert result.kind is CopyKind.FAILED
    assert "NoSuchBucket" in result.says


# 200 with an error in the body (aws-facts 6.4)


class ErrorBody:
    """A response body that says that the copy went wrong after all."""

    def stream(self) -> Iterator[bytes]:
        yield b"<Error><Code>InternalError</Code><Message>try again</Message></Error>"


def test_an_error_behind_a_200_is_no_copy(world: World) -> None:
    task = world.put()

    def instead(**_: object) -> Any:
        return AWSResponse("https://s3", 200, HTTPHeaders(), ErrorBody())

    world.s3.meta.events.register("before-send.s3.CopyObject", instead)
    with pytest.raises(TransientError):
        world.copy(task)
    world.s3.meta.events.unregister("before-send.s3.CopyObject", instead)

    assert world.copy(task).kind is CopyKind.COPIED
    assert len(world.versions(TARGET)) == 1


# onto itself


@pytest.mark.parametrize("body", [b"content", THREE_PARTS], ids=["one call", "three parts"])
def test_the_current_version_is_rewritten_once_with_everything_it_had(
    world: World, body: bytes
) -> None:
    task = world.put(Body=body)
    before = world.head(SOURCE)

    first, second = world.rewrite(task), world.rewrite(task)

    after = world.head(SOURCE)
    assert (first.kind, second.kind) == (CopyKind.COPIED, CopyKind.COPIED)
    assert {first.version_id, second.version_id} == {after["VersionId"]} - {task.version_id}
    assert {name: after.get(name) for name in KEPT} == {name: before.get(name) for name in KEPT}
    assert after["SSEKMSKeyId"] == SOURCE_KEY
    assert len(world.versions(SOURCE)) == 2


def test_a_version_that_is_not_current_is_not_rewritten(world: World) -> None:
    old = world.put(Body=b"old")
    world.put(Body=b"other")

    assert world.rewrite(old).kind is CopyKind.SUPERSEDED
    assert len(world.versions(SOURCE)) == 2


# parts over several invocations


def test_a_large_copy_goes_on_where_the_last_run_stopped(world: World) -> None:
    task = world.put(Body=THREE_PARTS)
    engine = world.engine()
    copied: list[int] = []

    def count(params: dict[str, Any], **_: object) -> None:
        copied.append(params["url"].count("partNumber") or 1)
        world.clock.ahead += timedelta(hours=1)

    world.s3.meta.events.register("before-call.s3.UploadPartCopy", count)
    first = engine.copy(task, world.clock.now() + timedelta(minutes=30))
    after_first = len(copied)
    second = engine.copy(task, world.clock.now() + FAR)

    assert (first.kind, second.kind) == (CopyKind.UNFINISHED, CopyKind.COPIED)
    assert (after_first, len(copied)) == (2, 3)
    assert world.uploads() == []
    assert world.head(TARGET)["ContentLength"] == len(THREE_PARTS)


def test_an_upload_is_given_up_when_its_source_is_superseded(world: World) -> None:
    task = world.put(Body=THREE_PARTS)
    _half_done(world, task)
    assert len(world.uploads()) == 1
    world.put(Body=b"newer")

    result = world.copy(task)

    assert result.kind is CopyKind.SUPERSEDED
    assert world.uploads() == []


def _half_done(world: World, task: CopyTask) -> None:
    def late(**_: object) -> None:
        world.clock.ahead += timedelta(hours=1)

    world.s3.meta.events.register("before-call.s3.UploadPartCopy", late)
    world.engine().copy(task, world.clock.now() + timedelta(minutes=30))
    world.s3.meta.events.unregister("before-call.s3.UploadPartCopy", late)


def test_only_one_invocation_works_on_a_large_copy(world: World) -> None:
    task = world.put(Body=THREE_PARTS)
    now = world.clock.now()
    ledger = UploadLedger(world.table)
    assert ledger.claim(task.copy_id, "another", now, now + timedelta(minutes=15))

    result = world.copy(task)

    assert result.kind is CopyKind.UNFINISHED
    assert world.uploads() == []


@pytest.mark.parametrize(
    ("method", "moment", "body"),
    [
        pytest.param("copy", "before-call", b"content", id="copy"),
        pytest.param("copy", "after-call", b"content", id="copy, answer lost"),
        pytest.param("copy", "before-call", TWO_PARTS, id="copy in parts"),
        pytest.param("copy", "after-call", TWO_PARTS, id="copy in parts, answer lost"),
        pytest.param("rewrite", "before-call", b"content", id="rewrite"),
        pytest.param("rewrite", "after-call", b"content", id="rewrite, answer lost"),
        pytest.param("rewrite", "after-call", TWO_PARTS, id="rewrite in parts, answer lost"),
    ],
)
def test_a_kill_at_any_call_and_a_second_run_end_in_one_copy_and_no_upload(
    world: World, method: str, moment: str, body: bytes
) -> None:
    if moment == "after-call":  # the call reaches AWS, its answer does not reach us
        for client in (world.s3, world.table.client):
            client.meta.events.unregister("before-call", world.one_call)
            client.meta.events.register("after-call", world.one_call)
    place = SOURCE if method == "rewrite" else TARGET
    deaths = 0
    while True:
        key = f"{deaths}"
        task = world.put(Key=key, Body=body)
        run = world.rewrite if method == "rewrite" else world.copy
        world.dies_before(deaths)
        try:
            run(task)
        except KilledError:
            deaths += 1
        else:
            break
        finally:
            world.lives()
        world.clock.ahead += timedelta(minutes=20)

        result = run(task)

        mine = [each for each in world.versions(place) if each["Key"] == key]
        assert result.kind is CopyKind.COPIED, (deaths, result)
        assert len(mine) == (2 if method == "rewrite" else 1)
        assert world.uploads() == []
        assert world.s3.get_object(Bucket=place.bucket, Key=key)["Body"].read() == body
    assert deaths > 2


# many


def test_many_objects_are_each_answered_once(world: World) -> None:
    tasks = [world.put(Key=f"{number}", Body=b"x") for number in range(30)]
    world.s3.delete_object(Bucket=SOURCE.bucket, Key="7")

    results = {
        task.key: result.kind
        for task, result in CopyRun(world.engine()).over(tasks, world.clock.now() + FAR)
    }

    assert results.pop("7") is CopyKind.SUPERSEDED
    assert set(results.values()) == {CopyKind.COPIED}
    assert len(results) == 29


def test_after_the_deadline_everything_left_is_unfinished(world: World) -> None:
    tasks = [world.put(Key=f"{number}", Body=b"x") for number in range(3)]

    results = list(CopyRun(world.engine()).over(tasks, world.clock.now()))

    assert {result.kind for _, result in results} == {CopyKind.UNFINISHED}
    assert world.versions(TARGET) == []


def test_keys_that_the_destination_lacks_cost_one_look_together(world: World) -> None:
    tasks = [world.put(Key=f"p/{number}", Body=b"x") for number in range(12)]
    world.s3.put_object(Bucket=TARGET.bucket, Key="p/3", Body=b"theirs")
    world.s3.put_object(Bucket=TARGET.bucket, Key="p/5", Body=b"theirs")
    world.s3.delete_object(Bucket=TARGET.bucket, Key="p/5")
    asked: list[str] = []
    for call in ("HeadObject", "ListObjectVersions"):
        world.s3.meta.events.register(
            f"provide-client-params.s3.{call}",
            lambda params, **_: asked.append(f"{params['Bucket']} {params.get('VersionId')}"),
        )

    results = {
        task.key: result.kind
        for task, result in CopyRun(world.engine()).over(tasks, world.clock.now() + FAR)
    }

    assert {results.pop("p/3"), results.pop("p/5")} == {CopyKind.SUPERSEDED}
    assert set(results.values()) == {CopyKind.COPIED}
    looked = [each for each in asked if each == f"{TARGET.bucket} None"]
    assert len(looked) == 2, "the listing, and the one key that has an object"


@pytest.mark.parametrize("between", [0, 20])
def test_a_listing_answers_only_for_the_keys_that_it_reached(
    world: World, monkeypatch: pytest.MonkeyPatch, between: int
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "5")
    for number in range(between):
        world.s3.put_object(Bucket=TARGET.bucket, Key=f"b/{number:05}", Body=b"")
    copies = S3Copies(PacedS3(lambda _: world.s3, Unpaced()))

    seen = copies.without_current(TARGET, ["a", "b/", "b/00000+", "c/ü"])

    assert list(seen) == ["a", "b/", "b/00000+"] + ([] if between else ["c/ü"])


# S3's passing trouble


class Instead:
    """Answers so many calls itself, with an error of this code; they never reach S3."""

    def __init__(self, status: int, code: str, times: int) -> None:
        self.status, self.code, self.left = status, code, times

    def __call__(self, **_: object) -> Any:
        if not self.left:
            return None
        self.left -= 1
        error = {"Error": {"Code": self.code, "Message": "no"}, "ResponseMetadata": {}}
        return SimpleNamespace(status_code=self.status), error


class CountedPace(Unpaced):
    """No limit; counts how often S3 asked to slow down."""

    slowed = 0

    def throttled(self) -> None:
        self.slowed += 1


@pytest.mark.parametrize(
    ("times", "kind"), [(2, CopyKind.COPIED), (3, CopyKind.UNFINISHED)], ids=["twice", "thrice"]
)
def test_a_throttled_copy_is_taken_up_again_and_then_left_to_the_next_run(
    world: World, times: int, kind: CopyKind
) -> None:
    task, pace = world.put(), CountedPace()
    throttled = Instead(503, "SlowDown", times)
    world.s3.meta.events.register("before-call.s3.CopyObject", throttled)
    engine = replace(world.engine(), copies=S3Copies(PacedS3(lambda _: world.s3, pace)))

    ((_, first),) = CopyRun(engine).over([task], world.clock.now() + FAR)
    ((_, second),) = CopyRun(engine).over([task], world.clock.now() + FAR)

    assert (first.kind, second.kind) == (kind, CopyKind.COPIED)
    assert pace.slowed == times
    assert len(world.versions(TARGET)) == 1


@pytest.mark.parametrize(
    ("call", "status", "code"),
    [
        ("CompleteMultipartUpload", 409, "ConditionalRequestConflict"),
        ("CompleteMultipartUpload", 412, "PreconditionFailed"),
        ("UploadPartCopy", 412, "PreconditionFailed"),
        ("UploadPartCopy", 404, "NoSuchUpload"),
    ],
)
def test_a_conflict_during_a_large_copy_makes_it_begin_anew_and_leaves_no_upload(
    world: World, call: str, status: int, code: str
) -> None:
    task = world.put(Body=TWO_PARTS)
    world.s3.meta.events.register(f"before-call.s3.{call}", Instead(status, code, 1))

    result = world.copy(task)

    assert result.kind is CopyKind.COPIED
    assert world.uploads() == []
    assert len(world.versions(TARGET)) == 1


@pytest.mark.parametrize("call", ["CreateMultipartUpload", "UploadPartCopy"])
def test_a_refused_large_copy_is_a_failure_with_its_reason_and_leaves_no_upload(
    world: World, call: str
) -> None:
    task = world.put(Body=TWO_PARTS)
    world.s3.meta.events.register(
        f"before-call.s3.{call}", Instead(403, "KMS.DisabledException", 1)
    )

    result = world.copy(task)

    assert result.kind is CopyKind.FAILED
    assert "KMS.DisabledException" in result.says
    assert world.uploads() == []


def test_ends_that_keep_changing_are_left_to_the_next_run(world: World) -> None:
    task = world.put()
    world.s3.meta.events.register(
        "before-call.s3.CopyObject", Instead(412, "PreconditionFailed", 3)
    )

    first, second = world.copy(task), world.copy(task)

    assert (first.kind, second.kind) == (CopyKind.UNFINISHED, CopyKind.COPIED)
