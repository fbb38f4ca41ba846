"""Rules with a rate, on the lab's clock."""

import re
from datetime import timedelta

from lab.clock import Clock
from lab.errors import TemplateError
from lab.routing import Router

RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")


class Schedules:
    """The schedules of one lab, by the ARN of their rule."""

    def __init__(self, clock: Clock, router: Router) -> None:
        self._clock = clock
        self._router = router
        self._rates: dict[str, timedelta] = {}

    def put(self, rule_arn: str, expression: str) -> None:
        """Have the rule fire at this rate from now on; the same rate again changes nothing."""
        found = RATE.fullmatch(expression)
        if found is None:
            raise TemplateError(f"{rule_arn}: the lab knows rates only, not {expression}")
        rate = timedelta(**{f"{found[2]}s": int(found[1])})
        if self._rates.get(rule_arn) == rate:
            return
        self._rates[rule_arn] = rate

        def fire() -> None:
            if self._rates.get(rule_arn) == rate:  # else another rate has taken its place
                self._router.tick(rule_arn)

        self._clock.every(rate, f"{rule_arn.rsplit('/', 1)[-1]} fires", fire)
