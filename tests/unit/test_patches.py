"""A patch says in another language exactly what was written: read back, it is the same document."""

import json
import re
from typing import Any

import pytest
import yaml

from replimend.domain.documents import Document, PolicyDocument
from replimend.domain.repair.changes import ChangeRecord
from replimend.domain.repair.patches import PatchFormat, UnpatchableError, patch_of
from replimend.domain.repair.plan import ChangeKind
from tests.facts import DESTINATION_KEY, ROLE_ARN
from tests.incidents import a_change

ODD = PolicyDocument.of(
    {
        "Version": "2012-10-17",
        "Id": 'quotes " and \\ back\nslashes ü 🗝',
        "Statement": [
            {
                "Sid": "Odd",
                "Effect": "Allow",
                "Principal": {"AWS": ROLE_ARN},
                "Action": ["kms:Encrypt", "kms:Decrypt"],
                "Resource": "arn:aws:s3:::home/${aws:username}/%{x}",
                "Condition": {"Bool": {"aws:SecureTransport": True}, "Empty": {}, "None": []},
            }
        ],
    }
)
KEY_CHANGE = a_change(after=ODD)
ROLE_CHANGE = a_change(
    kind=ChangeKind.ROLE_POLICY, subject=ROLE_ARN, policy_name="replimend", after=ODD, region=""
)


def from_hcl(text: str) -> tuple[str, dict[str, Any]]:
    """The type of the one resource and its arguments; knows as much of HCL as a patch uses."""
    found = re.search(r'^resource "(\w+)" "(\w+)" \{\n(.*)^\}\n\Z', text, re.DOTALL | re.MULTILINE)
    assert found is not None
    kind, body = found[1], found[3]
    plain, _, policy = body.partition("= jsonencode(")
    arguments: dict[str, Any] = {
        name: read_text(value)
        for name, value in re.findall(r'^  (\w+) += ("(?:[^"\\]|\\.)*")$', plain, re.MULTILINE)
    }
    arguments["policy"] = read_value(policy.rstrip().removesuffix(")"))
    return kind, arguments


def read_text(quoted: str) -> str:
    text = str(json.loads(quoted))
    assert not re.search(r"(?<!\$)\$\{|(?<!%)%\{", text), "HCL would take this for a template"
    return text.replace("$${", "${").replace("%%{", "%{")


def read_value(expression: str) -> Any:
    """An HCL object is JSON but for its `=`, its missing commas and the trailing ones in lists."""
    lines = []
    for line in expression.splitlines():
        entry = re.match(r'^(\s*"(?:[^"\\]|\\.)*") += (.*)$', line)
        lines.append(f"{entry[1]}: {entry[2]}" if entry else line)
    joined = "\n".join(
        f"{line}," if re.search(r'["\w\]}]$', line) and not line.endswith(("{", "[")) else line
        for line in lines
    ).rstrip(",")
    loaded = json.loads(re.sub(r",(\s*[}\]])", r"\1", joined))
    return unescaped(loaded)


def unescaped(value: Any) -> Any:
    match value:
        case str():
            return read_text(json.dumps(value))
        case dict():
            return {unescaped(key): unescaped(each) for key, each in value.items()}
        case list():
            return [unescaped(each) for each in value]
        case _:
            return value


def test_terraform_replaces_the_policy_of_a_key() -> None:
    kind, arguments = from_hcl(patch_of(KEY_CHANGE, PatchFormat.TERRAFORM))

    assert kind == "aws_kms_key_policy"
    assert arguments == {"key_id": DESTINATION_KEY, "policy": ODD.content}


def test_terraform_writes_the_inline_policy_of_a_role() -> None:
    kind, arguments = from_hcl(patch_of(ROLE_CHANGE, PatchFormat.TERRAFORM))

    assert kind == "aws_iam_role_policy"
    assert arguments == {"name": "replimend", "role": "orders-replication", "policy": ODD.content}


@pytest.mark.parametrize(
    ("change", "kind", "properties"),
    [
        (KEY_CHANGE, "AWS::KMS::Key", {"KeyPolicy": ODD.content}),
        (
            ROLE_CHANGE,
            "AWS::IAM::RolePolicy",
            {
                "PolicyName": "replimend",
                "RoleName": "orders-replication",
                "PolicyDocument": ODD.content,
            },
        ),
    ],
    ids=["key", "role"],
)
def test_cloudformation_takes_the_patch_as_yaml_and_as_json(
    change: ChangeRecord, kind: str, properties: dict[str, Any]
) -> None:
    text = patch_of(change, PatchFormat.CLOUDFORMATION)

    for template in (json.loads(text), yaml.safe_load(text)):
        ((name, resource),) = template["Resources"].items()
        assert name.isalnum()
        assert (resource["Type"], resource["Properties"]) == (kind, properties)


@pytest.mark.parametrize("change", [KEY_CHANGE, ROLE_CHANGE], ids=["key", "role"])
def test_plain_json_is_the_document_itself(change: ChangeRecord) -> None:
    assert json.loads(patch_of(change, PatchFormat.JSON)) == ODD.content


GRANT = Document.of(
    {
        "Name": "replimend-destination-0123456789ab",
        "GranteePrincipal": ROLE_ARN,
        "Operations": ["Decrypt", "Encrypt"],
        "Constraints": {"EncryptionContextSubset": {"aws:s3:arn": "arn:aws:s3:::orders-frankfurt"}},
    }
)
GRANTED = a_change(kind=ChangeKind.GRANT, before=None, after=GRANT)


def test_a_grant_is_a_resource_of_terraform() -> None:
    text = patch_of(GRANTED, PatchFormat.TERRAFORM)

    body = "\n".join(text.splitlines()[1:])
    assert body == (
        'resource "aws_kms_grant" "replimend_22222222_2222_4222_8222_222222222222" {\n'
        '  name              = "replimend-destination-0123456789ab"\n'
        f'  key_id            = "{DESTINATION_KEY}"\n'
        f'  grantee_principal = "{ROLE_ARN}"\n'
        "  operations = [\n"
        '    "Decrypt",\n'
        '    "Encrypt",\n'
        "  ]\n"
        "\n"
        "  constraints {\n"
        "    encryption_context_subset = {\n"
        '      "aws:s3:arn" = "arn:aws:s3:::orders-frankfurt"\n'
        "    }\n"
        "  }\n"
        "}"
    )


@pytest.mark.parametrize(
    ("kind", "form", "says"),
    [
        ("grant", PatchFormat.CLOUDFORMATION, "no resource for a KMS grant"),
        ("replication_configuration", PatchFormat.TERRAFORM, "as JSON alone"),
        ("replication_configuration", PatchFormat.CLOUDFORMATION, "as JSON alone"),
        ("key_state", PatchFormat.TERRAFORM, "is_enabled in Terraform"),
        ("key_state", PatchFormat.CLOUDFORMATION, "Enabled in CloudFormation"),
    ],
)
def test_what_a_format_has_no_words_for_is_said_with_the_reason(
    kind: str, form: PatchFormat, says: str
) -> None:
    change = a_change(kind=ChangeKind(kind), after=GRANT)

    with pytest.raises(UnpatchableError, match=says):
        patch_of(change, form)


@pytest.mark.parametrize("kind", ["grant", "replication_configuration", "key_state"])
def test_every_change_has_a_patch_as_json(kind: str) -> None:
    change = a_change(kind=ChangeKind(kind), after=GRANT)

    assert json.loads(patch_of(change, PatchFormat.JSON)) == GRANT.content
