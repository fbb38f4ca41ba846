"""The functions' settings, read from the environment once; the only module that does."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from replimend.domain.arn import Arn, MalformedArnError
from replimend.domain.recopy.methods import Consent
from replimend.domain.repair.hours import Hours, MalformedHoursError
from replimend.domain.repair.ownership import OwnParts
from replimend.domain.repair.verdicts import OPTED_OUT, Limits, Mode, Tag
from replimend.errors import ReplimendError


class MissingSettingError(ReplimendError):
    """A setting is missing or unusable; the message names it, and the function does not start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where the stack's parts are, and what its parameters allow."""

    region: str
    home_account: str
    stack: str
    table: str
    bus: str
    signal_queue: str
    signal_dead_letter_queue: str
    repair_queue: str
    recopy_queue: str
    topic: str
    work_bucket: str
    batch_role: str
    reader_role: str
    repairer_role: str
    external_id: str
    consistency_wait: timedelta
    approval_valid: timedelta
    requests_per_second: int
    consent: Consent
    limits: Limits

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """The settings in this environment, or MissingSettingError with the variable's name."""
        read = _Reader(env)
        return cls(
            region=read.text("AWS_REGION"),
            home_account=read.text("REPLIMEND_HOME_ACCOUNT"),
            stack=read.text("REPLIMEND_STACK"),
            table=read.text("REPLIMEND_TABLE"),
            bus=read.text("REPLIMEND_BUS"),
            signal_queue=read.text("REPLIMEND_SIGNAL_QUEUE"),
            signal_dead_letter_queue=read.text("REPLIMEND_SIGNAL_DEAD_LETTER_QUEUE"),
            repair_queue=read.text("REPLIMEND_REPAIR_QUEUE"),
            recopy_queue=read.text("REPLIMEND_RECOPY_QUEUE"),
            topic=read.text("REPLIMEND_TOPIC"),
            work_bucket=read.text("REPLIMEND_WORK_BUCKET"),
            batch_role=read.text("REPLIMEND_BATCH_ROLE"),
            reader_role=read.text("REPLIMEND_READER_ROLE"),
            repairer_role=read.text("REPLIMEND_REPAIRER_ROLE"),
            external_id=read.optional_text("REPLIMEND_EXTERNAL_ID"),
            consistency_wait=timedelta(seconds=read.number("REPLIMEND_CONSISTENCY_WAIT")),
            approval_valid=timedelta(hours=read.number("REPLIMEND_APPROVAL_HOURS")),
            requests_per_second=read.number("REPLIMEND_REQUESTS_PER_SECOND"),
            consent=read.consent("REPLIMEND_RECOPY_METHODS"),
            limits=Limits(
                mode=read.mode("REPLIMEND_MODE"),
                source_buckets=read.buckets("REPLIMEND_SOURCE_BUCKETS"),
                destination_buckets=read.buckets("REPLIMEND_DESTINATION_BUCKETS"),
                replication_roles=read.names("REPLIMEND_REPLICATION_ROLES"),
                repairable_keys=read.names("REPLIMEND_REPAIRABLE_KEYS"),
                accounts=read.names("REPLIMEND_ACCOUNTS"),
                allowed_changes=read.names("REPLIMEND_ALLOWED_CHANGES"),
                changes_per_hour=read.number("REPLIMEND_CHANGES_PER_HOUR"),
                changes_per_incident=read.number("REPLIMEND_CHANGES_PER_INCIDENT"),
                policy_size_share=read.number("REPLIMEND_POLICY_SIZE_SHARE"),
                hours=read.hours("REPLIMEND_CHANGE_HOURS"),
                required_tag=read.tag("REPLIMEND_REQUIRED_TAG"),
                own=OwnParts.of_stack(
                    stack=read.text("REPLIMEND_STACK"),
                    account=read.text("REPLIMEND_HOME_ACCOUNT"),
                    batch_role=read.text("REPLIMEND_BATCH_ROLE"),
                    member_roles=frozenset(
                        {
                            read.text("REPLIMEND_READER_ROLE"),
                            read.text("REPLIMEND_REPAIRER_ROLE"),
                        }
                    ),
                    work_bucket=read.text("REPLIMEND_WORK_BUCKET"),
                ),
            ),
        )


class _Reader:
    """Reads one variable at a time; whatever is wrong is told with the variable's name."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env

    def text(self, name: str) -> str:
        value = self.optional_text(name)
        if not value:
            raise MissingSettingError(f"the setting {name} is missing or empty")
        return value

    def optional_text(self, name: str) -> str:
        if name not in self._env:
            raise MissingSettingError(f"the setting {name} is missing")
        return self._env[name].strip()

    def names(self, name: str) -> frozenset[str]:
        """A comma-separated list; empty is allowed, and then nothing is listed."""
        return frozenset(filter(None, map(str.strip, self.optional_text(name).split(","))))

    def buckets(self, name: str) -> frozenset[str]:
        """The bucket names of a list of bucket ARNs."""
        try:
            buckets = {arn: Arn.parse(arn).bucket_name for arn in self.names(name)}
        except MalformedArnError as error:
            raise MissingSettingError(f"the setting {name} lists no bucket ARN: {error}") from error
        if unusable := [arn for arn, bucket in buckets.items() if bucket is None]:
            raise MissingSettingError(f"the setting {name} lists {unusable[0]}, no bucket's ARN")
        return frozenset(bucket for bucket in buckets.values() if bucket is not None)

    def number(self, name: str) -> int:
        value = self.text(name)
        if not value.isdecimal():
            raise MissingSettingError(f"the setting {name} is {value!r}, not a whole number")
        return int(value)

    def hours(self, name: str) -> Hours | None:
        """A window of the week; empty is any time."""
        value = self.optional_text(name)
        try:
            return Hours.parse(value) if value else None
        except MalformedHoursError as error:
            raise MissingSettingError(f"the setting {name}: {error}") from error

    def tag(self, name: str) -> Tag | None:
        """A tag as `key=value`; empty is none."""
        value = self.optional_text(name)
        key, equals, wanted = value.partition("=")
        if not value:
            return None
        if not key or not equals or not wanted or Tag(key=key, value=wanted) == OPTED_OUT:
            raise MissingSettingError(f"the setting {name} is {value!r}, not a tag like key=value")
        return Tag(key=key, value=wanted)

    def consent(self, name: str) -> Consent:
        """The methods of re-copying in a comma-separated list."""
        self.text(name)
        try:
            return Consent.to(self.names(name))
        except ValueError as error:
            raise MissingSettingError(f"the setting {name}: {error}") from error

    def mode(self, name: str) -> Mode:
        value = self.text(name)
        try:
            return Mode(value)
        except ValueError as error:
            modes = ", ".join(Mode)
            raise MissingSettingError(f"the setting {name} is {value!r}, not {modes}") from error
