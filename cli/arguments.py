"""What the command's arguments may be; whatever else is bad input that names the argument."""

from dataclasses import dataclass
from typing import override

import click

from replimend.errors import MalformedEventError
from replimend.inbound.fields import text
from replimend.inbound.manual import parse_manual_request

SCHEME = "s3://"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectUrl:
    """A bucket, and a key exactly as it was written: nothing in it stands for anything else."""

    bucket: str
    key: str


class ObjectUrlType(click.ParamType[ObjectUrl]):
    """`s3://bucket/key`; the key is all that follows the bucket's slash, `%`, `?` and `#` too."""

    name = "s3 url"

    @override
    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> ObjectUrl:
        """The object that the text names."""
        bucket, slash, key = str(value).removeprefix(SCHEME).partition("/")
        if not str(value).startswith(SCHEME) or not slash:
            self.fail("expected s3://bucket/key", param, ctx)
        try:
            request = parse_manual_request({"bucket": bucket, "key": key})
        except MalformedEventError as error:
            self.fail(f"{error.path}: {error.problem}", param, ctx)
        return ObjectUrl(bucket=request.bucket, key=request.key)


class TextType(click.ParamType[str]):
    """Text that is not empty: an empty one is a script's unset variable, and means nothing."""

    name = "text"

    @override
    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """The text as it stands."""
        try:
            return text({self.name: value}, self.name, "")
        except MalformedEventError as error:
            self.fail(error.problem, param, ctx)


OBJECT_URL = ObjectUrlType()
TEXT = TextType()
