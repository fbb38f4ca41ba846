"""A snapshot becomes a set-up, however its answers are wrapped; a wrong one is one clear error."""

import contextlib
import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replimend.domain.facts import Absent, Bucket, Encryption, Key, ObjectVersion, ReplicationSetup
from replimend.domain.setups.preflight import preflight
from replimend.domain.setups.setup import DefaultEncryption, RoleParts
from replimend.domain.setups.typical import ANY
from replimend.domain.unavailable import Unavailable
from replimend.errors import MalformedEventError
from replimend.inbound.setups import setup_of
from tests.builders import (
    DESTINATION_ACCOUNT,
    DESTINATION_BUCKET,
    DESTINATION_KEY_ARN,
    ROLE_ARN,
    RULE_ID,
    SOURCE_ACCOUNT,
    SOURCE_BUCKET,
    SOURCE_KEY_ARN,
    AwsJson,
    key_access_denied,
    s3_test_event,
)
from tests.setups import (
    ADMITTING,
    DESTINATION_KEY,
    OBJECT,
    REPLICA_KEY,
    ROLE_STATEMENTS,
    RULE,
    SOURCE_KEY,
    having,
    healthy,
    without,
)


def test_every_part_of_a_snapshot_is_read() -> None:
    setup = setup_of(healthy(object=OBJECT, denials=[key_access_denied()]))

    assert (setup.home_account, setup.source_bucket) == (SOURCE_ACCOUNT, SOURCE_BUCKET)
    assert isinstance(setup.replication, ReplicationSetup)
    assert setup.replication.role_arn == ROLE_ARN
    rule = setup.replication.rule_named(RULE_ID)
    assert rule is not None
    assert (rule.replica_key, rule.metrics) == (DESTINATION_KEY_ARN, True)
    assert setup.source.encryption == DefaultEncryption(
        encryption=Encryption.SSE_KMS, key=SOURCE_KEY_ARN, bucket_key=True
    )
    destination = setup.end(DESTINATION_BUCKET).bucket
    assert isinstance(destination, Bucket)
    assert (destination.account, destination.region) == (DESTINATION_ACCOUNT, "eu-central-1")
    assert (destination.versioned, destination.object_lock) == (True, False)
    assert isinstance(setup.role, RoleParts)
    key = setup.keys[DESTINATION_KEY_ARN].described
    assert isinstance(key, Key)
    assert (key.state, key.customer_managed, key.grants) == ("Enabled", True, ())
    assert isinstance(setup.object, ObjectVersion)
    assert setup.object.kms_key_arn == SOURCE_KEY_ARN
    assert len(setup.denials) == 1


def unwrapped(snapshot: AwsJson) -> AwsJson:
    """The same set-up, with every answer taken out of its wrapping."""
    snapshot = copy.deepcopy(snapshot)
    for end in (snapshot["source"], *snapshot["destinations"]):
        end["encryption"] = end["encryption"]["ServerSideEncryptionConfiguration"]
    replication = snapshot["source"]["replication"]["ReplicationConfiguration"]
    snapshot["source"]["replication"] = replication
    destination = snapshot["destinations"][0]
    destination["policy"] = json.loads(destination["policy"]["Policy"])
    return snapshot


def wrapped(snapshot: AwsJson) -> AwsJson:
    """The same set-up, with every answer as a client of AWS returns it."""
    snapshot = copy.deepcopy(snapshot)
    for key in snapshot["keys"]:
        key["metadata"] = {"KeyMetadata": key["metadata"]}
        key["policy"] = {"PolicyName": "default", "Policy": json.dumps(key["policy"])}
        key["grants"] = {"Grants": key["grants"], "Truncated": False}
    trail = snapshot["trails"][0]
    snapshot["trails"][0] = {
        "trail": {"Name": trail["Name"], "TrailARN": trail["TrailARN"]},
        "status": {"IsLogging": trail["IsLogging"]},
        "selectors": {"EventSelectors": trail["EventSelectors"]},
    }
    snapshot["role"]["trust"] = json.dumps(snapshot["role"]["trust"])
    return snapshot


def named(value: object) -> str:
    """A path as it is written, so that every worker gives a case the same name."""
    return ".".join(map(str, value)) if isinstance(value, tuple) else "read"


@pytest.mark.parametrize("spelt", [unwrapped, wrapped])
def test_answers_may_stand_wrapped_or_unwrapped(spelt: Any) -> None:
    snapshot = healthy(object=OBJECT)

    assert preflight(setup_of(spelt(snapshot))) == preflight(setup_of(snapshot))


def test_a_document_that_no_client_decoded_is_decoded() -> None:
    encoded = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D"

    setup = setup_of(having(healthy(), encoded, "role", "trust"))

    assert isinstance(setup.role, RoleParts)
    assert not isinstance(setup.role.trust, Absent | Unavailable)
    assert setup.role.trust.content == {"Version": "2012-10-17", "Statement": []}


@pytest.mark.parametrize(
    ("path", "of"),
    [
        (("source", "replication"), lambda setup: setup.replication),
        (("source", "notification"), lambda setup: setup.notifications),
        (("source", "encryption"), lambda setup: setup.source.encryption),
        (("source", "policy"), lambda setup: setup.source.bucket.policy),
        (("source", "versioning"), lambda setup: setup.source.bucket.versioned),
        (("source", "region"), lambda setup: setup.source.bucket),
        (("destinations",), lambda setup: setup.end(DESTINATION_BUCKET).bucket),
        (("destinations", 0, "policy"), lambda setup: setup.end(DESTINATION_BUCKET).bucket.policy),
        (("role",), lambda setup: setup.role),
        (("role", "trust"), lambda setup: setup.role.trust),
        (("role", "identityPolicies"), lambda setup: setup.role.identity_policies),
        (("role", "boundary"), lambda setup: setup.role.boundary),
        (("keys", SOURCE_KEY, "metadata"), lambda setup: setup.keys[SOURCE_KEY_ARN].described),
        (("keys", SOURCE_KEY, "policy"), lambda setup: setup.keys[SOURCE_KEY_ARN].policy),
        (("keys", SOURCE_KEY, "grants"), lambda setup: setup.keys[SOURCE_KEY_ARN].grants),
        (("object",), lambda setup: setup.object),
        (("trails",), lambda setup: setup.trails),
        (("trails", 0, "IsLogging"), lambda setup: setup.trails[0].is_logging),
        (("trails", 0, "EventSelectors"), lambda setup: setup.trails[0].logs_kms),
    ],
    ids=named,
)
def test_a_missing_part_is_unknown_never_absent(path: Any, of: Any) -> None:
    snapshot = without(healthy(object=OBJECT), "trails", 0, "AdvancedEventSelectors")

    fact = of(setup_of(without(snapshot, *path)))

    assert isinstance(fact, Unavailable)
    assert "the snapshot does not have" in fact.reason


@pytest.mark.parametrize(
    ("path", "of"),
    [
        (("source", "replication"), lambda setup: setup.replication),
        (("source", "encryption"), lambda setup: setup.source.encryption),
        (("destinations", 0, "region"), lambda setup: setup.end(DESTINATION_BUCKET).bucket),
        (("destinations", 0, "policy"), lambda setup: setup.end(DESTINATION_BUCKET).bucket.policy),
        (("role",), lambda setup: setup.role),
        (("role", "boundary"), lambda setup: setup.role.boundary),
        (("keys", SOURCE_KEY, "metadata"), lambda setup: setup.keys[SOURCE_KEY_ARN].described),
        (("object",), lambda setup: setup.object),
    ],
    ids=named,
)
def test_null_is_what_aws_says_does_not_exist(path: Any, of: Any) -> None:
    assert isinstance(of(setup_of(having(healthy(), None, *path))), Absent)


def test_the_account_of_a_bucket_that_does_not_say_it_follows_from_the_rule_and_the_role() -> None:
    snapshot = without(healthy(), "source", "account")

    setup = setup_of(without(snapshot, "destinations", 0, "account"))

    destination = setup.end(DESTINATION_BUCKET).bucket
    assert setup.home_account == SOURCE_ACCOUNT
    assert isinstance(destination, Bucket)
    assert destination.account == DESTINATION_ACCOUNT


def test_a_key_goes_by_its_arn_its_alias_and_its_id() -> None:
    alias = f"arn:aws:kms:eu-central-1:{DESTINATION_ACCOUNT}:alias/orders"

    keys = setup_of(having(healthy(), alias, "keys", DESTINATION_KEY, "arn")).keys

    names = (alias, DESTINATION_KEY_ARN, "alias/orders", DESTINATION_KEY_ARN.rpartition("/")[2])
    assert {keys[name].arn for name in names} == {DESTINATION_KEY_ARN}


def test_another_role_than_the_configuration_s_is_not_the_replication_role() -> None:
    other = ROLE_ARN.replace("orders", "invoices")

    role = setup_of(having(healthy(), other, "role", "arn")).role

    assert isinstance(role, Unavailable)
    assert other in role.reason


def test_an_object_without_a_key_stands_for_any() -> None:
    setup = setup_of(healthy(object={"ServerSideEncryption": "aws:kms"}))

    assert isinstance(setup.object, ObjectVersion)
    assert setup.object.key == ANY


def test_records_that_are_no_denials_are_no_evidence() -> None:
    assert setup_of(healthy(denials=[s3_test_event()])).denials == ()


RULE_PATH = "source.replication.ReplicationConfiguration.Rules[0]"
STATEMENT = (*ROLE_STATEMENTS, 0)
WRONG: list[tuple[object, str]] = [
    (None, ""),
    ([], ""),
    ("a set-up", ""),
    ({}, "source"),
    ({"source": []}, "source"),
    ({"source": {}}, "source.bucket"),
    ({"source": {"bucket": "a/b"}}, "source.bucket"),
    (having(healthy(), 7, "source", "region"), "source.region"),
    (having(healthy(), "12", "source", "account"), "source.account"),
    (having(healthy(), [], "source", "replication"), "source.replication"),
    (
        having(healthy(), {"Rules": []}, "source", "replication"),
        "source.replication.Role",
    ),
    (
        having(healthy(), "orders-frankfurt", *RULE, "Destination", "Bucket"),
        f"{RULE_PATH}.Destination.Bucket",
    ),
    (
        without(healthy(), *RULE, "Status"),
        f"{RULE_PATH}.Status",
    ),
    (
        having(healthy(), 7, *REPLICA_KEY),
        f"{RULE_PATH}.Destination.EncryptionConfiguration.ReplicaKmsKeyID",
    ),
    (having(healthy(), "x", "source", "notification"), "source.notification"),
    (
        having(healthy(), {"QueueConfigurations": [{"Events": []}]}, "source", "notification"),
        "source.notification.QueueConfigurations[0].QueueArn",
    ),
    (having(healthy(), "Enabled", "source", "versioning"), "source.versioning"),
    (having(healthy(), "not JSON", "source", "policy"), "source.policy"),
    (having(healthy(), {"Policy": 7}, "source", "policy"), "source.policy.Policy"),
    (
        having(healthy(), {"Statement": [{"Effect": "Maybe"}]}, "source", "policy"),
        "source.policy.Statement[0].Action",
    ),
    (having(healthy(), {}, "destinations"), "destinations"),
    (having(healthy(), 7, "destinations", 0), "destinations[0]"),
    (without(healthy(), "destinations", 0, "bucket"), "destinations[0].bucket"),
    (having(healthy(), "a role", "role", "arn"), "role.arn"),
    (having(healthy(), DESTINATION_KEY_ARN, "role", "arn"), "role.arn"),
    (without(healthy(), "role", "arn"), "role.arn"),
    (
        without(healthy(), "role", "identityPolicies", 0, "name"),
        "role.identityPolicies[0].name",
    ),
    (
        without(healthy(), "role", "identityPolicies", 0, "document"),
        "role.identityPolicies[0].document",
    ),
    (
        having(healthy(), "Perhaps", *STATEMENT, "Effect"),
        "role.identityPolicies[0].document.Statement[0].Effect",
    ),
    (
        having(healthy(), {"StringLikes": {"a": "b"}}, *STATEMENT, "Condition"),
        "role.identityPolicies[0].document.Statement[0].Condition.StringLikes",
    ),
    (having(healthy(), 7, "role", "boundary"), "role.boundary"),
    (having(healthy(), "alias/orders", "keys", 0, "arn"), "keys[0].arn"),
    (having(healthy(), ROLE_ARN, "keys", 0, "arn"), "keys[0].arn"),
    (having(healthy(), ROLE_ARN, "keys", 0, "metadata", "Arn"), "keys[0].metadata.Arn"),
    (without(healthy(), "keys", 0, "metadata", "KeyState"), "keys[0].metadata.KeyState"),
    (having(healthy(), 7, *ADMITTING, "Sid"), "keys[1].policy.Statement[1].Sid"),
    (having(healthy(), {}, "keys", 0, "grants"), "keys[0].grants"),
    (having(healthy(), [{}], "keys", 0, "grants"), "keys[0].grants[0].Operations"),
    (healthy(object=[]), "object"),
    (healthy(object={**OBJECT, "ServerSideEncryption": "rot13"}), "object.ServerSideEncryption"),
    (healthy(object={**OBJECT, "SSEKMSKeyId": "alias/a"}), "object.SSEKMSKeyId"),
    (healthy(object={**OBJECT, "ContentLength": "1"}), "object.ContentLength"),
    (healthy(object={**OBJECT, "LastModified": "yesterday"}), "object.LastModified"),
    (healthy(trails={}), "trails"),
    (healthy(trails=[7]), "trails[0]"),
    (having(healthy(), "yes", "trails", 0, "IsLogging"), "trails[0].IsLogging"),
    (healthy(denials={}), "denials"),
    (healthy(denials=[{}]), "denials[0]"),
    (healthy(denials=[without(key_access_denied(), "eventID")]), "denials[0].eventID"),
]


@pytest.mark.parametrize(("snapshot", "path"), WRONG, ids=[path for _, path in WRONG])
def test_a_wrong_field_is_one_error_with_its_path(snapshot: object, path: str) -> None:
    with pytest.raises(MalformedEventError) as raised:
        setup_of(snapshot)

    assert raised.value.path == path
    assert raised.value.problem


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def paths(content: object, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The path of everything in a JSON document."""
    match content:
        case dict():
            inner = [found for name, each in content.items() for found in paths(each, (*at, name))]
        case list():
            inner = [found for i, each in enumerate(content) for found in paths(each, (*at, i))]
        case _:
            inner = []
    return [at, *inner] if at else inner


EVERYWHERE = paths(healthy(object=OBJECT, denials=[key_access_denied()]))


@given(JSON)
def test_any_json_is_a_set_up_or_one_clear_error(content: object) -> None:
    _assert_read_or_refused(content)


@given(st.sampled_from(EVERYWHERE), JSON)
def test_a_set_up_with_anything_anywhere_is_read_or_is_one_clear_error(
    path: tuple[str | int, ...], value: object
) -> None:
    snapshot = healthy(object=OBJECT, denials=[key_access_denied()])

    _assert_read_or_refused(having(snapshot, value, *path))


@given(st.sampled_from(EVERYWHERE))
def test_a_set_up_without_something_is_read_or_is_one_clear_error(
    path: tuple[str | int, ...],
) -> None:
    snapshot = healthy(object=OBJECT, denials=[key_access_denied()])

    _assert_read_or_refused(without(snapshot, *path))


def _assert_read_or_refused(snapshot: object) -> None:
    with contextlib.suppress(MalformedEventError):
        preflight(setup_of(snapshot))
