"""The objects of a scenario, put by the account's administrator on the lab's clock."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, partial
from urllib.parse import urlencode

from lab.clients import AwsClient
from lab.clock import Clock
from lab.gate import Gate
from lab.object_plan import ObjectPlan
from lab.world_model import Algorithm, World

# One after another, as a program would; S3 tells versions apart by their time of writing.
BETWEEN_PUTS = timedelta(milliseconds=200)
LOOKS_AGAIN_AFTER = timedelta(seconds=10)
GIVES_UP_AFTER = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """One version that was put."""

    key: str
    version_id: str


class Uploads:
    """Puts the planned objects; those that fail to replicate are then overwritten or deleted."""

    def __init__(
        self, gate: Gate, clock: Clock, world: World, objects: tuple[ObjectPlan, ...]
    ) -> None:
        self.versions: list[Uploaded] = []
        self._gate = gate
        self._clock = clock
        self._world = world
        self._objects = objects

    def plan(self) -> None:
        """Ask the clock for every put."""
        for turn, each in enumerate(self._objects):
            due = each.at + turn * BETWEEN_PUTS
            self._clock.after(due, f"put {each.key}", partial(self._put_first, each))

    @cached_property
    def _s3(self) -> AwsClient:
        source = self._world.source
        return self._gate.client("s3", source.account, source.region)

    def _put_first(self, plan: ObjectPlan) -> None:
        first = self._put(plan, generation=1)
        if plan.is_overwritten or plan.is_deleted_for_good:
            self._await_failure(plan, first, until=timedelta(0))

    def _await_failure(self, plan: ObjectPlan, version: Uploaded, *, until: timedelta) -> None:
        """Look again and again; a version that does replicate is left alone."""
        if until >= GIVES_UP_AFTER:
            return

        def look() -> None:
            status = self._s3.head_object(
                Bucket=self._world.source.name, Key=version.key, VersionId=version.version_id
            ).get("ReplicationStatus")
            if status == "FAILED":
                self._befall(plan, version)
            elif status == "PENDING":
                self._await_failure(plan, version, until=until + LOOKS_AGAIN_AFTER)

        self._clock.after(LOOKS_AGAIN_AFTER, f"look at {plan.key}", look)

    def _befall(self, plan: ObjectPlan, version: Uploaded) -> None:
        if plan.is_overwritten:
            self._put(plan, generation=2)
        if plan.is_deleted_for_good:
            self._s3.delete_object(
                Bucket=self._world.source.name, Key=version.key, VersionId=version.version_id
            )

    def _put(self, plan: ObjectPlan, *, generation: int) -> Uploaded:
        content = _content(plan, generation)
        if plan.part_size is None:
            answer = self._s3.put_object(**self._described(plan), Body=content)
            version_id = answer.get("VersionId", "null")
        else:
            version_id = self._put_in_parts(plan, content, plan.part_size)
        uploaded = Uploaded(key=plan.key, version_id=version_id)
        self.versions.append(uploaded)
        return uploaded

    def _put_in_parts(self, plan: ObjectPlan, content: bytes, part_size: int) -> str:
        place = {"Bucket": self._world.source.name, "Key": plan.key}
        upload = self._s3.create_multipart_upload(**self._described(plan))["UploadId"]
        parts = []
        for number, start in enumerate(range(0, len(content), part_size), start=1):
            etag = self._s3.upload_part(
                **place,
                UploadId=upload,
                PartNumber=number,
                Body=content[start : start + part_size],
            )["ETag"]
            parts.append({"PartNumber": number, "ETag": etag})
        answer = self._s3.complete_multipart_upload(
            **place, UploadId=upload, MultipartUpload={"Parts": parts}
        )
        return str(answer["VersionId"])

    def _described(self, plan: ObjectPlan) -> dict[str, object]:
        described: dict[str, object] = {
            "Bucket": self._world.source.name,
            "Key": plan.key,
            "ContentType": plan.content_type,
        }
        if plan.metadata:
            described["Metadata"] = dict(plan.metadata)
        if plan.tags:
            described["Tagging"] = urlencode(dict(plan.tags))
        if plan.storage_class is not None:
            described["StorageClass"] = plan.storage_class
        if plan.encryption_key is not None:
            key = self._world.keys.get(plan.encryption_key)
            described["ServerSideEncryption"] = str(Algorithm.KMS)
            described["SSEKMSKeyId"] = str(key.arn) if key else plan.encryption_key
        return described


def _content(plan: ObjectPlan, generation: int) -> bytes:
    """Bytes that differ between objects and generations, and are the same in every run."""
    seed = hashlib.sha256(f"{plan.key} {generation}".encode()).digest()
    return (seed * (plan.size // len(seed) + 1))[: plan.size]
