"""Waves that S3 starts no job for: their versions are copied page by page."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from replimend.domain.incident import FailureGroup
from replimend.domain.recopy.copying import CopyKind, CopyResult
from replimend.domain.recopy.methods import Method
from replimend.domain.recopy.objects import Outcome
from replimend.domain.recopy.waves import Stage, Wave
from replimend.ports import Clock, HeldObjects
from replimend.usecases.checking import copy_outcome
from replimend.usecases.copy_methods import CopyMethods
from replimend.usecases.verification import RuleInForce


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedWaves:
    """Takes one step through such a wave; the same step again copies nothing twice.

    Outcomes are written before the wave: whoever dies between leaves them behind, and at its end
    the wave is counted anew.
    """

    held: HeldObjects
    methods: CopyMethods
    clock: Clock

    def copy(
        self, wave: Wave, groups: Sequence[FailureGroup], rule: RuleInForce, deadline: datetime
    ) -> tuple[Wave, bool]:
        """The wave after one page of what waits, and whether the page has to be gone on with.

        A page is left behind once no version of it is unfinished.
        """
        page = next(iter(self.held.pages(groups, wave.cursor, wave.attempt)))
        objects = page.objects[: max(wave.objects - wave.done, 0)]
        counts, is_unfinished = Counter(wave.counts), False
        for held, result in self.methods.copy(objects, rule, deadline):
            if result.kind is CopyKind.UNFINISHED:
                is_unfinished = True
                continue
            outcome = self._outcome(wave, result)
            self.held.record_outcomes([(held, outcome)])
            counts[outcome.kind] += 1
        seen = replace(wave, counts=dict(counts))
        if is_unfinished:
            return seen, True
        if page.next is not None and seen.done < seen.objects:
            return replace(seen, cursor=page.next), False
        return self._counted(seen, groups), False

    def _outcome(self, wave: Wave, result: CopyResult) -> Outcome:
        return Outcome(
            kind=copy_outcome(result),
            at=self.clock.now(),
            says=f"method {Method.COPY}: {result.says}",
            attempt=wave.attempt,
            look=wave.seen_as,
        )

    def _counted(self, wave: Wave, groups: Sequence[FailureGroup]) -> Wave:
        """The wave at its end, its outcomes counted in the ledger, whoever wrote them."""
        ended = [
            (outcome.kind, held.size or 0)
            for held, outcome in self.held.outcomes(groups)
            if outcome is not None
            and (outcome.attempt, outcome.look) == (wave.attempt, wave.seen_as)
        ]
        return replace(
            wave,
            stage=Stage.DONE,
            ended_at=self.clock.now(),
            counts=dict(Counter(kind for kind, _ in ended)),
            done_size=sum(size for _, size in ended),
        )
