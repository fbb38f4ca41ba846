"""What CloudTrail keeps of a denial by KMS, where nobody knows (aws-facts §10, question 2)."""

import re
from typing import Any

from lab.behaviour import Behaviour, DenialRecord
from lab.s3_calls import SESSION_NAME
from lab.trail import Publish

REASON = re.compile(r" (?:because|with an explicit deny) .*$", re.DOTALL)
SESSION = re.compile(rf"([/:]){SESSION_NAME}\b")


def as_recorded(publish: Publish, behaviour: Behaviour) -> Publish:
    """Publishes events as this AWS records them; all but denials by KMS pass as they are."""

    def published(account: str, region: str, event: dict[str, Any]) -> None:
        if not _is_denial(event):
            publish(account, region, event)
        elif behaviour.denial_records is not DenialRecord.NONE:
            publish(account, region, _worded(event, behaviour))

    return published


def _is_denial(event: dict[str, Any]) -> bool:
    return event["source"] == "aws.kms" and "errorCode" in event["detail"]


def _worded(event: dict[str, Any], behaviour: Behaviour) -> dict[str, Any]:
    detail = event["detail"]
    caller = behaviour.service_name_in_records
    identity = detail["userIdentity"]
    message = detail["errorMessage"]
    if behaviour.denial_records is DenialRecord.BARE:
        message = REASON.sub("", message)
    return {
        **event,
        "detail": {
            **detail,
            "userIdentity": {
                **identity,
                "invokedBy": caller,
                "arn": _renamed(identity["arn"], behaviour),
                "principalId": _renamed(identity["principalId"], behaviour),
            },
            "sourceIPAddress": caller,
            "userAgent": caller,
            "errorMessage": _renamed(message, behaviour),
        },
    }


def _renamed(text: str, behaviour: Behaviour) -> str:
    """With the session's name of this AWS, as the last part of an ARN or a principal id."""
    return SESSION.sub(lambda found: f"{found[1]}{behaviour.session_name}", text)
