"""The breaker: too many changes within an hour pause all changes, until a person has looked."""

from dataclasses import dataclass

from replimend.domain.repair.notices import Notice, NoticeKind
from replimend.domain.repair.verdicts import ObjectionKind, Refused, Verdict
from replimend.ports import Clock, Incidents, Outbox

BREAKER = "the breaker (ChangesPerHour)"
"""Who has paused changes, where no person has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """Opens once, tells once, and is closed by nobody but a person's `resume`.

    Time alone does not close it: whatever makes changes without end would else go on at the pace
    of the limit. Whoever resumes has looked, so the hour's count begins anew.
    """

    incidents: Incidents
    outbox: Outbox
    clock: Clock

    def heed(self, verdict: Verdict | None) -> None:
        """Open if the hour's changes are all that spoke against a plan; telling it only then."""
        if not isinstance(verdict, Refused) or verdict.only is not ObjectionKind.BREAKER:
            return
        if self.incidents.freeze(BREAKER, self.clock.now()):
            because = "; ".join(each.says for each in verdict.objections)
            self.outbox.notify(
                Notice(
                    kind=NoticeKind.BREAKER_OPENED,
                    says=f"All changes of access are paused by {BREAKER}: {because}. "
                    "Look at what changed (replimend incidents), then: replimend resume",
                    about=(verdict.plan_hash,),
                )
            )
