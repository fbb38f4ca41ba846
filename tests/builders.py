"""Messages as AWS sends them, shaped from its documentation, with boring defaults.

The defaults are the flagship pair: `orders-ireland` replicates to `orders-frankfurt` in another
account and Region. A test names only what it is about.
"""

import json
from typing import Any
from urllib.parse import quote_plus

type AwsJson = dict[str, Any]
"""A JSON object as an AWS service writes it."""

SOURCE_ACCOUNT = "111111111111"
SOURCE_REGION = "eu-west-1"
SOURCE_BUCKET = "orders-ireland"
SOURCE_KEY_ARN = "arn:aws:kms:eu-west-1:111111111111:key/11111111-1111-4111-8111-111111111111"
DESTINATION_ACCOUNT = "222222222222"
DESTINATION_REGION = "eu-central-1"
DESTINATION_BUCKET = "orders-frankfurt"
DESTINATION_KEY_ARN = (
    "arn:aws:kms:eu-central-1:222222222222:key/22222222-2222-4222-8222-222222222222"
)
RULE_ID = "to-frankfurt"
ROLE_ARN = "arn:aws:iam::111111111111:role/replication/orders-replication"
SESSION_ARN = "arn:aws:sts::111111111111:assumed-role/orders-replication/s3-replication"
OBJECT_KEY = "reports/2026 Q1 übersicht.pdf"
VERSION_ID = "L.H7iCswW4ccN4Ku2uzX7o0TyV0tEZzN"
INCIDENT_ID = "f4a33ea50020"
PLAN_HASH = "fb67ba4ec3e7c2347dee875379b98d81"
CHANGE_ID = "c174bc27f97c"
SIGNAL_QUEUE_ARN = "arn:aws:sqs:eu-west-1:111111111111:replimend-SignalQueue-EXAMPLE"


def replication_failed(
    *,
    reason: str = "DstPutObjectNotPermitted",
    key: str = OBJECT_KEY,
    bucket: str = SOURCE_BUCKET,
    version_id: str = VERSION_ID,
    destination_bucket: str = DESTINATION_BUCKET,
    rule_id: str = RULE_ID,
    event_name: str = "Replication:OperationFailedReplication",
) -> AwsJson:
    """An S3 notification of one failed replication; the key is given plain and sent encoded."""
    return {
        "Records": [
            {
                "eventVersion": "2.2",
                "eventSource": "aws:s3",
                "awsRegion": SOURCE_REGION,
                "eventTime": "2026-01-15T10:00:32.527Z",
                "eventName": event_name,
                "userIdentity": {"principalId": "s3.amazonaws.com"},
                "requestParameters": {"sourceIPAddress": "s3.amazonaws.com"},
                "responseElements": {
                    "x-amz-request-id": "11111111-1111-4111-8111-000000000001",
                    "x-amz-id-2": "EXAMPLE/host/id=",
                },
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": "ReplicationFailures",
                    "bucket": {
                        "name": bucket,
                        "ownerIdentity": {"principalId": SOURCE_ACCOUNT},
                        "arn": f"arn:aws:s3:::{bucket}",
                    },
                    "object": {
                        "key": quote_plus(key, safe="/"),
                        "size": 520080,
                        "eTag": "e12345ca7e88a38428305d3ff7fcb99f",
                        "versionId": version_id,
                        "sequencer": "0066DA1CBF104C0D51",
                    },
                },
                "replicationEventData": {
                    "replicationRuleId": rule_id,
                    "destinationBucket": f"arn:aws:s3:::{destination_bucket}",
                    "s3Operation": "OBJECT_PUT",
                    "requestTime": "2026-01-15T09:59:59.168Z",
                    "failureReason": reason,
                },
            }
        ]
    }


def key_access_denied(
    *,
    action: str = "kms:Encrypt",
    key_arn: str = DESTINATION_KEY_ARN,
    region: str = DESTINATION_REGION,
    message: str | None = None,
    error_code: str = "AccessDenied",
    event_id: str = "33333333-3333-4333-8333-333333333333",
) -> AwsJson:
    """A CloudTrail record of a KMS call that was denied to the replication role's session."""
    if message is None:
        message = (
            f"User: {SESSION_ARN} is not authorized to perform: {action} on resource: {key_arn} "
            f"because no resource-based policy allows the {action} action"
        )
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": "AROAEXAMPLEROLEID:s3-replication",
            "arn": SESSION_ARN,
            "accountId": SOURCE_ACCOUNT,
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": "AROAEXAMPLEROLEID",
                    "arn": ROLE_ARN,
                    "accountId": SOURCE_ACCOUNT,
                    "userName": "orders-replication",
                },
                "attributes": {
                    "creationDate": "2026-01-15T09:55:00Z",
                    "mfaAuthenticated": "false",
                },
            },
            "invokedBy": "AWS Internal",
        },
        "eventTime": "2026-01-15T10:00:05Z",
        "eventSource": "kms.amazonaws.com",
        "eventName": action.removeprefix("kms:"),
        "awsRegion": region,
        "sourceIPAddress": "AWS Internal",
        "userAgent": "AWS Internal",
        "errorCode": error_code,
        "errorMessage": message,
        "requestParameters": None,
        "responseElements": None,
        "requestID": "44444444-4444-4444-8444-444444444444",
        "eventID": event_id,
        "readOnly": True,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": SOURCE_ACCOUNT,
        "eventCategory": "Management",
    }


def s3_test_event(*, bucket: str = SOURCE_BUCKET) -> AwsJson:
    """What S3 sends to a queue when a notification is configured; it has no records."""
    return {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": "2026-01-15T09:00:00.089Z",
        "Bucket": bucket,
        "RequestId": "5582815E1AEA5ADF",
        "HostId": "EXAMPLE/host/id=",
    }


def pipe_event(notification: AwsJson, *, replay_name: str | None = None) -> AwsJson:
    """An S3 notification as the Pipe puts it on our bus."""
    return _bus_event(
        notification,
        source="replimend.notifications",
        detail_type="S3 Replication Notification",
        region=SOURCE_REGION,
        replay_name=replay_name,
    )


def cloudtrail_event(record: AwsJson, *, replay_name: str | None = None) -> AwsJson:
    """A CloudTrail record of a KMS call as EventBridge delivers it."""
    return _bus_event(
        record,
        source="aws.kms",
        detail_type="AWS API Call via CloudTrail",
        region=record["awsRegion"],
        replay_name=replay_name,
    )


def sns_envelope(message: AwsJson) -> AwsJson:
    """A message as SNS sends it to a queue without raw delivery."""
    return {
        "Type": "Notification",
        "MessageId": "66666666-6666-4666-8666-666666666666",
        "TopicArn": "arn:aws:sns:eu-west-1:111111111111:replication-failures",
        "Subject": "Amazon S3 Notification",
        "Message": json.dumps(message),
        "Timestamp": "2026-01-15T10:00:33.000Z",
        "SignatureVersion": "1",
    }


def sqs_event(*bodies: AwsJson | str) -> AwsJson:
    """What Lambda gives a function for these messages of SignalQueue, one record a body."""
    return {"Records": [_sqs_record(body, index) for index, body in enumerate(bodies)]}


def _bus_event(
    detail: AwsJson, *, source: str, detail_type: str, region: str, replay_name: str | None
) -> AwsJson:
    replayed = {} if replay_name is None else {"replay-name": replay_name}
    return {
        "version": "0",
        "id": "55555555-5555-4555-8555-555555555555",
        "detail-type": detail_type,
        "source": source,
        "account": SOURCE_ACCOUNT,
        "time": "2026-01-15T10:00:33Z",
        "region": region,
        "resources": [],
        **replayed,
        "detail": detail,
    }


def _sqs_record(body: AwsJson | str, index: int) -> AwsJson:
    return {
        "messageId": f"77777777-7777-4777-8777-{index:012d}",
        "receiptHandle": f"EXAMPLE-receipt-handle-{index}",
        "body": body if isinstance(body, str) else json.dumps(body, ensure_ascii=False),
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1768471233000",
            "SenderId": "AROAEXAMPLESENDERID:events",
            "ApproximateFirstReceiveTimestamp": "1768471233005",
        },
        "messageAttributes": {},
        "md5OfBody": "00000000000000000000000000000000",
        "eventSource": "aws:sqs",
        "eventSourceARN": SIGNAL_QUEUE_ARN,
        "awsRegion": SOURCE_REGION,
    }
