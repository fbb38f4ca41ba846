"""Scenario files: what they may say, the world that follows, and one clear error for the rest."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lab.errors import ScenarioError
from lab.key_store import KeyState
from lab.scenario import SCENARIOS, Scenario
from lab.world_model import Versioning
from lab.world_replication import RuleStatus

ROLE = "arn:aws:iam::111111111111:role/replication/orders-replication"
SOURCE_KEY = "arn:aws:kms:eu-west-1:111111111111:key/11111111-1111-4111-8111-111111111111"
TARGET_KEY = "arn:aws:kms:eu-central-1:222222222222:key/22222222-2222-4222-8222-222222222222"


def scenario(text: str, tmp_path: Path) -> Scenario:
    path = tmp_path / "case.yaml"
    path.write_text(text)
    return Scenario.load(path)


def statements(policy: str | None) -> dict[str, Any]:
    return {each["Sid"]: each for each in json.loads(policy or "{}")["Statement"]}


@pytest.mark.parametrize("path", sorted(SCENARIOS.rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_scenario_of_the_project_is_readable(path: Path) -> None:
    assert Scenario.load(path).title != path.stem


def test_the_flagship_puts_what_the_story_needs() -> None:
    flagship = Scenario.load(SCENARIOS / "flagship.yaml")

    keys = [each.key for each in flagship.objects]
    assert len(keys) == 25
    assert 900 in {len(key.encode()) for key in keys}
    for character in (" ", "+", "%", "#", "ü"):
        assert any(character in key for key in keys), character
    assert any(each.part_size and each.size > 8 * 1024 * 1024 for each in flagship.objects)
    assert sum(each.is_overwritten for each in flagship.objects) == 1
    assert sum(each.is_deleted_for_good for each in flagship.objects) == 1
    assert any(each.tags for each in flagship.objects)
    assert any(each.metadata for each in flagship.objects)
    admitted = statements(flagship.world.keys["destination"].policy)
    assert list(admitted) == ["AdministerThroughIam"]
    assert not flagship.world.source.uses_bucket_key


def test_an_empty_file_is_the_healthy_pair_without_objects() -> None:
    world = Scenario.read({}, name="empty").world

    assert world.source.name == "orders-ireland"
    assert world.buckets["destination"].name == "orders-frankfurt"
    assert {str(key.arn) for key in world.keys.values()} == {SOURCE_KEY, TARGET_KEY}
    assert world.role.arn == world.replication_role == ROLE
    (rule,) = world.rules
    assert (rule.rule_id, rule.key, rule.has_metrics) == ("to-frankfurt", TARGET_KEY, True)


def test_other_names_and_places_give_a_world_that_is_healthy_too(tmp_path: Path) -> None:
    text = """
        world:
          buckets:
            destination: {name: parts-stockholm, account: "333333333333", region: eu-north-1}
          role: {name: parts, path: /}
    """

    world = scenario(text, tmp_path).world

    key = world.keys["destination"]
    assert (key.arn.account, key.arn.region) == ("333333333333", "eu-north-1")
    admitted = statements(key.policy)["AdmitTheReplicationRole"]
    assert admitted["Principal"] == {"AWS": "arn:aws:iam::111111111111:role/parts"}
    condition = admitted["Condition"]
    assert condition["StringEquals"]["kms:ViaService"] == ["s3.eu-north-1.amazonaws.com"]
    assert world.rules[0].destination == "arn:aws:s3:::parts-stockholm"
    assert str(key.arn) in world.role.inline["replication"]


def test_a_destination_in_the_same_account_needs_no_bucket_policy(tmp_path: Path) -> None:
    text = 'world: {buckets: {destination: {account: "111111111111"}}}'

    world = scenario(text, tmp_path).world

    assert world.buckets["destination"].policy is None
    assert list(statements(world.keys["destination"].policy)) == ["AdministerThroughIam"]
    assert world.rules[0].account is None


def test_more_destinations_are_more_buckets_and_rules(tmp_path: Path) -> None:
    text = """
        world:
          buckets:
            archive: {name: orders-paris, account: "222222222222", region: eu-west-3}
          rules:
            to-paris: {bucket: archive, priority: 2, prefix: archive/}
    """

    world = scenario(text, tmp_path).world

    assert [rule.rule_id for rule in world.rules] == ["to-frankfurt", "to-paris"]
    assert world.rules[1].key == str(world.keys["archive"].arn)
    assert "EncryptReplicasForArchive" in statements(world.role.inline["replication"])


def test_broken_is_laid_over_the_healthy_world_and_over_nothing_else(tmp_path: Path) -> None:
    text = """
        broken:
          keys.source.state: Disabled
          buckets.destination.versioning: Suspended
          rules.to-frankfurt.status: Disabled
          rules.to-frankfurt.metrics: false
          role.boundary: {Nothing: {Effect: Deny, Action: "kms:*", Resource: "*"}}
          role.inline.replication.DecryptVersions: null
          keys.destination.policy.AdmitTheReplicationRole.Action: kms:GenerateDataKey
    """

    world = scenario(text, tmp_path).world

    assert world.keys["source"].state is KeyState.DISABLED
    assert world.buckets["destination"].versioning is Versioning.SUSPENDED
    assert world.rules[0].status is RuleStatus.DISABLED
    assert not world.rules[0].has_metrics
    assert list(statements(world.role.boundary)) == ["Nothing"]
    assert "DecryptVersions" not in statements(world.role.inline["replication"])
    admitted = statements(world.keys["destination"].policy)["AdmitTheReplicationRole"]
    assert admitted["Action"] == "kms:GenerateDataKey"
    assert "Condition" in admitted


def test_what_changes_later_is_laid_over_what_was_before(tmp_path: Path) -> None:
    text = """
        broken: {keys.source.state: Disabled}
        later:
          - {at: 1m, world: {keys.source.state: Enabled}}
          - {at: 1h, world: {rules.to-frankfurt: null}, recopied: true}
    """

    found = scenario(text, tmp_path)

    first, second = found.later
    assert found.world.keys["source"].state is KeyState.DISABLED
    assert (first.at, first.is_recopied) == (timedelta(minutes=1), False)
    assert first.world.keys["source"].state is KeyState.ENABLED
    assert second.world.keys["source"].state is KeyState.ENABLED
    assert (second.world.rules, second.is_recopied) == ((), True)


def test_an_expectation_may_be_one_text_or_several(tmp_path: Path) -> None:
    text = "expect: {says: leave it, change: [role_policy, key_policy]}"

    expect = scenario(text, tmp_path).expect

    assert expect.says == ("leave it",)
    assert expect.change == ("role_policy", "key_policy")


def test_a_rule_that_is_null_is_deleted(tmp_path: Path) -> None:
    assert scenario("broken: {rules.to-frankfurt: null}", tmp_path).world.rules == ()


def test_the_default_limits_observe_first_and_then_allow_all_of_this_world() -> None:
    limits = Scenario.read({}, name="empty").limits

    assert limits["observe"] == {"RepairMode": "observe", "MemberExternalId": "replimend-lab"}
    assert limits["repair"]["RepairMode"] == "repair"
    assert limits["repair"]["RepairableKeyArns"] == f"{SOURCE_KEY},{TARGET_KEY}"
    assert limits["repair"]["RepairableAccounts"] == "222222222222"


def test_limits_may_be_tighter_and_lists_are_joined(tmp_path: Path) -> None:
    text = "limits: {repair: {RepairableKeyArns: [], AllowedChanges: [a, b], ChangesPerHour: 1}}"

    limits = scenario(text, tmp_path).limits["repair"]

    assert limits["RepairableKeyArns"] == ""
    assert limits["AllowedChanges"] == "a,b"
    assert limits["ChangesPerHour"] == "1"


def test_settings_set_how_this_aws_behaves(tmp_path: Path) -> None:
    text = """
        settings:
          start: 2026-03-01T00:00:00+01:00
          cloudtrail_takes: 5m
          replicas_need_data_key: true
          event_version: "2.6"
          report_columns: as_sampled
          seed: 7
    """

    found = scenario(text, tmp_path)

    assert found.start.isoformat() == "2026-03-01T00:00:00+01:00"
    assert found.behaviour.cloudtrail_takes == timedelta(minutes=5)
    assert found.behaviour.replicas_need_data_key
    assert found.behaviour.event_version == "2.6"
    assert found.behaviour.report_columns == "as_sampled"
    assert found.behaviour.seed == 7


def test_a_count_stands_for_so_many_objects(tmp_path: Path) -> None:
    text = "objects: [{key: 'a/{n:03}.bin', count: 3, size: 2 KiB, at: 5m}]"

    objects = scenario(text, tmp_path).objects

    assert [each.key for each in objects] == ["a/001.bin", "a/002.bin", "a/003.bin"]
    assert {(each.size, each.at) for each in objects} == {(2048, timedelta(minutes=5))}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("wrold: {}", "wrold: is no field here"),
        ("- a list", "is not a mapping"),
        ("title: [", "line 1: "),
        ("title: a\ntitle: b", "line 2: title is given twice"),
        ("title: 3", "title: must be text"),
        ("broken: {keys.target.state: Disabled}", "broken.keys.target.state: the world has no"),
        ("broken: {keys.source.state: Off}", "broken.keys.source.state: must be one of Creating"),
        ("broken: {keys.source.colour: red}", "broken.keys.source.colour: is no field here"),
        ("broken: {keys.source.arn: arn:aws:s3:::b}", "broken.keys.source.arn: must be a key's"),
        ("broken: {keys.source.arn: 'no:arn'}", "broken.keys.source.arn: 'no:arn' is not"),
        ("broken: {keys.source.manager: Amazon}", "broken.keys.source.manager: must be one of AWS"),
        ("later: [{world: {keys.third.state: Enabled}}]", "later[0].world.keys.third.state: the"),
        ("later: [{world: {keys.source.state: On}}]", "later[0]: world.keys.source.state: must"),
        ("later: [{at: soon}]", "later[0].at: must be a time"),
        ("later: [{then: nothing}]", "later[0].then: is no field here"),
        ("expect: {says: {a: b}}", "expect.says: must be a list of texts"),
        ("broken: {keys.source.alias: books}", "broken.keys.source.alias: must begin with alias/"),
        (
            "broken: {keys.source.policy.AdministerThroughIam.Effect: Perhaps}",
            "broken.keys.source.policy.AdministerThroughIam.Effect: policy has no usable",
        ),
        ("broken: {role.path: replication}", "broken.role.path: must begin and end with a slash"),
        ("broken: {rules.to-frankfurt.metrics: yes please}", "metrics: must be true or false"),
        ("broken: {rules.to-frankfurt.destination: frankfurt}", "destination: 'frankfurt' is not"),
        ("world: {buckets: {source: {region: Ireland}}}", "world.buckets.source.region: must be"),
        ("world: {buckets: {source: {account: '1'}}}", "world.buckets.source.account: must be an"),
        ("world: {buckets: {source: null}}", "world.buckets.source: the world needs"),
        ("objects: {key: a}", "objects: must be a list"),
        ("objects: [{size: 1}]", "objects[0].key: must be text"),
        ("objects: [{key: a, size: big}]", "objects[0].size: must be a size such as"),
        ("objects: [{key: a, count: 2}]", "objects[0].key: with a count, must hold {n}"),
        ("objects: [{key: '{m}', count: 2}]", "objects[0].key: with a count, must hold {n}"),
        ("objects: [{key: a}, {key: a}]", "objects: lists 'a' twice"),
        ("objects: [{key: a, part_size: 1 MiB}]", "objects[0].part_size: must be 5 MiB at least"),
        ("objects: [{key: a, tags: {b: 1}}]", "objects[0].tags.b: must be text"),
        ("limits: {repare: {}}", "limits.repare: is no field here"),
        ("limits: {repair: {A: {b: c}}}", "limits.repair.A: must be a value or a list"),
        ("settings: {start: tomorrow}", "settings.start: must be a time such as"),
        ("settings: {start: '2026-01-01T00:00:00'}", "settings.start: must name its time zone"),
        ("settings: {seed: many}", "settings.seed: must be a whole number"),
        ("settings: {aliases: maybe}", "settings.aliases: must be one of"),
        ("settings: {cloudtrail_takes: long}", "settings.cloudtrail_takes: must be a time"),
        ("expect: {outcomes: {replicated: all}}", "expect.outcomes.replicated: must be a whole"),
        ("expect: {result: fine}", "expect.result: is no field here"),
        ("organization: {service_control: {a: {Root: {p: '{'}}}}", "service_control.a.Root.p: "),
    ],
)
def test_a_file_that_is_no_use_gets_one_line_with_file_and_path(
    text: str, complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(ScenarioError) as caught:
        scenario(text, tmp_path)

    assert str(caught.value).startswith(f"{tmp_path / 'case.yaml'}: ")
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_one_line_too(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"nowhere\.yaml: No such file"):
        Scenario.load(tmp_path / "nowhere.yaml")
