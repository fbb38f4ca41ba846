"""Which versions to look at when one is asked about."""

from dataclasses import dataclass, replace

from replimend.domain.facts import Absent, Fact, ObjectVersion, ReplicationSetup
from replimend.domain.setups.setup import Setup
from replimend.domain.setups.typical import ANY, stand_ins
from replimend.domain.unavailable import Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """The version asked about, or those that stand in for it."""

    all: tuple[Fact[ObjectVersion], ...]
    are_typical: bool


def versions_for(setup: Setup, rule_id: str, key: str, version_id: str | None) -> Versions:
    """The set-up's version if it is this one, else the objects that the rule is for."""
    match setup.object:
        case ObjectVersion() as version if _is_same(version, key, version_id):
            return Versions(all=(replace(version, key=key),), are_typical=False)
        case Absent() as gone:
            return Versions(all=(gone,), are_typical=False)
        case _:
            return _typical(setup, rule_id, key)


def _is_same(version: ObjectVersion, key: str, version_id: str | None) -> bool:
    """Whether they are one version; what a file leaves out does not tell them apart."""
    is_key = version.key in {ANY, key}
    return is_key and (version_id is None or version.version_id in {"null", version_id})


def _typical(setup: Setup, rule_id: str, key: str) -> Versions:
    replication = setup.replication
    rule = replication.rule_named(rule_id) if isinstance(replication, ReplicationSetup) else None
    if rule is None:
        lacking = Unavailable(reason="the snapshot does not have the version")
        return Versions(all=(lacking,), are_typical=False)
    return Versions(all=stand_ins(setup, rule, key), are_typical=True)
