"""Write a wave's manifest out of the ledger, a part at a time, in the memory of one part."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from replimend.domain.incident import FailureGroup
from replimend.domain.recopy.objects import HeldObject, LedgerCursor, manifest_row
from replimend.domain.recopy.waves import Draft, Stage, Wave, digest_after
from replimend.errors import ManifestLostError
from replimend.ports import HeldObjects, Manifests

PART_SIZE = 8 * 1024**2
"""Bytes; S3 takes no smaller part than 5 MiB, but for the last."""

COUNTED_AT_ONCE = 50_000


@dataclass(slots=True)
class _Part:
    """Rows on their way into a manifest, and where the ledger stood after them."""

    cursor: LedgerCursor
    is_last: bool = False
    objects: int = 0
    size: int = 0
    oldest: datetime | None = None

    def add(self, objects: Iterable[HeldObject]) -> None:
        for held in objects:
            self.objects += 1
            self.size += held.size or 0
            if self.oldest is None or held.failed_at < self.oldest:
                self.oldest = held.failed_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathering:
    """Adds to a wave what waits; each step can be taken again from the wave as it was before."""

    held: HeldObjects
    manifests: Manifests
    part_size: int = PART_SIZE
    counted_at_once: int = COUNTED_AT_ONCE

    def count(self, wave: Wave, groups: Sequence[FailureGroup]) -> Wave:
        """The wave with some more versions counted; done once there are no more."""
        part = _Part(wave.cursor)
        for page in self.held.pages(groups, wave.cursor, wave.attempt):
            part.add(page.objects)
            if page.next is None:
                part.is_last = True
                break
            part.cursor = page.next
            if part.objects >= self.counted_at_once:
                break
        return replace(_grown(wave, part), stage=Stage.DONE if part.is_last else wave.stage)

    def gather(self, wave: Wave, groups: Sequence[FailureGroup], bucket: str) -> Wave:
        """The wave with one more part of its manifest, ready once it is whole or nothing waits.

        A draft whose parts were lost is begun anew.
        """
        rows = bytearray()
        part = _Part(wave.cursor)
        for objects in self._batches(wave, groups, part):
            part.add(objects)
            rows += b"".join(map(manifest_row, objects))
            if len(rows) >= self.part_size:
                break
        try:
            return self._stored(wave, part, bytes(rows), bucket)
        except ManifestLostError:
            return replace(
                wave, cursor=LedgerCursor(), objects=0, size=0, oldest=None, draft=Draft()
            )

    def hold(self, wave: Wave, objects: Sequence[HeldObject], bucket: str) -> Wave:
        """The wave over just these versions, ready to start."""
        part = _Part(wave.cursor, is_last=True)
        part.add(objects)
        return self._stored(wave, part, b"".join(map(manifest_row, objects)), bucket)

    def _batches(
        self, wave: Wave, groups: Sequence[FailureGroup], part: _Part
    ) -> Iterator[Sequence[HeldObject]]:
        """Pages of waiting versions, as far as the wave has room; `part` is told where they end."""
        room = wave.room
        for page in self.held.pages(groups, wave.cursor, wave.attempt):
            objects = page.objects
            if page.next is None or (room is not None and len(objects) >= room):
                part.is_last = True
                yield objects if room is None else objects[:room]
                return
            part.cursor = page.next
            yield objects
            if room is not None:
                room -= len(objects)

    def _stored(self, wave: Wave, part: _Part, rows: bytes, bucket: str) -> Wave:
        grown = _grown(wave, part)
        draft = wave.draft
        if part.is_last and not draft.upload_id:
            if not rows:
                return replace(grown, stage=Stage.DONE)
            digest = digest_after("", rows)
            name = f"{bucket}/{wave.incident_id}-{wave.number:06d}-{digest[:12]}.csv"
            manifest = self.manifests.put(name, rows, grown.objects)
            draft = Draft(object_key=name, digest=digest)
            return replace(grown, draft=draft, manifest=manifest, stage=Stage.READY)
        if not draft.upload_id:
            name = f"{bucket}/{wave.incident_id}-{wave.number:06d}.csv"
            draft = Draft(object_key=name, upload_id=self.manifests.begin(name))
        if rows:
            number = len(draft.etags) + 1
            etag = self.manifests.add(draft.object_key, draft.upload_id, number, rows)
            draft = draft.with_part(rows, etag)
        if not part.is_last:
            return replace(grown, draft=draft)
        manifest = self.manifests.finish(
            draft.object_key, draft.upload_id, draft.etags, grown.objects
        )
        return replace(grown, draft=draft, manifest=manifest, stage=Stage.READY)


def _grown(wave: Wave, part: _Part) -> Wave:
    oldest = min((each for each in (wave.oldest, part.oldest) if each), default=None)
    return replace(
        wave,
        cursor=part.cursor,
        objects=wave.objects + part.objects,
        size=wave.size + part.size,
        oldest=oldest,
    )
