"""CloudTrail records: KMS denials and batch-job changes as EventBridge delivers them, and changes.

Composed from documented samples (facts §3.3 to §3.7, §4): no public capture of a KMS denial made by
S3 replication was found, so none of these is one.
"""

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Any

from lab.identities import Caller, CallerKind
from lab.s3_calls import SESSION_NAME
from lab.wire import ApiCall

MESSAGE_LIMIT = 1024  # CloudTrail cuts an error message there (facts §3.1)


class PolicyType(StrEnum):
    """A policy layer in the words of an access-denied message."""

    IDENTITY = "identity-based policy"
    RESOURCE = "resource-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"
    SERVICE_CONTROL = "service control policy"
    RESOURCE_CONTROL = "resource control policy"
    ENDPOINT = "VPC endpoint policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDenial:
    """KMS refused one call by a session of the replication role.

    `policy_type` is the one layer that the message names.
    """

    role_arn: str
    role_id: str
    action: str
    key_arn: str
    policy_type: PolicyType
    is_explicit: bool
    at: datetime

    @property
    def caller_account(self) -> str:
        """The account of the role, the only one in which CloudTrail logs a denial."""
        return self.role_arn.split(":")[4]

    @property
    def key_region(self) -> str:
        """The Region in which CloudTrail logs the denial."""
        return self.key_arn.split(":")[3]

    @property
    def session_arn(self) -> str:
        """The session that S3 makes of the role; it drops the role's path."""
        name = self.role_arn.rsplit("/", 1)[-1]
        partition = self.role_arn.split(":")[1]
        return f"arn:{partition}:sts::{self.caller_account}:assumed-role/{name}/{SESSION_NAME}"

    @property
    def is_cross_account(self) -> bool:
        """Whether role and key are of different accounts."""
        return self.key_arn.split(":")[4] != self.caller_account


@dataclass(frozen=True, slots=True, kw_only=True)
class JobChange:
    """A batch job was created or changed its status; `event_name` is CloudTrail's word for it."""

    event_name: str
    job_id: str
    job_arn: str
    status: str
    at: datetime
    failure_codes: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def account(self) -> str:
        """The job's account."""
        return self.job_arn.split(":")[4]

    @property
    def region(self) -> str:
        """The job's Region."""
        return self.job_arn.split(":")[3]


def key_denial_event(denial: KeyDenial, random: Random) -> dict[str, Any]:
    """The event on the default bus of the caller's account in the key's Region.

    A denied KMS call leaves neither request parameters nor resources: the key is in the message,
    if anywhere (facts §3.5).
    """
    time = trail_second(denial.at)
    return {
        "version": "0",
        "id": _identifier(random),
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.kms",
        "account": denial.caller_account,
        "time": time,
        "region": denial.key_region,
        "resources": [],
        "detail": {
            "eventVersion": "1.11",
            "userIdentity": _identity(denial),
            "eventTime": time,
            "eventSource": "kms.amazonaws.com",
            "eventName": denial.action.removeprefix("kms:"),
            "awsRegion": denial.key_region,
            "sourceIPAddress": "AWS Internal",
            "userAgent": "AWS Internal",
            "errorCode": "AccessDenied",
            "errorMessage": denial_message(denial)[:MESSAGE_LIMIT],
            "requestParameters": None,
            "responseElements": None,
            "requestID": _identifier(random),
            "eventID": _identifier(random),
            "readOnly": True,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": denial.caller_account,
            "eventCategory": "Management",
        },
    }


def denial_message(denial: KeyDenial) -> str:
    """What KMS says, in the variant of facts §4.2 that fits who refused and whose key it is."""
    head = f"User: {denial.session_arn} is not authorized to perform: {denial.action}"
    if denial.is_cross_account and denial.policy_type is PolicyType.RESOURCE:
        return f"{head} on {_hidden_resource(denial)} because {_THREE_CAUSES}"
    where = "this resource" if denial.is_cross_account else f"resource: {denial.key_arn}"
    if denial.is_explicit:
        article = "an" if denial.policy_type is PolicyType.IDENTITY else "a"
        return f"{head} on {where} with an explicit deny in {article} {denial.policy_type}"
    return f"{head} on {where} because no {denial.policy_type} allows the {denial.action} action"


def job_event(change: JobChange, random: Random) -> dict[str, Any]:
    """The event on the default bus of the job's account and Region."""
    time = trail_second(change.at)
    return {
        "version": "0",
        "id": _identifier(random),
        "detail-type": "AWS Service Event via CloudTrail",
        "source": "aws.s3",
        "account": change.account,
        "time": time,
        "region": change.region,
        "resources": [],
        "detail": {
            "eventVersion": "1.05",
            "userIdentity": {"accountId": change.account, "invokedBy": "s3.amazonaws.com"},
            "eventTime": time,
            "eventSource": "s3.amazonaws.com",
            "eventName": change.event_name,
            "awsRegion": change.region,
            "sourceIPAddress": "s3.amazonaws.com",
            "userAgent": "s3.amazonaws.com",
            "requestParameters": None,
            "responseElements": None,
            "eventID": _identifier(random),
            "readOnly": False,
            "resources": [],
            "eventType": "AwsServiceEvent",
            "recipientAccountId": change.account,
            "serviceEventDetails": {
                "jobId": change.job_id,
                "jobArn": change.job_arn,
                "status": change.status,
                "jobEventId": f"{random.getrandbits(128):032x}",
                "failureCodes": list(change.failure_codes),
                "statusChangeReason": list(change.reasons),
            },
        },
    }


def caller_identity(caller: Caller, access_key: str, at: datetime) -> dict[str, Any]:
    """The `userIdentity` of a call by a person or by a role's session."""
    identity = {
        "type": "IAMUser" if caller.kind is CallerKind.PERSON else "AssumedRole",
        "principalId": caller.user_id,
        "arn": caller.principal_arn,
        "accountId": caller.account,
        "accessKeyId": access_key,
    }
    if caller.kind is CallerKind.PERSON:
        return {**identity, "userName": caller.principal_arn.rpartition("/")[2]}
    issuer = {
        "type": "Role",
        "principalId": caller.user_id.partition(":")[0],
        "arn": caller.role_arn,
        "accountId": caller.account,
        "userName": caller.role_arn.rpartition("/")[2],
    }
    attributes = {"creationDate": trail_second(at), "mfaAuthenticated": "false"}
    return {**identity, "sessionContext": {"sessionIssuer": issuer, "attributes": attributes}}


def request_parameters(call: ApiCall) -> dict[str, Any]:
    """What a record shows of a call's parameters: names begin small, and S3's are its own.

    S3 shows the bucket as `bucketName` and its policy as JSON, not as text.
    """
    if call.service != "s3":
        return {f"{name[0].lower()}{name[1:]}": value for name, value in call.params.items()}
    shown: dict[str, Any] = {"bucketName": call.params["Bucket"]}
    if call.operation == "PutBucketPolicy":
        shown["bucketPolicy"] = json.loads(call.params["Policy"])
    for name in ("ReplicationConfiguration", "VersioningConfiguration"):
        if name in call.params:
            shown[name] = call.params[name]
    return shown


def trail_second(moment: datetime) -> str:
    """A moment as CloudTrail writes it, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_THREE_CAUSES = (
    "the resource does not exist in this Region, no resource-based policies allow access, "
    "or a resource-based policy explicitly denies access"
)


def _hidden_resource(denial: KeyDenial) -> str:
    # Decrypt is asked with the ciphertext alone, so KMS has no key of the caller's to name.
    if denial.action == "kms:Decrypt":
        return "the resource associated with this ciphertext"
    return "this resource"


def _identity(denial: KeyDenial) -> dict[str, Any]:
    account = denial.caller_account
    return {
        "type": "AssumedRole",
        "principalId": f"{denial.role_id}:{SESSION_NAME}",
        "arn": denial.session_arn,
        "accountId": account,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": denial.role_id,
                "arn": denial.role_arn,
                "accountId": account,
                "userName": denial.role_arn.rsplit("/", 1)[-1],
            },
            "attributes": {
                "creationDate": trail_second(denial.at - timedelta(seconds=5)),
                "mfaAuthenticated": "false",
            },
        },
        "invokedBy": "AWS Internal",
    }


def _identifier(random: Random) -> str:
    return str(uuid.UUID(int=random.getrandbits(128), version=4))
