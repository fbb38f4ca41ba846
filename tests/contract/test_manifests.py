"""Manifests as S3 takes them: never under KMS, in parts where they are large."""

import pytest
from botocore.stub import ANY

from replimend.domain.recopy.objects import Manifest
from replimend.errors import ManifestLostError
from replimend.gateways.manifests import S3Manifests
from tests.facts import HOME
from tests.stubs import StubbedClients

NAME, KEY = "orders-ireland/1.csv", "manifests/orders-ireland/1.csv"


def manifests(clients: StubbedClients) -> S3Manifests:
    return S3Manifests(clients=clients, account=HOME, work_bucket="replimend-work")


def test_a_manifest_is_stored_where_no_kms_key_encrypts_it(clients: StubbedClients) -> None:
    clients.answers(
        "s3",
        "put_object",
        {"ETag": '"e1"'},
        Bucket="replimend-work",
        Key=KEY,
        Body=b"rows",
        ContentType="text/csv",
        ServerSideEncryption="AES256",
        ExpectedBucketOwner=HOME,
    )

    stored = manifests(clients).put(NAME, b"rows", 2)

    assert stored == Manifest(object_key=KEY, etag='"e1"', objects=2)


def test_a_large_one_goes_in_parts(clients: StubbedClients) -> None:
    clients.answers(
        "s3",
        "create_multipart_upload",
        {"UploadId": "u1"},
        Bucket="replimend-work",
        Key=KEY,
        ContentType="text/csv",
        ServerSideEncryption="AES256",
        ExpectedBucketOwner=HOME,
    )
    clients.answers(
        "s3",
        "upload_part",
        {"ETag": '"p1"'},
        Bucket="replimend-work",
        Key=KEY,
        UploadId="u1",
        PartNumber=1,
        Body=b"rows",
        ExpectedBucketOwner=HOME,
    )
    clients.answers(
        "s3",
        "complete_multipart_upload",
        {"ETag": '"whole-1"'},
        Bucket="replimend-work",
        Key=KEY,
        UploadId="u1",
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": '"p1"'}]},
        ExpectedBucketOwner=HOME,
    )
    work = manifests(clients)

    upload_id = work.begin(NAME)
    etag = work.add(NAME, upload_id, 1, b"rows")

    assert work.finish(NAME, upload_id, [etag], 2).etag == '"whole-1"'


def test_a_finished_upload_is_found_again_after_a_crash(clients: StubbedClients) -> None:
    clients.refuses("s3", "complete_multipart_upload", "NoSuchUpload", 404)
    clients.answers(
        "s3", "head_object", {"ETag": '"whole-2"'}, Bucket=ANY, Key=KEY, ExpectedBucketOwner=HOME
    )

    assert manifests(clients).finish(NAME, "u1", ["p1", "p2"], 2).etag == '"whole-2"'


def test_an_upload_of_which_another_manifest_came_is_lost(clients: StubbedClients) -> None:
    clients.refuses("s3", "complete_multipart_upload", "InvalidPart")
    clients.answers("s3", "head_object", {"ETag": '"whole-9"'})

    with pytest.raises(ManifestLostError):
        manifests(clients).finish(NAME, "u1", ["p1", "p2"], 2)


def test_parts_of_an_upload_that_is_gone_are_lost(clients: StubbedClients) -> None:
    clients.refuses("s3", "upload_part", "NoSuchUpload", 404)

    with pytest.raises(ManifestLostError):
        manifests(clients).add(NAME, "u1", 1, b"rows")
