"""Amazon Resource Names, taken apart once so that nobody else has to split them."""

import re
from dataclasses import dataclass
from typing import Self

_PARTITION = re.compile(r"aws(?:-[a-z0-9]+)*")
_PARTS = 6


class MalformedArnError(ValueError):
    """A text that should be an ARN is none; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arn:
    """An ARN of any partition (`aws`, `aws-cn`, `aws-us-gov` and those to come).

    `region` and `account` are empty where the service leaves them out, as S3 and IAM do.
    """

    partition: str
    service: str
    region: str
    account: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """The ARN that the text spells, or MalformedArnError.

        Only the last part may hold colons, spaces and whatever else an object key holds.
        """
        parts = text.split(":", _PARTS - 1)
        if len(parts) != _PARTS or parts[0] != "arn":
            raise MalformedArnError(f"{_shown(text)} is not arn:partition:service:region:account:…")
        _, partition, service, region, account, resource = parts
        if not _PARTITION.fullmatch(partition):
            raise MalformedArnError(f"{_shown(text)} names no AWS partition")
        if not service or not resource:
            raise MalformedArnError(f"{_shown(text)} names no service or no resource")
        if any(character.isspace() for character in service + region + account):
            raise MalformedArnError(f"{_shown(text)} has white space before its resource")
        return cls(
            partition=partition, service=service, region=region, account=account, resource=resource
        )

    @classmethod
    def of_bucket(cls, name: str, *, partition: str = "aws") -> Self:
        """The ARN of a bucket, which names neither Region nor account."""
        return cls(partition=partition, service="s3", region="", account="", resource=name)

    def __str__(self) -> str:
        """The ARN as text; parsing it gives an equal Arn."""
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"

    @property
    def role_name(self) -> str | None:
        """The role's name, of a role with any path or of a session of it; else None.

        Two roles of one account never share a name, whatever their paths, but only the role's own
        ARN has the path: a session's ARN drops it (aws-facts 3.4).
        """
        kind, _, rest = self.resource.partition("/")
        match self.service, kind:
            case "iam", "role":
                return rest.rpartition("/")[2] or None
            case "sts", "assumed-role":
                return rest.partition("/")[0] or None
            case _:
                return None

    @property
    def session_name(self) -> str | None:
        """The session's name, of an assumed role's ARN that has one; else None."""
        if self.service != "sts" or not self.resource.startswith("assumed-role/"):
            return None
        return self.resource.removeprefix("assumed-role/").partition("/")[2] or None

    @property
    def is_kms_key(self) -> bool:
        """Whether this names a KMS key itself; an alias is not a key."""
        return self.service == "kms" and self.resource.startswith("key/")

    @property
    def is_kms_alias(self) -> bool:
        """Whether this names an alias, to which no policy and no grant attaches."""
        return self.service == "kms" and self.resource.startswith("alias/")

    @property
    def bucket_name(self) -> str | None:
        """The bucket's name, of a bucket's ARN or of an object's in it; else None."""
        if self.service != "s3" or self.region or self.account:
            return None
        return self.resource.partition("/")[0] or None

    @property
    def object_key(self) -> str | None:
        """The object's key, of an object's ARN; else None."""
        if self.bucket_name is None:
            return None
        return self.resource.partition("/")[2] or None


def _shown(text: str, longest: int = 120) -> str:
    return repr(text if len(text) <= longest else f"{text[:longest]}…")
