"""S3 and KMS of the lab as one: everything that moto lacks of them, put in front of a gate."""

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from lab.batch_operations import BatchOperations
from lab.batch_runner import BatchRunner
from lab.batch_tasks import Tasks
from lab.behaviour import Behaviour
from lab.clock import Clock
from lab.denial_records import as_recorded
from lab.effective import EffectivePolicies, StoredPolicies
from lab.grants import Grants
from lab.key_principals import KeyPrincipals
from lab.keys import Keys
from lab.object_notes import ObjectNotes
from lab.object_writes import ObjectWrites
from lab.replication import Deliver, Replication
from lab.replication_api import ReplicationApi
from lab.role_access import Organization, RoleAccess
from lab.trail import Publish, Trail
from lab.transfer import Copier

if TYPE_CHECKING:
    from lab.gate import Gate


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """The lab's S3 and KMS; call `policies.settle()` once a world is made, before it is used."""

    policies: EffectivePolicies
    stored: StoredPolicies
    notes: ObjectNotes
    replication: Replication
    batch: BatchOperations
    trail: Trail


def install_storage(
    gate: "Gate",
    clock: Clock,
    behaviour: Behaviour,
    *,
    deliver_notification: Deliver,
    publish: Publish,
    organization: Organization | None = None,
) -> Storage:
    """Put the lab's S3 and KMS in front of moto's, for every call through this gate.

    From then on the gate, too, judges calls by the policies in force rather than those stored.
    """
    principals = KeyPrincipals()
    grants = Grants(principals)
    stored = StoredPolicies(principals, grants)
    policies = EffectivePolicies(
        stored,
        clock.now,
        behaviour.policies_take_effect_after,
        delay_of_grants=behaviour.grants_take_effect_after,
    )
    access = RoleAccess(policies, organization=organization, grants_count=behaviour.grants_count)
    notes = ObjectNotes()
    trail = Trail(clock, behaviour, as_recorded(publish, behaviour))
    replication = Replication(
        clock=clock,
        behaviour=behaviour,
        notes=notes,
        copier=Copier(
            access=access,
            key_state=policies.key_state,
            notes=notes,
            behaviour=behaviour,
            now=clock.now,
        ),
        trail=trail,
        deliver_notification=deliver_notification,
        random=Random(f"notifications {behaviour.seed}"),
    )
    tasks = Tasks(replication=replication, access=access)
    runner = BatchRunner(clock, behaviour, access, tasks=tasks, trail=trail)
    batch = BatchOperations(clock, behaviour, runner)
    # First, so that no other handler answers before a change is noted.
    policies.install(gate)
    Keys.of(stored, principals, grants).install(gate)
    ObjectWrites(notes, replication.written).install(gate)
    ReplicationApi(replication).install(gate)
    batch.install(gate)
    trail.history.install(gate)
    gate.policies = policies
    return Storage(
        policies=policies,
        stored=stored,
        notes=notes,
        replication=replication,
        batch=batch,
        trail=trail,
    )
