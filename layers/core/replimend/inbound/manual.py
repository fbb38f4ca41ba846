"""A person's question about one object to a signal."""

from replimend.domain.signals import ManualRequest
from replimend.inbound.fields import JsonObject, bucket_name, object_key, only, optional_text

_FIELDS = frozenset({"bucket", "key", "versionId"})


def is_manual_request(message: JsonObject) -> bool:
    """Whether this claims to be a request about one object."""
    return "bucket" in message and "action" not in message


def parse_manual_request(message: JsonObject) -> ManualRequest:
    """The request; its key is plain, not URL-encoded, and a field it does not know is an error."""
    only(message, _FIELDS, "")
    return ManualRequest(
        bucket=bucket_name(message, "bucket", ""),
        key=object_key(message, "key", ""),
        version_id=optional_text(message, "versionId", ""),
    )
