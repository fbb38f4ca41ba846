"""The lab's own API calls in one account and Region: unjudged, unrecorded, straight to moto."""

import json
from dataclasses import dataclass
from typing import Any, cast

from botocore.exceptions import ClientError

from lab.documents import Json
from lab.errors import TemplateError
from lab.gate import Gate
from lab.template import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Aws:
    """AWS as the lab's own parts see it in one account and Region."""

    gate: Gate
    account: str
    region: str

    def call(self, service: str, operation: str, **parameters: object) -> dict[str, Any]:
        """Make this call; parameters that are None are left out. A refusal is a `ClientError`."""
        client = self.gate.backstage(service, self.account, self.region)
        given = {name: value for name, value in parameters.items() if value is not None}
        return cast("dict[str, Any]", getattr(client, operation)(**given))

    def exists(self, service: str, operation: str, **parameters: object) -> bool:
        """Whether this reading call finds what it names."""
        try:
            self.call(service, operation, **parameters)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:  # noqa: PLR2004 - moto's own failure, not an answer
                raise
            return False
        return True


def as_text(document: Json) -> str | None:
    """A policy or pattern as the APIs take it; templates may hold it as text already."""
    if document is None or isinstance(document, str):
        return document
    return json.dumps(document)


def listed(resource: Resource, name: str) -> list[Json]:
    """The property's elements; none without it, `TemplateError` where it is no list."""
    value = resource.properties.get(name, [])
    if not isinstance(value, list):
        raise TemplateError(f"Resources.{resource.logical_id}.Properties.{name}: is not a list")
    return value


def fields_of(resource: Resource, name: str) -> dict[str, Json]:
    """The property's fields; none without it, `TemplateError` where it is no mapping."""
    value = resource.properties.get(name, {})
    if not isinstance(value, dict):
        raise TemplateError(f"Resources.{resource.logical_id}.Properties.{name}: is not a mapping")
    return value
