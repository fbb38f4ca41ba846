"""The copy methods: versions copied server-side to the destination, or once onto themselves.

Whatever dies between two calls, the next run looks at both ends first: a finished copy is known
again, a multipart copy goes on where it was, and an upload that nobody noted is given up.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

from replimend.domain.facts import Absent
from replimend.domain.recopy.copy_decisions import (
    destination_guard,
    destination_refusal,
    eligible,
    is_copy,
    out_of_time,
    own_encryption,
    sending_refusal,
    superseded_or_gone,
    target_encryption,
)
from replimend.domain.recopy.copying import (
    Attempt,
    Blueprint,
    CopyKind,
    CopyResult,
    CopyTask,
    DeleteMarker,
    Measures,
    Original,
    Refused,
    Stale,
    StillThere,
    Top,
    Written,
)
from replimend.ports import Clock, Copies, Uploads
from replimend.usecases.partwise import PartwiseCopier

LOOKS = 3
"""How often both ends are looked at anew when they change under a copy."""


class Unpaced:
    """No limit: every call may be made at once."""

    def acquire(self) -> None:
        """Return at once."""

    def throttled(self) -> None:
        """Go on all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyEngine:
    """Copies versions; every refusal is a result, and only what is AWS's passing trouble raises."""

    copies: Copies
    uploads: Uploads
    clock: Clock
    measures: Measures = field(default_factory=Measures)

    def copy(self, task: CopyTask, deadline: datetime) -> CopyResult:
        """Copy one version; `unfinished` if the deadline came first.

        ThrottledError or TransientError when S3 does not let us: nothing is lost by asking again.
        """
        with ThreadPoolExecutor(self.measures.width) as helpers:
            return self.make(task, self.look(task), deadline, helpers)

    def rewrite(self, task: CopyTask, deadline: datetime) -> CopyResult:
        """Copy the current version onto itself, so that S3 replicates it anew.

        For `DstObjectHardDeleted` alone, and by approval: it makes a new version, which S3
        replicates. The task's destination plays no part. Errors as above.
        """
        task = replace(task, destination=task.source)
        with ThreadPoolExecutor(self.measures.width) as helpers:
            return self.make(task, self.look_at_itself(task), deadline, helpers)

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
                self._partwise.tidy(task)
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
            return out_of_time()
        if blueprint.original.version.size <= self.measures.single:
            return self.copies.copy(blueprint)
        return self._partwise.copy(task, blueprint, deadline, helpers)

    @property
    def _partwise(self) -> PartwiseCopier:
        return PartwiseCopier(
            copies=self.copies, uploads=self.uploads, clock=self.clock, measures=self.measures
        )
