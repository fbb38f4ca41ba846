"""Short ways to ask the evaluator; every argument has a boring default.

The defaults are a role's S3 replication session that encrypts with a key of its own account.
"""

from collections.abc import Mapping
from typing import Any

from replimend.domain.access import Grant, Layers, Level, Policy, Request
from replimend.domain.unavailable import Unavailable

ACCOUNT = "111111111111"
OTHER_ACCOUNT = "222222222222"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/repl"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/repl/s3-replication"
USER = f"arn:aws:iam::{ACCOUNT}:user/ann"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
KEY = f"arn:aws:kms:eu-west-2:{ACCOUNT}:key/1234"
OTHER_KEY = f"arn:aws:kms:eu-west-2:{OTHER_ACCOUNT}:key/1234"
OBJECT = "arn:aws:s3:::dst/tax/a.pdf"
UNREAD = Unavailable(reason="AccessDenied on the read")

type Statement = dict[str, Any]
type Context = Mapping[str, str | tuple[str, ...]]

ALLOW_ALL: Statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
DENY_ALL: Statement = {"Effect": "Deny", "Action": "*", "Resource": "*"}
ALLOW_NOTHING: Statement = {"Effect": "Allow", "Action": "iam:GetRole", "Resource": "*"}


def request(
    *,
    principal: str = SESSION,
    principal_account: str = ACCOUNT,
    action: str = "kms:Encrypt",
    resource: str = KEY,
    resource_account: str = ACCOUNT,
    context: Context | None = None,
    role_arn: str | None = None,
) -> Request:
    return Request(
        principal=principal,
        principal_account=principal_account,
        action=action,
        resource=resource,
        resource_account=resource_account,
        context=context or {},
        role_arn=role_arn,
    )


def to_object(**named: Any) -> Request:
    return request(action="s3:ReplicateObject", resource=OBJECT, **named)


def to_other_key(**named: Any) -> Request:
    return request(resource=OTHER_KEY, resource_account=OTHER_ACCOUNT, **named)


def policy(*statements: Statement, name: str = "policy", version: str = "2012-10-17") -> Policy:
    return Policy.parse({"Version": version, "Statement": list(statements)}, name=name)


def layers(
    *,
    identity: tuple[Statement, ...] | Unavailable = (),
    resource: tuple[Statement, ...] | Unavailable | None = None,
    boundary: tuple[Statement, ...] | Unavailable | None = None,
    session: tuple[Statement, ...] | Unavailable | None = None,
    scps: tuple[Level, ...] | Unavailable = (),
    rcps: tuple[Level, ...] | Unavailable = (),
    endpoint: tuple[Statement, ...] | Unavailable | None = None,
    grants: tuple[Grant, ...] | Unavailable = (),
) -> Layers:
    return Layers(
        identity=identity
        if isinstance(identity, Unavailable)
        else (policy(*identity, name="identity"),),
        resource=policy(*resource, name="resource") if isinstance(resource, tuple) else resource,
        boundary=(policy(*boundary),) if isinstance(boundary, tuple) else boundary,
        session=(policy(*session),) if isinstance(session, tuple) else session,
        scps=scps,
        rcps=rcps,
        endpoint=(policy(*endpoint),) if isinstance(endpoint, tuple) else endpoint,
        grants=grants,
    )


def level(*statements: Statement, name: str = "r-root") -> Level:
    return Level(name=name, policies=(policy(*statements),))


def allow(principal: object = None, **elements: Any) -> Statement:
    return _statement("Allow", principal, elements)


def deny(principal: object = None, **elements: Any) -> Statement:
    return _statement("Deny", principal, elements)


def grant(**fields: Any) -> Grant:
    return Grant.parse(
        {
            "KeyId": KEY,
            "GrantId": "abcde123",
            "Name": "replication",
            "GranteePrincipal": ROLE,
            "Operations": ["Encrypt", "Decrypt"],
            **fields,
        }
    )


def _statement(effect: str, principal: object, elements: Statement) -> Statement:
    named = {} if principal is None else {"Principal": principal}
    action = {} if "NotAction" in elements else {"Action": "*"}
    resource = {} if "NotResource" in elements else {"Resource": "*"}
    return {"Effect": effect, **named, **action, **resource, **elements}
