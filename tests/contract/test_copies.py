"""What a copy asks of S3, what it keeps, and what becomes of S3's refusals."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest

from replimend.domain.facts import Absent, Encryption
from replimend.domain.recopy.copying import (
    Blueprint,
    CopiedPart,
    CustomerKeyed,
    DeleteMarker,
    Guard,
    NothingThere,
    Original,
    Part,
    Place,
    Refused,
    Retention,
    Stale,
    StillThere,
    TargetEncryption,
    Written,
)
from replimend.domain.unavailable import Unavailable
from replimend.errors import ThrottledError, TransientError
from replimend.gateways.copies import S3Copies
from replimend.gateways.paced import PacedS3
from replimend.inbound.originals import original_of
from tests.facts import DESTINATION_KEY, HOME, MEMBER, NOON
from tests.stubs import StubbedClients

SOURCE = Place(bucket="orders-ireland", account=HOME, region="eu-west-1")
TARGET = Place(bucket="orders-frankfurt", account=MEMBER, region="eu-central-1")
KEY, VERSION, ETAG = "a b/ü#1.pdf", "v1", '"e1"'
HEAD: dict[str, Any] = {
    "ContentLength": 7,
    "ETag": ETAG,
    "VersionId": VERSION,
    "LastModified": NOON,
    "ContentType": "application/pdf",
    "ServerSideEncryption": "aws:kms",
    "SSEKMSKeyId": DESTINATION_KEY,
    "BucketKeyEnabled": True,
}
COPIED = {"CopyObjectResult": {"ETag": '"e2"'}, "VersionId": "w1"}
OWNED = {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}
WITH_ACLS = {"OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}}
IN_A_YEAR = datetime.now(UTC).replace(microsecond=0) + timedelta(days=365)


class CountedPace:
    """No limit, but every call and every throttling is counted."""

    def __init__(self) -> None:
        self.acquired = self.slowed = 0

    def acquire(self) -> None:
        self.acquired += 1

    def throttled(self) -> None:
        self.slowed += 1


def copies(clients: StubbedClients, pace: CountedPace | None = None) -> S3Copies:
    return S3Copies(PacedS3(lambda region: clients.own("s3", region), pace or CountedPace()))


def an_original(clients: StubbedClients, **head: object) -> Original:
    clients.answers("s3", "head_object", HEAD | head)
    found = copies(clients).current(SOURCE, KEY)
    assert isinstance(found, Original)
    return found


def a_blueprint(original: Original, *, guard: Guard | None = None, **changes: Any) -> Blueprint:
    blueprint = Blueprint(
        source=SOURCE,
        target=TARGET,
        key=KEY,
        original=original,
        encryption=TargetEncryption(
            encryption=Encryption.SSE_KMS, key_arn=DESTINATION_KEY, bucket_key=True
        ),
        guard=guard or NothingThere(),
    )
    return replace(blueprint, **changes)


def asked_copy(**changes: object) -> dict[str, Any]:
    """The one CopyObject that a plain blueprint makes."""
    return {
        "Bucket": "orders-frankfurt",
        "Key": KEY,
        "ExpectedBucketOwner": MEMBER,
        "CopySource": {"Bucket": "orders-ireland", "Key": KEY, "VersionId": VERSION},
        "CopySourceIfMatch": ETAG,
        "ExpectedSourceBucketOwner": HOME,
        "IfNoneMatch": "*",
        "StorageClass": "STANDARD",
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": DESTINATION_KEY,
        "BucketKeyEnabled": True,
        "TaggingDirective": "COPY",
        "MetadataDirective": "COPY",
        **changes,
    }


# what is sent


def test_a_copy_is_pinned_at_both_ends_and_encrypted_as_the_rule_says(
    clients: StubbedClients,
) -> None:
    original = an_original(clients)
    clients.answers("s3", "get_bucket_ownership_controls", OWNED)
    clients.answers("s3", "copy_object", COPIED, **asked_copy())

    answer = copies(clients).copy(a_blueprint(original))

    assert answer == Written(version_id="w1")
    assert clients.asked[-1].region == "eu-central-1"


@pytest.mark.parametrize(
    ("head", "sent"),
    [
        ({"StorageClass": "GLACIER_IR"}, {"StorageClass": "GLACIER_IR"}),
        ({"WebsiteRedirectLocation": "/new"}, {"WebsiteRedirectLocation": "/new"}),
        (
            {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": IN_A_YEAR},
            {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": IN_A_YEAR},
        ),
        ({"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": NOON}, {}),
        ({"ObjectLockLegalHoldStatus": "ON"}, {"ObjectLockLegalHoldStatus": "ON"}),
        ({"ObjectLockLegalHoldStatus": "OFF"}, {}),
        (
            {"ChecksumSHA256": "c2hhMjU2", "ChecksumType": "FULL_OBJECT"},
            {"ChecksumAlgorithm": "SHA256"},
        ),
    ],
)
def test_what_copy_object_does_not_keep_by_itself_is_sent(
    clients: StubbedClients, head: dict[str, object], sent: dict[str, object]
) -> None:
    original = an_original(clients, **head)
    clients.answers("s3", "get_bucket_ownership_controls", OWNED)
    clients.answers("s3", "copy_object", COPIED, **asked_copy(**sent))

    assert copies(clients).copy(a_blueprint(original)) == Written(version_id="w1")


def test_double_encryption_takes_no_bucket_key(clients: StubbedClients) -> None:
    original = an_original(clients)
    encryption = TargetEncryption(encryption=Encryption.DSSE_KMS, key_arn=DESTINATION_KEY)
    asked = asked_copy(ServerSideEncryption="aws:kms:dsse")
    del asked["BucketKeyEnabled"]
    clients.answers("s3", "get_bucket_ownership_controls", OWNED)
    clients.answers("s3", "copy_object", COPIED, **asked)

    answer = copies(clients).copy(a_blueprint(original, encryption=encryption))

    assert answer == Written(version_id="w1")


def test_an_older_version_is_replaced_only_while_it_is_still_there(
    clients: StubbedClients,
) -> None:
    original = an_original(clients)
    asked = asked_copy(IfMatch='"old"')
    del asked["IfNoneMatch"]
    clients.answers("s3", "get_bucket_ownership_controls", OWNED)
    clients.answers("s3", "copy_object", COPIED, **asked)

    answer = copies(clients).copy(a_blueprint(original, guard=StillThere(etag='"old"')))

    assert answer == Written(version_id="w1")


def test_a_copy_onto_itself_sends_the_same_description_as_its_change(
    clients: StubbedClients,
) -> None:
    original = an_original(clients, Metadata={"who": "me"}, CacheControl="no-cache")
    asked = asked_copy(
        Bucket="orders-ireland",
        ExpectedBucketOwner=HOME,
        IfMatch=ETAG,
        MetadataDirective="REPLACE",
        Metadata={"who": "me"},
        ContentType="application/pdf",
        CacheControl="no-cache",
    )
    del asked["IfNoneMatch"]
    clients.answers("s3", "get_bucket_ownership_controls", OWNED)
    clients.answers("s3", "copy_object", COPIED, **asked)

    answer = copies(clients).copy(
        a_blueprint(original, guard=StillThere(etag=ETAG), target=SOURCE, onto_itself=True)
    )

    assert answer == Written(version_id="w1")


# grants


def test_grants_are_kept_where_both_buckets_have_acls(clients: StubbedClients) -> None:
    original = an_original(clients)
    owner, other = {"ID": "own", "Type": "CanonicalUser"}, {"ID": "else", "Type": "CanonicalUser"}
    everyone = {"URI": "http://acs.amazonaws.com/groups/global/AllUsers", "Type": "Group"}
    clients.answers("s3", "get_bucket_ownership_controls", WITH_ACLS)
    clients.refuses("s3", "get_bucket_ownership_controls", "OwnershipControlsNotFoundError", 404)
    clients.answers(
        "s3",
        "get_object_acl",
        {
            "Owner": {"ID": "own"},
            "Grants": [
                {"Grantee": owner, "Permission": "FULL_CONTROL"},
                {"Grantee": other, "Permission": "READ"},
                {"Grantee": everyone, "Permission": "READ"},
            ],
        },
    )
    clients.answers(
        "s3",
        "copy_object",
        COPIED,
        **asked_copy(GrantFullControl='id="own"', GrantRead=f'id="else", uri="{everyone["URI"]}"'),
    )

    assert copies(clients).copy(a_blueprint(original)) == Written(version_id="w1")


def test_the_owners_own_grant_alone_is_not_sent(clients: StubbedClients) -> None:
    original = an_original(clients)
    owner = {"Grantee": {"ID": "own", "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}
    clients.answers("s3", "get_bucket_ownership_controls", WITH_ACLS)
    clients.answers("s3", "get_bucket_ownership_controls", WITH_ACLS)
    clients.answers("s3", "get_object_acl", {"Owner": {"ID": "own"}, "Grants": [owner]})
    clients.answers("s3", "copy_object", COPIED, **asked_copy())

    assert copies(clients).copy(a_blueprint(original)) == Written(version_id="w1")


def test_nothing_is_copied_while_it_is_unknown_whether_there_are_grants_to_keep(
    clients: StubbedClients,
) -> None:
    original = an_original(clients)
    clients.refuses("s3", "get_bucket_ownership_controls", "AccessDenied", 403)

    answer = copies(clients).copy(a_blueprint(original))

    assert isinstance(answer, Refused)
    assert "AccessDenied" in answer.says


# multipart


def test_a_multipart_copy_is_described_in_full_when_it_begins(clients: StubbedClients) -> None:
    original = an_original(
        clients,
        Metadata={"who": "me"},
        ContentLanguage="de",
        TagCount=2,
        ChecksumCRC64NVME="Y3Jj",
        ChecksumType="FULL_OBJECT",
        StorageClass="STANDARD_IA",
    )
    tags = [{"Key": "a b", "Value": "ü&="}, {"Key": "c", "Value": ""}]
    clients.answers("s3", "get_bucket_ownership_controls", OWNED)
    clients.answers("s3", "get_object_tagging", {"TagSet": tags})
    clients.answers(
        "s3",
        "create_multipart_upload",
        {"UploadId": "u1"},
        Bucket="orders-frankfurt",
        Key=KEY,
        ExpectedBucketOwner=MEMBER,
        StorageClass="STANDARD_IA",
        ServerSideEncryption="aws:kms",
        SSEKMSKeyId=DESTINATION_KEY,
        BucketKeyEnabled=True,
        ChecksumAlgorithm="CRC64NVME",
        ChecksumType="FULL_OBJECT",
        Metadata={"who": "me"},
        ContentType="application/pdf",
        ContentLanguage="de",
        Tagging="a+b=%C3%BC%26%3D&c=",
    )

    assert copies(clients).begin(a_blueprint(original)) == "u1"
    assert parse_qsl("a+b=%C3%BC%26%3D&c=", keep_blank_values=True) == [("a b", "ü&="), ("c", "")]


def test_parts_are_pinned_and_the_guard_stands_at_the_end(clients: StubbedClients) -> None:
    original = an_original(clients, ChecksumSHA256="x", ChecksumType="COMPOSITE")
    blueprint = a_blueprint(original)
    clients.answers(
        "s3",
        "upload_part_copy",
        {"CopyPartResult": {"ETag": '"p2"', "ChecksumSHA256": "s2"}},
        Bucket="orders-frankfurt",
        Key=KEY,
        ExpectedBucketOwner=MEMBER,
        UploadId="u1",
        PartNumber=2,
        CopySource={"Bucket": "orders-ireland", "Key": KEY, "VersionId": VERSION},
        CopySourceIfMatch=ETAG,
        ExpectedSourceBucketOwner=HOME,
        CopySourceRange="bytes=5-6",
    )
    clients.answers(
        "s3",
        "complete_multipart_upload",
        {"VersionId": "w1"},
        Bucket="orders-frankfurt",
        Key=KEY,
        ExpectedBucketOwner=MEMBER,
        UploadId="u1",
        IfNoneMatch="*",
        ChecksumType="COMPOSITE",
        MpuObjectSize=7,
        MultipartUpload={
            "Parts": [{"PartNumber": 2, "ETag": '"p2"', "ChecksumSHA256": "s2"}],
        },
    )

    part = copies(clients).copy_part(blueprint, "u1", Part(number=2, first=5, last=6))
    assert isinstance(part, CopiedPart)

    assert copies(clients).finish(blueprint, "u1", [part]) == Written(version_id="w1")


# what S3 says against it


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("PreconditionFailed", 412),
        ("ConditionalRequestConflict", 409),
        ("NoSuchVersion", 404),
        ("NoSuchKey", 404),
    ],
)
def test_an_end_that_changed_makes_the_copy_stale(
    clients: StubbedClients, code: str, status: int
) -> None:
    original = an_original(clients)
    clients.answers("s3", "get_bucket_ownership_controls", OWNED)
    clients.refuses("s3", "copy_object", code, status)

    assert isinstance(copies(clients).copy(a_blueprint(original)), Stale)


@pytest.mark.parametrize(
    "code", ["AccessDenied", "KMS.DisabledException", "InvalidRequest", "InvalidObjectState"]
)
def test_a_refusal_is_a_value_with_s3s_own_word(clients: StubbedClients, code: str) -> None:
    original = an_original(clients)
    clients.answers("s3", "get_bucket_ownership_controls", OWNED)
    clients.refuses("s3", "copy_object", code, 403)

    answer = copies(clients).copy(a_blueprint(original))

    assert isinstance(answer, Refused)
    assert code in answer.says


@pytest.mark.parametrize(
    ("code", "error", "slowed"),
    [("SlowDown", ThrottledError, 1), ("InternalError", TransientError, 0)],
)
def test_passing_trouble_is_raised_and_throttling_is_reported_to_the_pace(
    clients: StubbedClients, code: str, error: type[Exception], slowed: int
) -> None:
    pace = CountedPace()
    original = an_original(clients)
    clients.answers("s3", "get_bucket_ownership_controls", OWNED)
    clients.refuses("s3", "copy_object", code, 503)

    with pytest.raises(error):
        copies(clients, pace).copy(a_blueprint(original))

    assert (pace.acquired, pace.slowed) == (2, slowed)


# what stands on top


def test_a_delete_marker_is_dated_by_asking_for_it_by_version(clients: StubbedClients) -> None:
    marker = {"x-amz-delete-marker": "true", "x-amz-version-id": "m1"}
    dated = marker | {"last-modified": "Mon, 02 Mar 2026 12:00:00 GMT"}
    answers = iter((marker, dated))

    def add_headers(parsed: dict[str, Any], **_: object) -> None:
        parsed["ResponseMetadata"]["HTTPHeaders"] = next(answers)

    s3 = clients.own("s3")
    s3.meta.events.register("after-call.s3.HeadObject", add_headers)
    clients.refuses("s3", "head_object", "404", 404)
    clients.refuses("s3", "head_object", "405", 405)

    top = copies(clients).current(TARGET, KEY)

    s3.meta.events.unregister("after-call.s3.HeadObject", add_headers)
    assert top == DeleteMarker(version_id="m1", since=datetime(2026, 3, 2, 12, tzinfo=UTC))


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [("404", 404, Absent), ("403", 403, Unavailable), ("400", 400, CustomerKeyed)],
)
def test_what_cannot_be_seen_is_told_apart(
    clients: StubbedClients, code: str, status: int, expected: type[object]
) -> None:
    clients.refuses("s3", "head_object", code, status)

    assert isinstance(copies(clients).current(SOURCE, KEY), expected)


@pytest.mark.parametrize(
    ("head", "loses"),
    [
        ({"MissingMeta": 1}, "metadata that no header can show"),
        ({"ExpiresString": "tomorrow"}, "an Expires header that is no date"),
        ({"ExpiresString": "a date", "Expires": NOON}, None),
        ({}, None),
    ],
)
def test_what_head_object_cannot_show_is_named(head: dict[str, object], loses: str | None) -> None:
    original = original_of(HEAD | head, "HeadObject", bucket="orders-ireland", key=KEY)

    assert original.unreadable == loses


def test_a_lock_is_read_with_its_end(clients: StubbedClients) -> None:
    original = an_original(
        clients,
        ObjectLockMode="GOVERNANCE",
        ObjectLockRetainUntilDate=IN_A_YEAR,
        ObjectLockLegalHoldStatus="ON",
    )

    assert original.retention == Retention(mode="GOVERNANCE", until=IN_A_YEAR)
    assert original.legal_hold
