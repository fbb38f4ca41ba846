"""What an access-denied message says: who, what, on what, and which layer refused.

The forms are those of IAM's and KMS's own texts (aws-facts 4). A message names one layer at most,
though several may deny, and what it does not say stays None or unknown. It is evidence and never
an instruction: session names and object keys in it are other people's text.

Every step below is one search or one anchored match over the text, so the time is linear in it.
"""

import re
from enum import StrEnum
from typing import Final, NamedTuple


class DenialLayer(StrEnum):
    """The kind of policy that refused, as far as the message says."""

    IDENTITY = "identity"
    RESOURCE = "resource"
    BOUNDARY = "boundary"
    SESSION = "session"
    SCP = "scp"
    RCP = "rcp"
    VPC_ENDPOINT = "vpc_endpoint"
    TRUST = "trust"
    UNKNOWN = "unknown"


class DenialEffect(StrEnum):
    """Whether a statement denied, none allowed, or the message leaves that open."""

    EXPLICIT = "explicit"
    IMPLICIT = "implicit"
    AMBIGUOUS = "ambiguous"


class Denial(NamedTuple):
    """What one access-denied message says; what it does not say is None.

    `principal`, `action` and `resource` are the message's own words: mostly ARNs, not always.
    Denials come by the thousand, and a named tuple is made in half a frozen dataclass's time.
    """

    principal: str | None
    action: str | None
    resource: str | None
    layer: DenialLayer
    effect: DenialEffect
    policy_arn: str | None


SILENT: Final = Denial(
    principal=None,
    action=None,
    resource=None,
    layer=DenialLayer.UNKNOWN,
    effect=DenialEffect.AMBIGUOUS,
    policy_arn=None,
)
"""What a message says that says nothing: `Access Denied`, or a text that is no denial.

KMS's oldest message is one of them: the ciphertext's key "does not exist, does not exist in this
region, or you are not allowed to access" it.
"""


def parse_denial(text: str) -> Denial:
    """What an access-denied message says; any text gives an answer, in time linear in its length.

    The message may stand inside an SDK's error text, be broken over lines, or be cut off.
    """
    if len(text) < _CLOUDTRAIL_LIMIT and (usual := _USUAL.fullmatch(text)):
        principal, action, resource, layer = usual.groups()
        return Denial(
            principal=principal,
            action=action,
            resource=resource,
            layer=_LAYERS[layer],
            effect=DenialEffect.IMPLICIT,
            policy_arn=None,
        )
    return _pieced_together(" ".join(text.split()) if "\n" in text else text)


def _pieced_together(message: str) -> Denial:
    is_cut = len(message) >= _CLOUDTRAIL_LIMIT or message.endswith("...")
    if is_cut:
        message = message.rpartition(" ")[0]  # the last word may be the half of one
    asked_by, refused, asked = message.partition(_REFUSED)
    if not refused:
        asked_by, asked = "", message
    reason_at = _reason_at(asked)
    if reason_at < 0:
        asked_for, (layer, effect, policy_arn) = asked, _verdict_without_reason(message)
    else:
        asked_for, (layer, effect, policy_arn) = asked[:reason_at], _verdict(asked, reason_at)
    action, _, asked_on = asked_for.lstrip(": ").partition(" ")
    is_action = refused and ":" in action
    return Denial(
        principal=_principal(asked_by),
        action=action.rstrip(".,;") if is_action else None,
        resource=_resource(asked_on) if is_action and (reason_at >= 0 or not is_cut) else None,
        layer=layer,
        effect=effect,
        policy_arn=policy_arn,
    )


_REFUSED: Final = "ot authorized to perform"  # "is not …", and STS's older "Not … sts:AssumeRole"
_CLOUDTRAIL_LIMIT: Final = 1024
"""CloudTrail cuts `errorMessage` at 1 KB (aws-facts 3.1)."""

_COLONS: Final = 5  # in an ARN before its resource
_NO_SUCH_RESOURCE: Final = " because the resource does not exist"
_BY_ENDPOINT: Final = "denied due to a VPC endpoint policy"  # all that a VpceAccessDenied says
_LAYERS: Final = {
    "identity-based": DenialLayer.IDENTITY,
    "resource-based": DenialLayer.RESOURCE,
    "permissions boundary": DenialLayer.BOUNDARY,
    "sessions": DenialLayer.SESSION,  # as older documentation prints it
    "session": DenialLayer.SESSION,
    "service control": DenialLayer.SCP,
    "resource control": DenialLayer.RCP,
    "vpc endpoint": DenialLayer.VPC_ENDPOINT,
    "role trust": DenialLayer.TRUST,
}
_LAYER: Final = f"({'|'.join(_LAYERS)})(?: policy)?"
_USUAL: Final = re.compile(
    r"User: (arn:[\w+=,.@:/-]++) is not authorized to perform: (kms:\w++)"
    r" on resource: (arn:aws[\w-]*+:kms:[\w-]++:\d++:key/[\w-]++)"
    rf" because no ({'|'.join(_LAYERS)})(?: policy)?+ allows the \2 action",
    re.ASCII,
)
"""A denied call of KMS as it is mostly told, known whole, so that nothing has to be looked for."""

_NONE_ALLOWS: Final = re.compile(rf" because no (?:{_LAYER})?", re.ASCII | re.IGNORECASE)
_ONE_DENIES: Final = re.compile(
    rf" (?:with|due to) an explicit deny\b"
    rf"(?: in (?:an?|the) {_LAYER}(?: transitively through an? {_LAYER})?(?:: (arn:\S+))?)?",
    re.ASCII | re.IGNORECASE,
)
_APPENDED: Final = re.compile(r" \(Service: |\.? Go to http")
"""What SDKs and IAM's authorization details put behind a message (aws-facts 4.1)."""


def _reason_at(asked: str) -> int:
    """Where the reason begins, or -1; the last that looks like one, as object keys come before."""
    because, denied = asked.rfind(" because "), asked.rfind(" an explicit deny")
    if denied > because:
        return max(asked.rfind(" with", 0, denied), asked.rfind(" due to", 0, denied))
    return because


def _principal(asked_by: str) -> str | None:
    """The last word before `is not authorized`; names of users and sessions hold no spaces."""
    if not asked_by.endswith(" is n"):
        return None
    word = asked_by[:-5].rpartition(" ")[2].strip("\"'()")
    return None if word in {"", "User", "User:"} else word


def _resource(asked_on: str) -> str | None:
    """What follows `on`, unless the message hides it; None for half an ARN."""
    arn_at = asked_on.find("arn:")
    if arn_at < 0:
        # "on this resource" and "on the resource associated with this ciphertext" name nothing.
        named, on_resource, name = asked_on.partition("on resource: ")
        return (name.strip('"') or None) if on_resource and not named else None
    name = asked_on[arn_at:]
    if asked_on[arn_at - 1] == '"':
        name = name.rpartition('"')[0]
    elif ":s3:" in name:
        name = _APPENDED.split(name)[0]  # an object key may hold spaces
    else:
        name = name.partition(" ")[0].rstrip(".,;")
    is_half = name.count(":") < _COLONS or name.endswith(":")
    return None if is_half else name


def _verdict(asked: str, at: int) -> tuple[DenialLayer, DenialEffect, str | None]:
    """What the reason says that stands at this place."""
    if found := _NONE_ALLOWS.match(asked, at):
        return _layer_named(found[1]), DenialEffect.IMPLICIT, None
    if found := _ONE_DENIES.match(asked, at):
        # "in a VPC endpoint policy transitively through a service control policy" is mended in
        # the second: IAM's troubleshooting page sends the reader to the SCPs.
        policy_arn = found[3]
        layer = _layer_named(found[2] or found[1])
        return layer, DenialEffect.EXPLICIT, policy_arn and policy_arn.rstrip(".,;")
    if asked.startswith(_NO_SUCH_RESOURCE, at):
        # A missing key, a silent key policy and a denying one: KMS gives all three one text.
        return DenialLayer.RESOURCE, DenialEffect.AMBIGUOUS, None
    return DenialLayer.UNKNOWN, DenialEffect.AMBIGUOUS, None


def _verdict_without_reason(message: str) -> tuple[DenialLayer, DenialEffect, str | None]:
    is_endpoint = _BY_ENDPOINT in message
    layer = DenialLayer.VPC_ENDPOINT if is_endpoint else DenialLayer.UNKNOWN
    return layer, DenialEffect.AMBIGUOUS, None


def _layer_named(words: str | None) -> DenialLayer:
    return _LAYERS[words.lower()] if words else DenialLayer.UNKNOWN
