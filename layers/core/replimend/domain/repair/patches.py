"""A change as a patch for the code that manages the policy elsewhere, and would undo it.

Each format carries the whole new document: Terraform and CloudFormation replace a policy, and do
not add to one. Nothing in the text is evaluated there: what HCL or CloudFormation would take for
an expression of its own is escaped.
"""

import json
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import groupby
from typing import assert_never

from replimend.domain.arn import Arn
from replimend.domain.documents import Json
from replimend.domain.repair.changes import ChangeRecord
from replimend.domain.repair.plan import ChangeKind


class PatchFormat(StrEnum):
    """The languages that a patch is written in."""

    TERRAFORM = "terraform"
    CLOUDFORMATION = "cloudformation"
    JSON = "json"


UNPATCHABLE = {
    ChangeKind.REPLICATION_CONFIGURATION: "a replication configuration is patched as JSON alone, "
    "just as PutBucketReplication takes it: your code words the whole of it otherwise, and only "
    "the one rule differs",
    ChangeKind.KEY_STATE: "the state of a key is patched as JSON alone: see that your code does "
    "not disable the key (is_enabled in Terraform, Enabled in CloudFormation)",
}
"""Why a kind of change has no patch but JSON."""

_HCL_ESCAPES = {
    **{chr(code): f"\\u{code:04x}" for code in range(32)},
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    '"': '\\"',
    "\\": "\\\\",
}


class UnpatchableError(ValueError):
    """A change that the format has no words for; the message says which."""


def patch_of(change: ChangeRecord, form: PatchFormat) -> str:
    """The change as text of this format, ending in a newline; UnpatchableError if there is none."""
    match form:
        case PatchFormat.TERRAFORM:
            return _terraform(change)
        case PatchFormat.CLOUDFORMATION:
            return _indented(_cloudformation(change))
        case PatchFormat.JSON:
            return _indented(change.after.content)
        case unreachable:
            assert_never(unreachable)


def _terraform(change: ChangeRecord) -> str:
    """An HCL resource; `import` blocks are left to whoever knows the state."""
    kind, where = _terraform_resource(change)
    arguments = {name: _hcl(value, indent=1) for name, value in where.items()}
    if change.kind is not ChangeKind.GRANT:
        arguments["policy"] = f"jsonencode({_hcl(change.after.content, indent=1)})"
    return "\n".join(
        [
            f"# Replimend, change {change.change_id} of incident {change.incident_id}",
            f'resource "{kind}" "{_name(change)}" {{',
            *_aligned(arguments, "  "),
            *(_constraints(change) if change.kind is ChangeKind.GRANT else ()),
            "}",
            "",
        ]
    )


def _constraints(change: ChangeRecord) -> Iterator[str]:
    """The constraints of a grant, which are a block there and no argument."""
    subset = change.after.content["Constraints"]["EncryptionContextSubset"]
    yield ""
    yield "  constraints {"
    yield from _aligned({"encryption_context_subset": _hcl(subset, indent=2)}, "    ")
    yield "  }"


def _terraform_resource(change: ChangeRecord) -> tuple[str, Mapping[str, Json]]:
    kind: str = change.kind.value
    if kind == "grant":
        return "aws_kms_grant", _grant_arguments(change)
    if kind == "key_policy":
        return "aws_kms_key_policy", {"key_id": change.subject}
    if kind == "role_policy":
        return "aws_iam_role_policy", {"name": change.policy_name or "", "role": _role(change)}
    if kind == "bucket_policy":
        return "aws_s3_bucket_policy", {"bucket": _bucket(change)}
    raise UnpatchableError(UNPATCHABLE[change.kind])


def _grant_arguments(change: ChangeRecord) -> Mapping[str, Json]:
    grant = change.after.content
    return {
        "name": grant["Name"],
        "key_id": change.subject,
        "grantee_principal": grant["GranteePrincipal"],
        "operations": grant["Operations"],
    }


def _cloudformation(change: ChangeRecord) -> Mapping[str, Json]:
    """A template's part; of a key, whose policy is no resource of its own, the one property."""
    kind, properties = _cloudformation_resource(change)
    name = "".join(part.title() for part in _name(change).split("_"))
    about = f"change {change.change_id} of {change.subject}"
    return {
        "Resources": {
            name: {"Type": kind, "Metadata": {"Replimend": about}, "Properties": properties}
        }
    }


def _cloudformation_resource(change: ChangeRecord) -> tuple[str, Mapping[str, Json]]:
    kind: str = change.kind.value
    document = change.after.content
    if kind == "key_policy":
        return "AWS::KMS::Key", {"KeyPolicy": document}
    if kind == "role_policy":
        return "AWS::IAM::RolePolicy", {
            "PolicyName": change.policy_name,
            "RoleName": _role(change),
            "PolicyDocument": document,
        }
    if kind == "bucket_policy":
        return "AWS::S3::BucketPolicy", {"Bucket": _bucket(change), "PolicyDocument": document}
    if kind == "grant":
        raise UnpatchableError(
            "CloudFormation has no resource for a KMS grant: allow the same in the key policy, or "
            "take the patch for Terraform, or as JSON, which CreateGrant takes"
        )
    raise UnpatchableError(UNPATCHABLE[change.kind])


def _role(change: ChangeRecord) -> str:
    return Arn.parse(change.subject).role_name or change.subject


def _bucket(change: ChangeRecord) -> str:
    return Arn.parse(change.subject).bucket_name or change.subject


def _name(change: ChangeRecord) -> str:
    last = re.sub(r"\W+", "_", Arn.parse(change.subject).resource.rpartition("/")[2])
    return f"replimend_{last}".lower()


def _hcl(value: Json, *, indent: int) -> str:
    """A JSON value as an HCL expression, whose objects have `=` and whose texts have templates."""
    inner, outer = "  " * (indent + 1), "  " * indent
    match value:
        case str():
            return _hcl_text(value)
        case {}:
            pairs = {_hcl_text(str(k)): _hcl(each, indent=indent + 1) for k, each in value.items()}
            entries = list(_aligned(pairs, inner))
            return "\n".join(["{", *entries, f"{outer}}}"]) if entries else "{}"
        case [*items]:
            parts = [f"{inner}{_hcl(each, indent=indent + 1)}," for each in items]
            return "\n".join(["[", *parts, f"{outer}]"]) if parts else "[]"
        case _:
            return json.dumps(value)


def _aligned(pairs: Mapping[str, str], indent: str) -> Iterator[str]:
    """Lines `name = value` as `terraform fmt` has them: neighbours on one line each line up."""
    for is_long, group in groupby(pairs.items(), key=lambda pair: "\n" in pair[1]):
        together = list(group)
        width = 0 if is_long else max(len(name) for name, _ in together)
        yield from (f"{indent}{name:<{width}} = {value}" for name, value in together)


def _hcl_text(text: str) -> str:
    r"""A quoted HCL text; `${` and `%{` begin templates there, and policy variables are none.

    HCL knows fewer escapes than JSON: no `\b`, no `\f`, no surrogate pairs.
    """
    escaped = "".join(_HCL_ESCAPES.get(each, each) for each in text)
    return f'"{escaped}"'.replace("${", "$${").replace("%{", "%%{")


def _indented(content: Mapping[str, Json]) -> str:
    # YAML reads JSON, but no surrogate pairs: characters stand for themselves.
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
