"""What is not set, or is set to nonsense, is named before the function starts."""

from datetime import timedelta

import pytest

from replimend.domain.recopy.methods import Consent
from replimend.domain.repair.hours import Hours
from replimend.domain.repair.ownership import OwnParts
from replimend.domain.repair.verdicts import Limits, Mode, Tag
from replimend.settings import MissingSettingError, Settings
from tests.environment import ENVIRONMENT, environment
from tests.facts import DESTINATION_KEY, HOME, MEMBER, ROLE_ARN

LISTS = [
    "REPLIMEND_SOURCE_BUCKETS",
    "REPLIMEND_DESTINATION_BUCKETS",
    "REPLIMEND_REPLICATION_ROLES",
    "REPLIMEND_REPAIRABLE_KEYS",
    "REPLIMEND_ACCOUNTS",
    "REPLIMEND_ALLOWED_CHANGES",
]
MAY_BE_EMPTY = {
    *LISTS,
    "REPLIMEND_EXTERNAL_ID",
    "REPLIMEND_CHANGE_HOURS",
    "REPLIMEND_REQUIRED_TAG",
}


def test_the_templates_texts_become_limits() -> None:
    settings = Settings.from_env(environment())

    assert settings.limits == Limits(
        mode=Mode.REPAIR,
        source_buckets=frozenset({"orders-ireland", "orders-dublin"}),
        destination_buckets=frozenset({"orders-frankfurt"}),
        replication_roles=frozenset({ROLE_ARN}),
        repairable_keys=frozenset({DESTINATION_KEY}),
        accounts=frozenset({MEMBER}),
        allowed_changes=frozenset({"role_policy", "key_policy"}),
        changes_per_hour=4,
        changes_per_incident=2,
        policy_size_share=90,
        own=OwnParts.of_stack(
            stack="replimend",
            account=HOME,
            batch_role=f"arn:aws:iam::{HOME}:role/replimend-BatchJobRole",
            member_roles=frozenset({"replimend-reader", "replimend-repairer"}),
            work_bucket="replimend-work",
        ),
    )
    assert settings.consistency_wait == timedelta(minutes=1)
    assert settings.approval_valid == timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("replicate", Consent()),
        ("replicate, copy", Consent(copy=True)),
        ("in_place", Consent(in_place=True)),
        ("copy,in_place", Consent(copy=True, in_place=True)),
    ],
)
def test_methods_beside_batch_jobs_take_consent(text: str, expected: Consent) -> None:
    settings = Settings.from_env(environment(REPLIMEND_RECOPY_METHODS=text))

    assert settings.consent == expected


def test_a_method_that_does_not_exist_is_named() -> None:
    with pytest.raises(MissingSettingError, match=r"REPLIMEND_RECOPY_METHODS: 'move' is not among"):
        Settings.from_env(environment(REPLIMEND_RECOPY_METHODS="replicate,move"))


def test_the_environment_needs_nothing_that_the_template_does_not_give() -> None:
    read: set[str] = set()

    class Watched(dict[str, str]):
        def __contains__(self, name: object) -> bool:
            read.add(str(name))
            return super().__contains__(name)

    Settings.from_env(Watched(ENVIRONMENT))

    assert read == set(ENVIRONMENT)


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_a_missing_setting_is_named(name: str) -> None:
    without = {each: value for each, value in ENVIRONMENT.items() if each != name}

    with pytest.raises(MissingSettingError, match=rf"\b{name} is missing"):
        Settings.from_env(without)


@pytest.mark.parametrize("name", [each for each in ENVIRONMENT if each not in MAY_BE_EMPTY])
def test_an_empty_setting_is_a_missing_one(name: str) -> None:
    with pytest.raises(MissingSettingError, match=rf"\b{name} is missing or empty"):
        Settings.from_env(environment(**{name: " "}))


def test_hours_and_a_tag_narrow_the_limits_further() -> None:
    limits = Settings.from_env(
        environment(
            REPLIMEND_CHANGE_HOURS="Mon-Fri 08:00-18:00 UTC",
            REPLIMEND_REQUIRED_TAG="replimend=allowed",
        )
    ).limits

    assert limits.hours == Hours.parse("Mon-Fri 08:00-18:00 UTC")
    assert limits.required_tag == Tag(key="replimend", value="allowed")


@pytest.mark.parametrize("name", LISTS)
def test_an_empty_list_lists_nothing(name: str) -> None:
    limits = Settings.from_env(environment(**{name: ""})).limits

    assert frozenset() in {
        limits.source_buckets,
        limits.destination_buckets,
        limits.replication_roles,
        limits.repairable_keys,
        limits.accounts,
        limits.allowed_changes,
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REPLIMEND_MODE", "mend"),
        ("REPLIMEND_CHANGES_PER_HOUR", "four"),
        ("REPLIMEND_CHANGES_PER_INCIDENT", "-1"),
        ("REPLIMEND_CONSISTENCY_WAIT", "1.5"),
        ("REPLIMEND_SOURCE_BUCKETS", "orders-ireland"),
        ("REPLIMEND_CHANGE_HOURS", "whenever"),
        ("REPLIMEND_CHANGE_HOURS", "Mon-Fri 08:00-18:00 Europe/Atlantis"),
        ("REPLIMEND_REQUIRED_TAG", "replimend"),
        ("REPLIMEND_REQUIRED_TAG", "replimend=never"),
        ("REPLIMEND_DESTINATION_BUCKETS", "arn:aws:sqs:eu-west-1:111111111111:queue"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(name: str, value: str) -> None:
    with pytest.raises(MissingSettingError, match=name):
        Settings.from_env(environment(**{name: value}))
