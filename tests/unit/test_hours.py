"""When a window is open, when it opens next, and what text names one."""

from datetime import UTC, datetime, timedelta

import pytest

from replimend.domain.repair.hours import Hours, MalformedHoursError

DUBLIN = Hours.parse("Mon-Fri 08:00-18:00 Europe/Dublin")
NIGHT = Hours.parse("Sat-Sun 22:00-00:00 UTC")


def utc(day: int, hour: int, minute: int = 0, *, month: int = 6) -> datetime:
    """A moment of 2026, whose first of June is a Monday."""
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "moment", "is_open"),
    [
        (DUBLIN, utc(1, 6, 59), False),
        (DUBLIN, utc(1, 7), True),  # 08:00 of Irish summer time
        (DUBLIN, utc(1, 16, 59), True),
        (DUBLIN, utc(1, 17), False),
        (DUBLIN, utc(6, 10), False),  # a Saturday
        (DUBLIN, utc(5, 7, month=1), False),  # no summer time in January
        (DUBLIN, utc(5, 8, month=1), True),
        (NIGHT, utc(6, 22), True),
        (NIGHT, utc(6, 23, 59), True),
        (NIGHT, utc(7, 0), False),
        (NIGHT, utc(5, 23), False),
        (Hours.parse("Sat-Mon 00:00-00:00 UTC"), utc(1, 3), True),
        (Hours.parse("Sat-Mon 00:00-00:00 UTC"), utc(2, 3), False),
        (Hours.parse("Wed 09:00-10:00 UTC"), utc(3, 9, 30), True),
    ],
)
def test_a_window_is_open_by_the_clock_of_its_zone(
    hours: Hours, moment: datetime, *, is_open: bool
) -> None:
    assert hours.contain(moment) is is_open


@pytest.mark.parametrize(
    ("hours", "moment", "opens"),
    [
        (DUBLIN, utc(1, 6), utc(1, 7)),
        (DUBLIN, utc(1, 7), utc(2, 7)),
        (DUBLIN, utc(5, 20), utc(8, 7)),
        (NIGHT, utc(1, 0), utc(6, 22)),
        # The Friday before the clock goes forward, and the Monday after.
        (DUBLIN, utc(27, 20, month=3), utc(30, 7, month=3)),
    ],
)
def test_the_next_opening_lies_ahead(hours: Hours, moment: datetime, opens: datetime) -> None:
    assert hours.next_opening(moment) == opens
    assert not hours.contain(opens - timedelta(minutes=1))
    assert hours.contain(opens)


def test_an_open_window_says_since_when() -> None:
    assert DUBLIN.opening_of(utc(1, 12)) == utc(1, 7)
    assert DUBLIN.opening_of(utc(1, 20)) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("always", "is not like"),
        ("Mon-Fri 8-18 UTC", "is not like"),
        ("Mon-Fri 08:00-18:00", "is not like"),
        ("Mon-Fry 08:00-18:00 UTC", "'Fry' is not one of Mon"),
        ("Mon-Fri 08:00-25:00 UTC", "'25:00' is no time of the day"),
        ("Mon-Fri 18:00-08:00 UTC", "closes before it opens"),
        ("Mon-Fri 08:00-08:00 UTC", "closes before it opens"),
        ("Mon-Fri 08:00-18:00 Europe/Atlantis", "'Europe/Atlantis' is no time zone"),
        ("Mon-Fri 08:00-18:00 ../etc", "is not like"),
    ],
)
def test_a_text_that_names_no_hours_is_told_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(MalformedHoursError, match=says):
        Hours.parse(text)
