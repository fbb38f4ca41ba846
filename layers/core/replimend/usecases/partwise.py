"""Large versions copied in parts, over as many invocations as it takes."""

import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import batched

from replimend.domain.recopy.copy_decisions import out_of_time
from replimend.domain.recopy.copying import (
    Attempt,
    Blueprint,
    CopiedPart,
    CopyKind,
    CopyResult,
    CopyTask,
    Measures,
    Part,
    Refused,
    Stale,
    Upload,
    Written,
    missing_parts,
    part_size_for,
)
from replimend.ports import Clock, Copies, Uploads

CLAIM = timedelta(minutes=15)
"""No function runs longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartwiseCopier:
    """Multipart copies whose state is in the ledger; one invocation at a time works on each."""

    copies: Copies
    uploads: Uploads
    clock: Clock
    measures: Measures

    def copy(
        self,
        task: CopyTask,
        blueprint: Blueprint,
        deadline: datetime,
        helpers: ThreadPoolExecutor,
    ) -> Attempt | CopyResult:
        """Begin the copy or go on with it; `unfinished` at the deadline, to be gone on with."""
        owner, now = uuid.uuid4().hex, self.clock.now()
        if not self.uploads.claim(task.copy_id, owner, now, now + CLAIM):
            return CopyResult(
                kind=CopyKind.UNFINISHED, says="another invocation is copying this version"
            )
        try:
            return self._go_on(task, blueprint, deadline, helpers)
        finally:
            self.uploads.release(task.copy_id, owner)

    def tidy(self, task: CopyTask) -> None:
        """Give up what an earlier run left of a copy that is not to be made any more."""
        known = self.uploads.find(task.copy_id)
        if known is None:
            return
        if known.upload_id is None:
            if self.copies.abort_forgotten(task.destination, task.key, known.started_at) is None:
                self.uploads.forget(task.copy_id)
        else:
            self._give_up(task, known)

    def _go_on(
        self,
        task: CopyTask,
        blueprint: Blueprint,
        deadline: datetime,
        helpers: ThreadPoolExecutor,
    ) -> Attempt | CopyResult:
        upload = self._upload(task, blueprint)
        if isinstance(upload, Refused):
            return upload
        size, upload_id = blueprint.original.version.size, upload.upload_id or ""
        done = list(self.uploads.parts(upload))
        missing = missing_parts(size, upload.part_size, done)
        for wave in batched(missing, self.measures.width, strict=False):
            if self.clock.now() >= deadline:
                return out_of_time()
            copied = self._wave(blueprint, upload, wave, helpers)
            if isinstance(copied, Stale | Refused):
                self._give_up(task, upload)
                return copied
            done += copied
        finished = self.copies.finish(
            blueprint, upload_id, sorted(done, key=lambda part: part.number)
        )
        if not isinstance(finished, Written):
            # After a conflict S3 wants all parts anew.
            self.copies.abort(task.destination, task.key, upload_id)
        self.uploads.forget(task.copy_id)
        return finished

    def _wave(
        self,
        blueprint: Blueprint,
        upload: Upload,
        parts: Iterable[Part],
        helpers: ThreadPoolExecutor,
    ) -> list[CopiedPart] | Stale | Refused:
        """Copy some parts at once and note them; those that S3 has are noted before any error."""
        futures = [
            helpers.submit(self.copies.copy_part, blueprint, upload.upload_id or "", part)
            for part in parts
        ]
        wait(futures)
        copied: list[CopiedPart] = []
        refused: Stale | Refused | None = None
        error: BaseException | None = None
        for future in futures:
            if raised := future.exception():
                error = raised
                continue
            match future.result():
                case CopiedPart() as part:
                    copied.append(part)
                case Stale() | Refused() as refused:
                    pass
        self.uploads.add_parts(upload, copied)
        if refused is None and error is not None:
            raise error
        return copied if refused is None else refused

    def _upload(self, task: CopyTask, blueprint: Blueprint) -> Upload | Refused:
        """The upload to go on with, or a new one.

        The intention is written first, so that whoever finds it without an id knows that an
        upload may have been begun that nobody noted:

            intend ─ begin ─ started      all is well
            intend ─ begin ─ ✝            the next run gives up what we began since, and begins
        """
        known = self.uploads.find(task.copy_id)
        if known is not None and known.upload_id is not None:
            if known.etag == blueprint.original.version.etag:
                return known
            self._give_up(task, known)
            known = None
        version = blueprint.original.version
        intended = Upload(
            copy_id=task.copy_id,
            etag=version.etag,
            part_size=part_size_for(version.size, self.measures.part),
            started_at=known.started_at if known else self.clock.now(),
        )
        if known is not None:
            refusal = self.copies.abort_forgotten(task.destination, task.key, known.started_at)
            if refusal is not None:
                return refusal
        else:
            self.uploads.intend(intended)
        begun = self.copies.begin(blueprint)
        if isinstance(begun, Refused):
            self.uploads.forget(task.copy_id)
            return begun
        upload = replace(intended, upload_id=begun)
        self.uploads.started(upload)
        return upload

    def _give_up(self, task: CopyTask, upload: Upload) -> None:
        if upload.upload_id is not None:
            self.copies.abort(task.destination, task.key, upload.upload_id)
        self.uploads.forget(task.copy_id)
