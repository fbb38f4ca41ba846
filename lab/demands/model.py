"""The shape of what a call demands before it is answered."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from lab.wire import ApiCall

type Context = Mapping[str, str | tuple[str, ...]]

ANY = "*"
ACCOUNT_PART = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """One action that policies must allow, on a resource of `owner`'s.

    `resource` is `*` for actions that know no resource. `context` has the service's own condition
    keys, those of several values as tuples; the global ones are added when it is judged.
    """

    action: str
    resource: str
    owner: str
    context: Context = field(default_factory=dict)


type Rule = Callable[[ApiCall], Iterable[Demand]]
type Rules = Mapping[str, Rule]


def account_of(arn: str) -> str:
    """The account part of an ARN; empty where the text has none."""
    parts = arn.split(":")
    return parts[ACCOUNT_PART] if len(parts) > ACCOUNT_PART else ""
