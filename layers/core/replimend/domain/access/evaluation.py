"""Decide a request as AWS documents it: every layer's opinion, then what follows from them.

IAM User Guide, "How AWS enforcement code logic evaluates requests" and "Cross-account policy
evaluation logic"; KMS Developer Guide, "Troubleshooting AWS KMS permissions".
"""

from collections.abc import Iterable, Iterator, Mapping

from replimend.domain.access.call import Call
from replimend.domain.access.decision import Decision, Effect, LayerName, Result
from replimend.domain.access.opinions import opinions_of
from replimend.domain.access.principals import CallerKind, Reach
from replimend.domain.access.reading import Opinion
from replimend.domain.access.request import Layers, Request


def evaluate(request: Request, layers: Layers) -> Decision:
    """What AWS would answer, and why.

    An explicit deny in any layer that could be read decides. Otherwise a layer that could not be
    read makes the result unknown, unless it could not change it.
    """
    call = request.to_call(has_boundary=isinstance(layers.boundary, tuple))
    opinions = opinions_of(layers, call)
    result, blocking = _conclude(call, opinions)
    return Decision(
        result=result,
        layers=tuple([opinion.decision for opinion in opinions.values()]),
        blocking=blocking,
    )


type Opinions = Mapping[LayerName, Opinion]

type Way = tuple[LayerName, ...]
"""Layers that together are enough to allow a call which nothing denies explicitly."""

# Every call must pass these: neither a grant nor a direct allow gets around them.
GATES = (LayerName.SCP, LayerName.RCP, LayerName.VPC_ENDPOINT)
# What keeps a role or user within bounds, whatever its own policies allow.
LIMITS = (LayerName.BOUNDARY, LayerName.SESSION)
# The order in which to look at layers that deny; a grant cannot.
CAN_DENY = (*GATES, LayerName.RESOURCE, LayerName.IDENTITY, *LIMITS)


def _conclude(call: Call, opinions: Opinions) -> tuple[Result, Way]:
    effects = {name: opinion.decision.effect for name, opinion in opinions.items()}
    if denials := [name for name in CAN_DENY if effects[name] is Effect.EXPLICITLY_DENIED]:
        return Result.EXPLICITLY_DENIED, tuple(denials)
    blocked = _fewest_blocked(_ways(call, opinions, unread=Reach.NONE), effects)
    if Effect.UNKNOWN not in effects.values():
        return (Result.IMPLICITLY_DENIED if blocked else Result.ALLOWED), blocked
    blocked_at_best = _fewest_blocked(_ways(call, opinions, unread=Reach.DIRECT), effects)
    if any(effects[name] is Effect.UNKNOWN for name in CAN_DENY):
        return Result.UNKNOWN, blocked_at_best
    # Only the grants could not be read: they might open a way, but close none.
    if not blocked:
        return Result.ALLOWED, ()
    return (Result.IMPLICITLY_DENIED if blocked_at_best else Result.UNKNOWN), blocked_at_best


def _fewest_blocked(ways: Iterable[Way], effects: Mapping[LayerName, Effect]) -> Way:
    silent = {name for name, effect in effects.items() if effect is Effect.IMPLICITLY_DENIED}
    return min((_blocked(way, silent) for way in ways), key=len) if silent else ()


def _blocked(way: Way, silent: set[LayerName]) -> Way:
    return tuple([name for name in (*GATES, *way) if name in silent])


def _ways(call: Call, opinions: Opinions, *, unread: Reach) -> Iterator[Way]:
    """The ways to an allow, if a layer that could not be read meant the caller like this."""
    resource = _reach(opinions[LayerName.RESOURCE], unread)
    yield from _ways_by_grant(call, _reach(opinions[LayerName.GRANT], unread))
    if call.caller.kind is CallerKind.SERVICE:
        yield (LayerName.RESOURCE,)
    elif call.crosses_accounts or (call.must_be_admitted and resource is Reach.NONE):
        yield (LayerName.RESOURCE, LayerName.IDENTITY, *LIMITS)
    else:
        yield _way_within_account(resource)


def _ways_by_grant(call: Call, reach: Reach) -> Iterator[Way]:
    """A grant suffices without a policy; AWS documents no way around a role's boundary by it."""
    if reach is Reach.NONE:
        return
    if reach is Reach.DIRECT and call.crosses_accounts:
        yield LIMITS
    else:
        yield _way_within_account(reach)


def _way_within_account(reach: Reach) -> Way:
    """What else must allow where the resource's owner, in the caller's account, allows like this.

    What is given to a session or user itself, or to everyone, is limited by no implicit deny of the
    caller's own policies; what is given to a role stays within its boundary and session policy.
    """
    match reach:
        case Reach.DIRECT:
            return ()
        case Reach.ROLE:
            return LIMITS
        case Reach.ACCOUNT | Reach.NONE:
            return (LayerName.IDENTITY, *LIMITS)


def _reach(opinion: Opinion, unread: Reach) -> Reach:
    return unread if opinion.decision.effect is Effect.UNKNOWN else opinion.reach
