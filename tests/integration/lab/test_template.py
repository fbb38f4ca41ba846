"""Templates, resolved as CloudFormation and SAM resolve them."""

from collections.abc import Callable
from typing import cast

import pytest

from lab.documents import Fields, Json
from lab.errors import TemplateError
from lab.physical import Place
from lab.template import Stack, resolve
from tests.integration.lab.small_stack import HOME, template

TOPIC: Fields = {"Type": "AWS::SNS::Topic"}


def resolved(value: Json, **sections: Json) -> Json:
    """What a property of this value comes to."""
    stack = resolve(of_property(value, **sections), HOME, {})
    return stack.resource("Made").properties.get("DisplayName")


def of_property(value: Json, **sections: Json) -> Fields:
    made: Fields = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": value}}
    return {"Resources": {"Made": made, "Topic": TOPIC}, **sections}


def with_parameter(**fields: Json) -> Fields:
    return {"Parameters": {"Given": fields}, "Resources": {"Topic": TOPIC}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "AWS::Region"}, "eu-west-1"),
        ({"Ref": "AWS::AccountId"}, "111111111111"),
        ({"Ref": "Topic"}, "arn:aws:sns:eu-west-1:111111111111:replimend-Topic"),
        ({"Fn::GetAtt": ["Topic", "TopicName"]}, "replimend-Topic"),
        ({"Fn::Sub": "${AWS::StackName}/${Topic.TopicName}"}, "replimend/replimend-Topic"),
        ({"Fn::Sub": ["${A}-${AWS::Region}", {"A": {"Ref": "AWS::Partition"}}]}, "aws-eu-west-1"),
        ({"Fn::Sub": "${!Literal}"}, "${Literal}"),
        ({"Fn::Join": ["-", ["a", {"Ref": "AWS::Partition"}]]}, "a-aws"),
        ({"Fn::Split": [",", "a,b"]}, ["a", "b"]),
        ({"Fn::Select": ["1", ["a", "b"]]}, "b"),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "small"]}, "1"),
        ({"Fn::If": ["Here", "yes", "no"]}, "yes"),
        ({"Fn::If": ["There", "yes", {"Ref": "AWS::NoValue"}]}, None),
        (["a", {"Ref": "AWS::NoValue"}, "b"], ["a", "b"]),
        ({"Fn::If": ["Both", "yes", "no"]}, "no"),
        ({"Fn::If": ["Either", "yes", "no"]}, "yes"),
    ],
)
def test_intrinsic_functions_give_what_cloudformation_gives(value: Json, expected: Json) -> None:
    here: Json = {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-1"]}
    conditions: Fields = {
        "Here": here,
        "There": {"Fn::Not": [{"Condition": "Here"}]},
        "Both": {"Fn::And": [{"Condition": "Here"}, {"Condition": "There"}]},
        "Either": {"Fn::Or": [{"Condition": "Here"}, {"Condition": "There"}]},
    }

    found = resolved(
        value, Conditions=conditions, Mappings={"Sizes": {"eu-west-1": {"small": "1"}}}
    )

    assert found == expected


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ({"Ref": "Nobody"}, "DisplayName.Ref: this stack has no Nobody"),
        ({"Fn::GetAtt": ["Topic", "Colour"]}, "no Topic with an attribute Colour"),
        ({"Fn::Base64": "x"}, "DisplayName.Fn::Base64: the lab does not know Fn::Base64"),
        ({"Fn::If": ["Never", "a", "b"]}, "there is no condition Never"),
        ({"Fn::Select": ["5", ["a"]]}, "there is no element 5"),
        ({"Fn::Join": ["-"]}, "Fn::Join: needs a list of 2"),
        ({"Fn::FindInMap": ["A", "b", "c"]}, "there is no A.b.c in Mappings"),
    ],
)
def test_what_cannot_be_resolved_is_named_with_its_path(value: Json, complaint: str) -> None:
    with pytest.raises(TemplateError) as caught:
        resolved(value)

    assert complaint in str(caught.value)
    assert str(caught.value).startswith("Resources.Made.Properties.DisplayName")


def test_a_reference_to_a_resource_whose_condition_is_false_is_an_error() -> None:
    absent: Fields = {"Type": "AWS::SNS::Topic", "Condition": "Never"}
    content = of_property({"Ref": "Absent"}, Conditions={"Never": {"Fn::Equals": ["a", "b"]}})
    content["Resources"] = cast("Fields", content["Resources"]) | {"Absent": absent}

    with pytest.raises(TemplateError, match="this stack has no Absent"):
        resolve(content, HOME, {})


def test_a_type_that_the_lab_lacks_is_refused_by_logical_id() -> None:
    content: Fields = {"Resources": {"Fleet": {"Type": "AWS::EC2::Fleet"}}}

    with pytest.raises(TemplateError, match=r"Resources\.Fleet\.Type: .* AWS::EC2::Fleet"):
        resolve(content, HOME, {})


@pytest.mark.parametrize(
    ("fields", "given", "complaint"),
    [
        ({"Type": "String"}, {}, "has no default, so a value must be given"),
        ({"Type": "String", "AllowedValues": ["a", "b"]}, {"Given": "c"}, "is none of a, b"),
        ({"Type": "String", "AllowedPattern": "[a-z]+"}, {"Given": "ab1"}, "does not match [a-z]+"),
        ({"Type": "Number", "MaxValue": 3}, {"Given": "4"}, "too small or too large"),
        ({"Type": "Number"}, {"Given": "many"}, "is not a number"),
        ({"Type": "String", "MaxLength": 2}, {"Given": "abc"}, "too short or too long"),
        (
            {"Type": "CommaDelimitedList", "AllowedPattern": "[a-z]*"},
            {"Given": "ab,1"},
            "'1' does not match",
        ),
        ({"Type": "AWS::SSM::Parameter::Name"}, {"Given": "x"}, "the lab does not know"),
        ({"Type": "String", "Default": "a"}, {"Other": "x"}, "does not declare it"),
    ],
)
def test_parameters_are_checked_as_cloudformation_checks_them(
    fields: Fields, given: dict[str, str], complaint: str
) -> None:
    with pytest.raises(TemplateError) as caught:
        resolve(with_parameter(**fields), HOME, given)

    assert str(caught.value).startswith("Parameters.")
    assert complaint in str(caught.value)


def test_a_list_parameter_is_a_list_and_an_empty_one_is_empty() -> None:
    def watched(text: str) -> Json:
        content = of_property({"Ref": "Given"})
        content["Parameters"] = {"Given": {"Type": "CommaDelimitedList"}}
        stack = resolve(content, HOME, {"Given": text})
        return stack.resource("Made").properties["DisplayName"]

    assert watched("a, b") == ["a", "b"]
    assert watched("") == []


def test_a_rule_that_does_not_hold_is_told_in_its_own_words() -> None:
    rule: Fields = {
        "RuleCondition": {"Fn::Equals": [{"Ref": "Given"}, "on"]},
        "Assertions": [
            {"Assert": {"Fn::Contains": [["a"], {"Ref": "Given"}]}, "AssertDescription": "no way"}
        ],
    }
    content = with_parameter(Type="String", Default="off") | {"Rules": {"Strict": rule}}

    resolve(content, HOME, {})
    with pytest.raises(TemplateError, match=r"Rules\.Strict: no way"):
        resolve(content, HOME, {"Given": "on"})


def home_stack(change: Callable[[Fields], None] = lambda _: None, **parameters: str) -> Stack:
    content = template()
    change(content)
    return resolve(content, HOME, parameters)


def test_names_are_the_stacks_and_a_buckets_the_accounts_too() -> None:
    stack = home_stack()

    assert stack.resource("WorkQueue").physical.name == "replimend-WorkQueue"
    assert stack.resource("WorkBucket").physical.name == "replimend-workbucket-111111111111"
    assert stack.resource("WorkQueue").physical.reference.endswith(
        ".amazonaws.com/111111111111/replimend-WorkQueue"
    )


def test_the_same_template_is_other_resources_in_another_place() -> None:
    elsewhere = Place(account="222222222222", region="eu-central-1", stack="other")

    stack = resolve(template(), elsewhere, {})

    assert (
        stack.resource("FailureBus").physical.arn
        == "arn:aws:events:eu-central-1:222222222222:event-bus/other-FailureBus"
    )


def test_a_rule_on_a_bus_of_its_own_has_the_bus_in_its_arn() -> None:
    arn = home_stack().resource("WorkRule").physical.arn

    assert arn.endswith(":rule/replimend-FailureBus/replimend-WorkRule")


def test_globals_are_merged_into_every_function() -> None:
    properties = home_stack(Greeting="ahoy").resource("EchoFunction").properties

    environment = cast("Fields", properties["Environment"])
    assert environment["Variables"] == {
        "GREETING": "ahoy",
        "QUEUE": "https://sqs.eu-west-1.amazonaws.com/111111111111/replimend-WorkQueue",
    }
    assert properties["Timeout"] == 10


def test_a_function_gets_the_role_that_sam_makes() -> None:
    stack = home_stack()

    role = stack.resource("EchoFunctionRole")
    assert stack.resource("EchoFunction").properties["Role"] == role.physical.arn
    assert role.properties["ManagedPolicyArns"] == [
        "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
        "arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole",
    ]
    policies = cast("list[Fields]", role.properties["Policies"])
    assert [each["PolicyName"] for each in policies] == [
        "EchoFunctionRolePolicy0",
        "EchoFunctionRolePolicy1",
    ]


def test_a_policy_whose_condition_is_false_is_not_in_the_role() -> None:
    role = home_stack(MaySend="no").resource("EchoFunctionRole")

    assert "sqs:SendMessage" not in str(role.properties["Policies"])


def test_a_failure_destination_may_be_sent_to() -> None:
    role = home_stack().resource("TickFunctionRole")

    assert "replimend-TickDeadLetterQueue" in str(role.properties["Policies"])


def test_a_schedule_is_a_rule_that_may_invoke_the_function() -> None:
    stack = home_stack()

    rule = stack.resource("TickFunctionEvery")
    permission = stack.resource("TickFunctionEveryPermission")
    assert rule.properties["ScheduleExpression"] == "rate(15 minutes)"
    assert permission.properties["SourceArn"] == rule.physical.arn


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("Policies", [{"SQSPollerPolicy": {}}], "no policy templates"),
        ("SnapStart", {}, "Properties.SnapStart: the lab does not model it"),
        ("Events", {"Api": {"Type": "Api"}}, "the lab does not model Api events"),
    ],
)
def test_what_the_lab_does_not_model_of_sam_is_an_error(
    name: str, value: Json, complaint: str
) -> None:
    def change(content: Fields) -> None:
        function = cast("Fields", cast("Fields", content["Resources"])["EchoFunction"])
        cast("Fields", function["Properties"])[name] = value

    with pytest.raises(TemplateError) as caught:
        home_stack(change)

    assert str(caught.value).startswith("Resources.EchoFunction")
    assert complaint in str(caught.value)
