"""Each policy layer's opinion of a call: which layers exist for it, and who is subject to them."""

from collections.abc import Callable, Iterable, Mapping

from replimend.domain.access.call import Call
from replimend.domain.access.decision import Effect, LayerDecision, LayerName
from replimend.domain.access.policy import Policy
from replimend.domain.access.principals import CallerKind, Reach
from replimend.domain.access.reading import (
    Opinion,
    read_grants,
    read_policies,
    read_resource_control_policies,
    read_service_control_policies,
)
from replimend.domain.access.request import Layers, Level
from replimend.domain.unavailable import Unavailable


def opinions_of(layers: Layers, call: Call) -> Mapping[LayerName, Opinion]:
    """Every layer's opinion, in the order of `LayerName`."""
    return {
        LayerName.IDENTITY: _identity(layers, call),
        LayerName.RESOURCE: _resource(layers, call),
        LayerName.BOUNDARY: _limit(LayerName.BOUNDARY, layers.boundary, call),
        LayerName.SESSION: _limit(LayerName.SESSION, layers.session, call),
        LayerName.SCP: _service_control(layers, call),
        LayerName.RCP: _resource_control(layers, call),
        LayerName.VPC_ENDPOINT: _opinion(LayerName.VPC_ENDPOINT, layers.endpoint, call),
        LayerName.GRANT: _grant(layers, call),
    }


NO_OPINION = {
    layer: Opinion(decision=LayerDecision(layer=layer, effect=Effect.NOT_APPLICABLE))
    for layer in LayerName
}
WITHOUT_POLICIES = frozenset({CallerKind.SERVICE, CallerKind.ROOT})

type Policies = tuple[Policy, ...]


def _identity(layers: Layers, call: Call) -> Opinion:
    match call.caller.kind:
        case CallerKind.SERVICE:
            return NO_OPINION[LayerName.IDENTITY]
        case CallerKind.ROOT:
            # By default the root user has full access (IAM User Guide, the evaluation logic).
            return Opinion(decision=LayerDecision(layer=LayerName.IDENTITY, effect=Effect.ALLOWED))
        case _:
            return _opinion(LayerName.IDENTITY, layers.identity, call)


def _resource(layers: Layers, call: Call) -> Opinion:
    match layers.resource:
        case Unavailable() as unavailable:
            return _unread(LayerName.RESOURCE, unavailable)
        case Policy() as policy:
            return read_policies(LayerName.RESOURCE, (policy,), call, unnamed=Reach.NONE)
        case None if _needs_a_resource_policy(call):
            return read_policies(LayerName.RESOURCE, (), call, unnamed=Reach.NONE)
        case None:
            return NO_OPINION[LayerName.RESOURCE]


def _needs_a_resource_policy(call: Call) -> bool:
    is_service = call.caller.kind is CallerKind.SERVICE
    return call.crosses_accounts or call.must_be_admitted or is_service


def _limit(layer: LayerName, policies: Policies | Unavailable | None, call: Call) -> Opinion:
    if call.caller.kind in WITHOUT_POLICIES:
        return NO_OPINION[layer]
    return _opinion(layer, policies, call)


def _opinion(layer: LayerName, policies: Policies | Unavailable | None, call: Call) -> Opinion:
    match policies:
        case None:
            return NO_OPINION[layer]
        case Unavailable() as unavailable:
            return _unread(layer, unavailable)
        case _:
            return read_policies(layer, policies, call, unnamed=Reach.DIRECT)


def _service_control(layers: Layers, call: Call) -> Opinion:
    """SCPs bind the users and roles of the accounts they are attached to."""
    if call.caller.kind is CallerKind.SERVICE or call.caller.is_service_linked_role:
        return NO_OPINION[LayerName.SCP]
    return _organisation(LayerName.SCP, layers.scps, call, read_service_control_policies)


def _resource_control(layers: Layers, call: Call) -> Opinion:
    """RCPs bind the resources of the accounts they are attached to, whoever else calls."""
    if call.caller.is_service_linked_role:
        return NO_OPINION[LayerName.RCP]
    return _organisation(LayerName.RCP, layers.rcps, call, read_resource_control_policies)


def _organisation(
    layer: LayerName,
    levels: tuple[Level, ...] | Unavailable,
    call: Call,
    read: Callable[[Iterable[Level], Call], Opinion],
) -> Opinion:
    match levels:
        case Unavailable() as unavailable:
            return _unread(layer, unavailable)
        case ():
            return NO_OPINION[layer]
        case _:
            return read(levels, call)


def _grant(layers: Layers, call: Call) -> Opinion:
    match layers.grants:
        case _ if not call.is_on_kms_key:
            return NO_OPINION[LayerName.GRANT]
        case Unavailable() as unavailable:
            return _unread(LayerName.GRANT, unavailable)
        case ():
            return NO_OPINION[LayerName.GRANT]
        case grants:
            return read_grants(grants, call)


def _unread(layer: LayerName, unavailable: Unavailable) -> Opinion:
    return Opinion(
        decision=LayerDecision(layer=layer, effect=Effect.UNKNOWN, reason=unavailable.reason)
    )
