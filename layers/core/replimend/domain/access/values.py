"""Condition values that are more than text; a text of the wrong form has no value."""

import binascii
import ipaddress
import re
from base64 import b64decode
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
"""Less than Python takes, which knows `1_0`, blanks around, NaN, and other scripts' digits."""


def read_number(text: str) -> Decimal | None:
    """A number, in plain digits as JSON and Java write it."""
    try:
        return Decimal(text) if NUMBER.fullmatch(text) else None
    except InvalidOperation:
        return None  # an exponent beyond all bounds


def read_moment(text: str) -> datetime | None:
    """An ISO 8601 date of the W3C profile, in UTC unless it says otherwise, or Unix seconds.

    Four digits are a year, since the profile has such dates and 1970 is of no use in a policy.
    """
    try:
        if len(text) > len("2026") and text.isdecimal():
            return datetime.fromtimestamp(int(text), UTC)
        if len(text) in {len("2026"), len("2026-06")}:
            text += "-01-01" if len(text) == len("2026") else "-01"
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """An address or a CIDR range of IPv4 or IPv6; a lone address is the range of itself."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def read_bytes(text: str) -> bytes | None:
    """The bytes that a base64 text stands for."""
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
