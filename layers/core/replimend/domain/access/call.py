"""A request made ready to be compared with many statements."""

from collections.abc import Mapping
from dataclasses import dataclass

from replimend.domain.access.principals import Caller
from replimend.domain.access.variables import Context

ENCRYPTION_CONTEXT = "kms:encryptioncontext:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A caller's action on a resource; `action` and the keys of `context` are in lower case.

    `given` is the context with its keys as the request spells them.
    """

    caller: Caller
    action: str
    resource: str
    crosses_accounts: bool
    context: Context
    given: Mapping[str, str | tuple[str, ...]]

    @property
    def is_role_assumption(self) -> bool:
        """Whether a role's trust policy is what has to admit the caller."""
        return self.action.startswith("sts:assumerole")

    @property
    def is_on_kms_key(self) -> bool:
        """Whether the resource is a KMS key, which IAM policies alone never open."""
        _, _, service, *_, name = (*self.resource.split(":", 5), "", "", "", "")[:6]
        return service == "kms" and name.startswith("key/")

    @property
    def must_be_admitted(self) -> bool:
        """Whether the resource's own policy must admit the caller, or the caller's account.

        KMS keys and roles to assume are the exceptions to "either policy will do" within an account
        (IAM User Guide, "How AWS enforcement code logic evaluates requests").
        """
        return self.is_on_kms_key or self.is_role_assumption

    @property
    def encryption_context(self) -> Mapping[str, str | None]:
        """The KMS encryption context, its keys spelt as sent; None where only the key is known."""
        keys = self.context.get("kms:encryptioncontextkeys", ())
        pairs: dict[str, str | None] = dict.fromkeys(keys)
        for name, value in self.given.items():
            if name.lower().startswith(ENCRYPTION_CONTEXT):
                texts = (value,) if isinstance(value, str) else value
                pairs[name[len(ENCRYPTION_CONTEXT) :]] = next(iter(texts), None)
        return pairs
