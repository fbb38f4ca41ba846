"""The replication role and the replication rules of a scenario's world."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from lab.fields import Section
from replimend.domain.arn import Arn


class RuleStatus(StrEnum):
    """Whether a replication rule acts."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """The replication role; `is_recreated` when it was deleted and made anew under its name."""

    name: str
    path: str
    account: str
    trust: str | None
    inline: Mapping[str, str]
    attached: Mapping[str, str]
    boundary: str | None
    is_recreated: bool
    exists: bool

    @property
    def arn(self) -> str:
        """Its ARN, path included."""
        return f"arn:aws:iam::{self.account}:role{self.path}{self.name}"

    @classmethod
    def read(cls, section: Section) -> "Role":
        """The role that this section describes."""
        path = section.text("path", "/")
        if not (path.startswith("/") and path.endswith("/")):
            raise section.error("path", "must begin and end with a slash")
        role = cls(
            name=section.text("name"),
            path=path,
            account=section.account("account"),
            trust=section.policy("trust"),
            inline=section.policies("inline"),
            attached=section.policies("attached"),
            boundary=section.policy("boundary"),
            is_recreated=section.flag("recreated", default=False),
            exists=section.flag("exists", default=True),
        )
        section.close()
        return role


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A replication rule of the source bucket; `key` is written as it is, an alias included."""

    rule_id: str
    status: RuleStatus
    priority: int
    prefix: str
    tags: Mapping[str, str]
    destination: str
    account: str | None
    key: str | None
    takes_kms_objects: bool
    has_metrics: bool
    has_time_control: bool
    replicates_delete_markers: bool
    changes_owner: bool
    storage_class: str | None

    @classmethod
    def read(cls, rule_id: str, section: Section) -> "Rule":
        """The rule of that id that this section describes."""
        rule = cls(
            rule_id=rule_id,
            status=section.choice("status", RuleStatus, RuleStatus.ENABLED),
            priority=section.number("priority", 1),
            prefix=str(section.raw("prefix") or ""),
            tags=section.texts("tags"),
            destination=str(
                section.arn("destination", is_wanted=_is_bucket, kind="a bucket's ARN")
            ),
            account=section.account("account") if section.optional("account") else None,
            key=section.optional("key"),
            takes_kms_objects=section.flag("sse_kms", default=True),
            has_metrics=section.flag("metrics", default=True),
            has_time_control=section.flag("time_control", default=False),
            replicates_delete_markers=section.flag("delete_markers", default=False),
            changes_owner=section.flag("owner_override", default=False),
            storage_class=section.optional("storage_class"),
        )
        section.close()
        return rule


def _is_bucket(arn: Arn) -> bool:
    return arn.bucket_name is not None and arn.object_key is None
