"""The hours in which access may be changed: days of the week, a span of each, a time zone."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MIDNIGHT = time()
_FORM = re.compile(
    r"(?P<first>[A-Z][a-z]{2})(-(?P<last>[A-Z][a-z]{2}))?"
    r" (?P<opens>\d\d:\d\d)-(?P<closes>\d\d:\d\d)"
    r" (?P<zone>[A-Za-z][\w+/-]*)"
)


class MalformedHoursError(ValueError):
    """A text that should name hours names none; the message says which part is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """A window that opens on some days of the week, from a minute on and up to another.

    The clock is the zone's: where it is put forward or back, the window's length follows. A window
    that closes at 00:00 lasts to the end of its day.
    """

    days: frozenset[int]
    opens: time
    closes: time
    zone: tzinfo

    @classmethod
    def parse(cls, text: str) -> Self:
        """The hours that `Mon-Fri 08:00-18:00 Europe/Dublin` spells, or MalformedHoursError."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise MalformedHoursError(f"{text!r} is not like 'Mon-Fri 08:00-18:00 Europe/Dublin'")
        first, last = _day(found["first"]), _day(found["last"] or found["first"])
        length = (last - first) % len(DAYS) + 1
        opens, closes = _time(found["opens"]), _time(found["closes"])
        if MIDNIGHT < closes <= opens:
            raise MalformedHoursError(f"{text!r} closes before it opens")
        return cls(
            days=frozenset((first + i) % len(DAYS) for i in range(length)),
            opens=opens,
            closes=closes,
            zone=_zone(found["zone"]),
        )

    def contain(self, moment: datetime) -> bool:
        """Whether the window is open at this moment."""
        opening = self.opening_of(moment)
        return opening is not None and opening <= moment

    def opening_of(self, moment: datetime) -> datetime | None:
        """When the window that is open at this moment opened; None while none is open."""
        day = moment.astimezone(self.zone).date()
        if day.weekday() not in self.days or not self._opening(day) <= moment < self._closing(day):
            return None
        return self._opening(day)

    def next_opening(self, moment: datetime) -> datetime:
        """When a window opens next after this moment, on the zone's clock."""
        today = moment.astimezone(self.zone).date()
        coming = (today + timedelta(days=ahead) for ahead in range(len(DAYS) + 1))
        return next(
            self._opening(day)
            for day in coming
            if day.weekday() in self.days and self._opening(day) > moment
        )

    def _opening(self, day: date) -> datetime:
        return datetime.combine(day, self.opens, self.zone)

    def _closing(self, day: date) -> datetime:
        ends = day if self.closes > MIDNIGHT else day + timedelta(days=1)
        return datetime.combine(ends, self.closes, self.zone)


def _day(name: str) -> int:
    if name not in DAYS:
        raise MalformedHoursError(f"{name!r} is not one of {', '.join(DAYS)}")
    return DAYS.index(name)


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError as error:
        raise MalformedHoursError(f"{text!r} is no time of the day") from error


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise MalformedHoursError(f"{name!r} is no time zone that is known here") from error
