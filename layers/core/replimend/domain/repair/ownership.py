"""What belongs to Replimend itself, and is therefore never a plan's subject, source or end."""

from dataclasses import dataclass

from replimend.domain.arn import Arn

FUNCTIONS = ("TriageFunction", "RepairFunction", "RecopyFunction", "SweepFunction")
MOST_OF_A_NAME = 32
"""As long a stack name as a role's name surely holds: CloudFormation cuts longer ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnParts:
    """The stack's roles and buckets.

    It has no key of its own: the table is under the AWS managed key, which is never changed, the
    queues and the work bucket under keys of the services. `role_names` are whole names or their
    beginnings: CloudFormation ends a name at random.
    """

    account: str = ""
    role_names: tuple[str, ...] = ()
    member_role_names: frozenset[str] = frozenset()
    buckets: frozenset[str] = frozenset()

    @classmethod
    def of_stack(
        cls,
        *,
        stack: str,
        account: str,
        batch_role: str,
        member_roles: frozenset[str],
        work_bucket: str,
    ) -> "OwnParts":
        """The parts of the stack of this name."""
        named = (f"{stack[:MOST_OF_A_NAME]}-{function}" for function in FUNCTIONS)
        pipe = f"{stack[:MOST_OF_A_NAME]}-NotificationPipeRole"
        return cls(
            account=account,
            role_names=(*named, pipe, Arn.parse(batch_role).role_name or batch_role),
            member_role_names=member_roles,
            buckets=frozenset({work_bucket}),
        )

    def have(self, arn: str) -> bool:
        """Whether the ARN names a role or a bucket of ours."""
        parsed = Arn.parse(arn)
        if parsed.bucket_name is not None:
            return parsed.bucket_name in self.buckets
        name = parsed.role_name
        if name is None:
            return False
        is_at_home = parsed.account == self.account
        return name in self.member_role_names or (is_at_home and name.startswith(self.role_names))


NOTHING_OF_OURS = OwnParts()
"""Where there is no stack, as when a set-up is only looked at."""
