"""The answer to a request, and for each policy layer why it says what it says."""

from dataclasses import dataclass
from enum import StrEnum


class Result(StrEnum):
    """What becomes of the request."""

    ALLOWED = "Allowed"
    EXPLICITLY_DENIED = "ExplicitlyDenied"
    IMPLICITLY_DENIED = "ImplicitlyDenied"
    UNKNOWN = "Unknown"
    """A layer that could not be read might change the answer."""


class Effect(StrEnum):
    """What one layer says of the request, taken by itself."""

    ALLOWED = "Allowed"
    EXPLICITLY_DENIED = "ExplicitlyDenied"
    IMPLICITLY_DENIED = "ImplicitlyDenied"
    UNKNOWN = "Unknown"
    NOT_APPLICABLE = "NotApplicable"
    """There is no such layer, or it has no say in this request."""


class LayerName(StrEnum):
    """The kinds of policy that have a say."""

    IDENTITY = "identity"
    RESOURCE = "resource"
    BOUNDARY = "boundary"
    SESSION = "session"
    SCP = "scp"
    RCP = "rcp"
    VPC_ENDPOINT = "vpc_endpoint"
    GRANT = "grant"


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedCondition:
    """A condition for whose sake an Allow statement, or a grant, does not apply to the request.

    `condition` is the operator and the key; `actual` is None where the request lacks the key.
    `statement` is the Sid, else the index, and for a grant its name, else its id.
    """

    policy: str
    statement: str
    condition: str
    expected: tuple[str, ...]
    actual: tuple[str, ...] | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerDecision:
    """What a layer says, and the statements that decided it: by Sid, else by index.

    `policies` names the policy of each of the `statements`, in the same order. `missed` lists the
    Allow statements that match but for a condition. `reason` says why the layer could not be read,
    or which level of the organisation allows nothing.
    """

    layer: LayerName
    effect: Effect
    statements: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    missed: tuple[MissedCondition, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The result, with the say of every layer in the order of `LayerName`.

    `blocking` names the layers without whose change the request stays denied, the one to look at
    first first. It may name some where the result is unknown: those deny for certain.
    """

    result: Result
    layers: tuple[LayerDecision, ...]
    blocking: tuple[LayerName, ...]

    @property
    def denying_layer(self) -> LayerDecision | None:
        """The layer to look at first, or None if no layer denies the request for certain."""
        return self.layer(self.blocking[0]) if self.blocking else None

    def layer(self, name: LayerName) -> LayerDecision:
        """What this layer says."""
        return next(each for each in self.layers if each.layer is name)
