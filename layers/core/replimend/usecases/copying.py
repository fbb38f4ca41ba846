"""The copy methods: versions copied server-side to the destination, or once onto themselves.

Whatever dies between two calls, the next run looks at both ends first: a finished copy is known
again, a multipart copy goes on where it was, and an upload that nobody noted is given up.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import batched
from queue import SimpleQueue
from typing import Self, assert_never

from replimend.domain.copying import (
    MIB,
    SINGLE_LIMIT,
    Attempt,
    Blueprint,
    CopiedPart,
    CopyKind,
    CopyResult,
    CopyTask,
    DeleteMarker,
    Original,
    Part,
    Place,
    Refused,
    Stale,
    StillThere,
    Top,
    Upload,
    Written,
    destination_guard,
    destination_refusal,
    eligible,
    is_copy,
    missing_parts,
    own_encryption,
    part_size_for,
    sending_refusal,
    superseded_or_gone,
    target_encryption,
)
from replimend.domain.facts import Absent
from replimend.errors import TransientError
from replimend.ports import Clock, Copies, Uploads

LOOKS = 3
"""How often both ends are looked at anew when they change under a copy."""
TRIES = 3
"""How often a throttled object is taken up in one run; the next run takes it up again."""
BATCH, IN_HAND = 1_000, 4
"""Tasks taken together, and tasks in the pools at a time, in widths."""
CLAIM = timedelta(minutes=15)
"""No function runs longer."""


class Unpaced:
    """No limit: every call may be made at once."""

    def acquire(self) -> None:
        """Return at once."""

    def throttled(self) -> None:
        """Go on all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Sizes in bytes, `width` in calls at a time.

    Above `single` an object is copied in parts; its look-ups run in a pool as wide, beside.
    """

    width: int = 16
    single: int = 256 * MIB
    part: int = 128 * MIB

    def __post_init__(self) -> None:
        if not 0 < self.single <= SINGLE_LIMIT:
            raise ValueError(f"one CopyObject takes {SINGLE_LIMIT} bytes at most")


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyEngine:
    """Copies versions; every refusal is a result, and only what is AWS's passing trouble raises."""

    copies: Copies
    uploads: Uploads
    clock: Clock
    measures: Measures = field(default_factory=Measures)

    def copy_all(
        self, tasks: Iterable[CopyTask], deadline: datetime
    ) -> Iterator[tuple[CopyTask, CopyResult]]:
        """Copy many versions, each once, in no particular order; what comes late is `unfinished`.

        Tasks are taken in batches of a thousand: order them by key, and the look at what the
        destination has costs a call or two a batch.
        """
        with _Pools(self.measures.width) as pools:
            run = _Run(self, pools, deadline)
            yield from run.over(tasks)

    def copy(self, task: CopyTask, deadline: datetime) -> CopyResult:
        """Copy one version; `unfinished` if the deadline came first.

        ThrottledError or TransientError when S3 does not let us: nothing is lost by asking again.
        """
        with _Pools(self.measures.width) as pools:
            return self.make(task, self.look(task), deadline, pools.parts)

    def rewrite(self, task: CopyTask, deadline: datetime) -> CopyResult:
        """Copy the current version onto itself, so that S3 replicates it anew.

        For `DstObjectHardDeleted` alone, and by approval: it makes a new version. The task's
        destination is its source. Errors as above.
        """
        with _Pools(self.measures.width) as pools:
            return self.make(task, self.look_at_itself(task), deadline, pools.parts)

    def look(
        self, task: CopyTask, standing: Absent | DeleteMarker | None = None
    ) -> Blueprint | CopyResult:
        """The copy to make as both ends stand now, or how the task ends without one.

        `standing` is what the destination was seen to be a moment ago, if it was looked at.
        """
        top = self.copies.current(task.source, task.key)
        original = self._original(task, top)
        if isinstance(original, CopyResult):
            return original
        if refusal := destination_refusal(task, original) or self._loses(original):
            return refusal
        there = standing or self.copies.current(task.destination, task.key)
        guard = destination_guard(task, original, there)
        if isinstance(guard, CopyResult):
            return guard
        return Blueprint(
            source=task.source,
            target=task.destination,
            key=task.key,
            original=original,
            encryption=target_encryption(task, original),
            guard=guard,
        )

    def look_at_itself(self, task: CopyTask) -> Blueprint | CopyResult:
        """The same for a copy onto itself; a version that is one already is known again."""
        top = self.copies.current(task.source, task.key)
        original = self._original(task, top, rewritten=True)
        if isinstance(original, CopyResult):
            return original
        if refusal := sending_refusal(original):
            return refusal
        return Blueprint(
            source=task.source,
            target=task.source,
            key=task.key,
            original=original,
            encryption=own_encryption(original),
            guard=StillThere(etag=original.version.etag),
            onto_itself=True,
        )

    def _original(
        self, task: CopyTask, top: Top, *, rewritten: bool = False
    ) -> Original | CopyResult:
        """The task's version if it is current and may be copied, or how the task ends."""
        found = eligible(task, top)
        if isinstance(found, CopyResult) or found.version.version_id == task.version_id:
            return found
        wanted = self.copies.version(task.source, task.key, task.version_id)
        if (
            rewritten
            and isinstance(wanted, Original)
            and is_copy(wanted, found, own_encryption(wanted))
        ):
            newer = found.version.version_id
            return CopyResult(kind=CopyKind.COPIED, says="rewritten already", version_id=newer)
        return superseded_or_gone(wanted, found)

    def _loses(self, original: Original) -> CopyResult | None:
        """A multipart copy is described by what we send; a single one by S3 itself."""
        is_single = original.version.size <= self.measures.single
        return None if is_single else sending_refusal(original)

    def make(
        self,
        task: CopyTask,
        looked: Blueprint | CopyResult,
        deadline: datetime,
        helpers: ThreadPoolExecutor,
    ) -> CopyResult:
        """Carry the copy out; whoever changes either end meanwhile makes us look again."""
        says = ""
        for _ in range(LOOKS):
            if isinstance(looked, CopyResult):
                self._tidy(task)
                return looked
            match self._attempt(task, looked, deadline, helpers):
                case CopyResult() as result:
                    return result
                case Written(version_id=version_id):
                    return CopyResult(
                        kind=CopyKind.COPIED,
                        says=f"copied: {looked.original.version.size} bytes",
                        version_id=version_id,
                    )
                case Refused(says=says):
                    return CopyResult(kind=CopyKind.FAILED, says=says)
                case Stale(says=says):
                    looked = self.look_at_itself(task) if looked.onto_itself else self.look(task)
                case unreachable:
                    assert_never(unreachable)
        return CopyResult(kind=CopyKind.UNFINISHED, says=f"both ends keep changing: {says}")

    def _attempt(
        self,
        task: CopyTask,
        blueprint: Blueprint,
        deadline: datetime,
        helpers: ThreadPoolExecutor,
    ) -> Attempt | CopyResult:
        if self.clock.now() >= deadline:
            return _out_of_time()
        if blueprint.original.version.size <= self.measures.single:
            return self.copies.copy(blueprint)
        owner, now = uuid.uuid4().hex, self.clock.now()
        if not self.uploads.claim(task.copy_id, owner, now, now + CLAIM):
            return CopyResult(
                kind=CopyKind.UNFINISHED, says="another invocation is copying this version"
            )
        try:
            return self._in_parts(task, blueprint, deadline, helpers)
        finally:
            self.uploads.release(task.copy_id, owner)

    def _in_parts(
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
                return _out_of_time()
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

    def _tidy(self, task: CopyTask) -> None:
        """Give up what an earlier run left of a copy that is not to be made any more."""
        known = self.uploads.find(task.copy_id)
        if known is None:
            return
        if known.upload_id is None:
            if self.copies.abort_forgotten(task.destination, task.key, known.started_at) is None:
                self.uploads.forget(task.copy_id)
        else:
            self._give_up(task, known)

    def _give_up(self, task: CopyTask, upload: Upload) -> None:
        if upload.upload_id is not None:
            self.copies.abort(task.destination, task.key, upload.upload_id)
        self.uploads.forget(task.copy_id)


def _out_of_time() -> CopyResult:
    return CopyResult(kind=CopyKind.UNFINISHED, says="the deadline came first")


class _Pools:
    """Threads for look-ups, copies and parts: three pools, since each waits for the next."""

    def __init__(self, width: int) -> None:
        self.readers = ThreadPoolExecutor(width, "look")
        self.writers = ThreadPoolExecutor(width, "copy")
        self.parts = ThreadPoolExecutor(width, "part")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pool in (self.readers, self.writers, self.parts):
            pool.shutdown(cancel_futures=True)


type _Answer = tuple[CopyTask, CopyResult] | BaseException


@dataclass(frozen=True, slots=True)
class _Run:
    """One pass over many tasks: looked at by the readers, then made by the writers."""

    engine: CopyEngine
    pools: _Pools
    deadline: datetime
    answers: SimpleQueue[_Answer] = field(default_factory=SimpleQueue)

    def over(self, tasks: Iterable[CopyTask]) -> Iterator[tuple[CopyTask, CopyResult]]:
        """Every task once with its result."""
        window, out = IN_HAND * self.engine.measures.width, 0
        for batch in batched(tasks, BATCH, strict=False):
            standing = self._standing(batch)
            for task in batch:
                known = standing.get((task.destination, task.key))
                self.pools.readers.submit(self._guarded, self._look, task, 1, known)
                out += 1
                if out >= window:
                    yield self._next()
                    out -= 1
        for _ in range(out):
            yield self._next()

    def _standing(
        self, tasks: Iterable[CopyTask]
    ) -> Mapping[tuple[Place, str], Absent | DeleteMarker]:
        """What the destinations have no object of, seen for the whole batch at once.

        Should an object be written there meanwhile, the copy's own guard stops it.
        """
        keys = defaultdict(set)
        if self.engine.clock.now() < self.deadline:
            for task in tasks:
                keys[task.destination].add(task.key)
        found: dict[tuple[Place, str], Absent | DeleteMarker] = {}
        for place, wanted in keys.items():
            try:
                seen = self.engine.copies.without_current(place, wanted)
            except TransientError:
                continue
            found |= {(place, key): standing for key, standing in seen.items()}
        return found

    def _next(self) -> tuple[CopyTask, CopyResult]:
        answer = self.answers.get()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _look(self, task: CopyTask, turn: int, known: Absent | DeleteMarker | None) -> None:
        if self.engine.clock.now() >= self.deadline:
            self.answers.put((task, _out_of_time()))
            return
        looked = self.engine.look(task, known)
        self.pools.writers.submit(self._guarded, self._make, task, turn, looked)

    def _make(self, task: CopyTask, _: int, looked: Blueprint | CopyResult) -> None:
        result = self.engine.make(task, looked, self.deadline, self.pools.parts)
        self.answers.put((task, result))

    def _guarded[T](
        self, step: Callable[[CopyTask, int, T], None], task: CopyTask, turn: int, given: T
    ) -> None:
        """One step; passing trouble sends the task to the back of the queue, or to the next run."""
        try:
            step(task, turn, given)
        except TransientError as error:
            if turn < TRIES:
                self.pools.readers.submit(self._guarded, self._look, task, turn + 1, None)
            else:
                result = CopyResult(kind=CopyKind.UNFINISHED, says=str(error))
                self.answers.put((task, result))
        except BaseException as error:  # noqa: BLE001 - handed to whoever iterates, who raises it
            self.answers.put(error)
