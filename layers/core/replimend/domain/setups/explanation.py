"""What is behind one signal, or one pasted text, with or without the set-up that it is about."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from replimend.domain.access import LayerName
from replimend.domain.denials import SILENT, Denial, DenialEffect, DenialLayer, parse_denial
from replimend.domain.diagnosis.cases import undetermined
from replimend.domain.diagnosis.causes import Confidence, Diagnosis
from replimend.domain.setups.located import Located, locate_failure, locate_request
from replimend.domain.setups.located_denials import locate_denial
from replimend.domain.setups.reported import reported_denial, reported_failure
from replimend.domain.setups.setup import Setup
from replimend.domain.signals import (
    Ignored,
    IgnoredKind,
    KeyAccessDenied,
    ManualRequest,
    ReplicationFailed,
    Signal,
)


class Subject(StrEnum):
    """What is explained."""

    REPLICATION_FAILED = "replication_failed"
    KEY_ACCESS_DENIED = "key_access_denied"
    MANUAL_REQUEST = "manual_request"
    """A person's question about one object; only a set-up can answer it."""
    IGNORED = "ignored"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The answer for one signal; what neither it nor the set-up says is None.

    `diagnosis` is None for what calls for nothing. `denial` is what refused, as the text says it
    or, with a set-up, as evaluation found it. `located` is None without a set-up.
    """

    about: Subject
    reason: str | None
    action: str | None
    principal: str | None
    resource: str | None
    denial: Denial
    diagnosis: Diagnosis | None
    next: str
    located: Located | None = None


def explain(signal: Signal, setup: Setup | None = None) -> Explanation:
    """The explanation of one signal, from what it says alone or from the set-up as well."""
    match signal:
        case ReplicationFailed():
            return _failure(signal, setup)
        case KeyAccessDenied():
            return _denied_call(signal, setup)
        case ManualRequest():
            return _request(signal, setup)
        case Ignored(kind=kind):
            return Explanation(
                about=Subject.IGNORED,
                reason=kind.value,
                action=None,
                principal=None,
                resource=None,
                denial=SILENT,
                diagnosis=None,
                next=CALLS_FOR.get(kind, "Nothing: no object failed to replicate here."),
            )
        case unreachable:
            assert_never(unreachable)


def explain_message(text: str) -> Explanation:
    """The explanation of one error text, wherever it was copied from."""
    denial = parse_denial(text)
    diagnosis = reported_denial(denial, text)
    return Explanation(
        about=Subject.MESSAGE,
        reason=None,
        action=denial.action,
        principal=denial.principal,
        resource=denial.resource,
        denial=denial,
        diagnosis=diagnosis,
        next=diagnosis.next,
    )


CALLS_FOR: Mapping[IgnoredKind, str] = {
    IgnoredKind.MISSED_THRESHOLD: "Wait: S3 still tries, and says so if it gives up.",
    IgnoredKind.KMS_OTHER_ERROR: "Look at the key (kms:DescribeKey): the call failed, but not for "
    "want of a permission.",
    IgnoredKind.NOT_TRACKED: "Read the version's replication status (s3:HeadObject): metrics lost "
    "sight of it.",
}
"""What to do about those signals that call for nothing of ours."""


def _failure(signal: ReplicationFailed, setup: Setup | None) -> Explanation:
    located = None if setup is None else locate_failure(signal, setup)
    diagnosis = located.diagnosis if located else reported_failure(signal.reason)
    return _explained(Subject.REPLICATION_FAILED, signal.reason.code, diagnosis, located)


def _denied_call(signal: KeyAccessDenied, setup: Setup | None) -> Explanation:
    located = None if setup is None else locate_denial(signal, setup)
    diagnosis = located.diagnosis if located else reported_denial(signal.denial, signal.message)
    found = _denial_found(diagnosis)
    required = diagnosis.requirement
    return Explanation(
        about=Subject.KEY_ACCESS_DENIED,
        reason=signal.error_code,
        action=signal.action,
        principal=signal.principal_arn or signal.role_arn or signal.denial.principal,
        resource=signal.key_arn or (required.resource if required else None),
        denial=found or signal.denial,
        diagnosis=diagnosis,
        next=diagnosis.next,
        located=located,
    )


def _request(signal: ManualRequest, setup: Setup | None) -> Explanation:
    if setup is None:
        diagnosis = undetermined(
            "a question says nothing of the set-up",
            f"Take a snapshot of {signal.bucket} (replimend snapshot), and give it with --setup.",
        )
        return _explained(Subject.MANUAL_REQUEST, None, diagnosis, None)
    located = locate_request(signal, setup)
    return _explained(Subject.MANUAL_REQUEST, None, located.diagnosis, located)


def _explained(
    about: Subject, reason: str | None, diagnosis: Diagnosis, located: Located | None
) -> Explanation:
    required = diagnosis.requirement
    return Explanation(
        about=about,
        reason=reason,
        action=required.action if required else None,
        principal=located.role_arn if located else None,
        resource=required.resource if required else _arn_or_none(diagnosis.subject),
        denial=_denial_found(diagnosis) or SILENT,
        diagnosis=diagnosis,
        next=diagnosis.next,
        located=located,
    )


def _denial_found(diagnosis: Diagnosis) -> Denial | None:
    """What refused, as the diagnosis has it; None where nothing was refused."""
    if diagnosis.layer is None or diagnosis.effect is None:
        return None
    required = diagnosis.requirement
    return Denial(
        principal=None,
        action=required.action if required else None,
        resource=required.resource if required else None,
        layer=_denial_layer(diagnosis.layer),
        effect=DenialEffect(diagnosis.effect),
        policy_arn=diagnosis.subject
        if diagnosis.confidence is Confidence.REPORTED
        else _denying_policy(diagnosis),
    )


def _denial_layer(layer: str) -> DenialLayer:
    """The layer in the words of a denial's text, in which a key's grants are the key's own side."""
    return DenialLayer.RESOURCE if layer == LayerName.GRANT else DenialLayer(layer)


def _denying_policy(diagnosis: Diagnosis) -> str | None:
    """The policy with the statement that denies: its name, its ARN, or what it is attached to."""
    for each in diagnosis.refused:
        if each.requirement == diagnosis.requirement:
            for layer in each.refusing_layers:
                if layer.layer == diagnosis.layer and layer.policies:
                    return layer.policies[0]
    return None


def _arn_or_none(text: str | None) -> str | None:
    return text if text is not None and text.startswith("arn:") else None
