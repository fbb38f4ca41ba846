"""What people are told that is not about one incident."""

from dataclasses import dataclass
from enum import StrEnum


class NoticeKind(StrEnum):
    """What has happened; the value is the outcome event's detail type."""

    BREAKER_OPENED = "Breaker Opened"
    CHANGE_EXPIRED = "Change Expired"
    CHANGES_NOT_ADOPTED = "Changes Not Adopted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing to tell: in a sentence, and the ids of what it is about."""

    kind: NoticeKind
    says: str
    about: tuple[str, ...] = ()
