"""How fast the policy evaluator decides, on one core and with policies already parsed."""

import json
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

from replimend.domain.access import Layers, Policy, Request, evaluate
from replimend.domain.access.contract import evaluate_case, parse_case

CASES = Path(__file__).parents[1] / "data/policy-cases.jsonl"
TARGET = 10_000
ROUNDS = 15

ACCOUNT = "111111111111"
KEY_PREFIX = f"arn:aws:kms:eu-west-2:{ACCOUNT}:key/"
LONG_ARN = KEY_PREFIX + "a" * (1_024 - len(KEY_PREFIX))
FORTY_WILDCARDS = "arn:aws:kms:eu-west-2:*:key/" + "*a" * 39 + "b"


def main() -> None:
    cases = [json.loads(line) for line in CASES.read_text().splitlines()]
    wrong = sum(evaluate_case(case)["result"] != case["expected"] for case in cases)
    print(f"policy evaluator, {len(cases)} cases, {wrong} answered otherwise than expected")
    show("decisions/s, policies parsed before", decisions_per_second(cases), f"target {TARGET:,}")
    show("cases/s, JSON in and JSON out", cases_per_second(cases))
    for count in (1, 10, 100, 1_000):
        show(f"us a decision, {count} statements", microseconds(with_statements(count)))
    show("us a decision, 40 wildcards, ARN of 1,024", microseconds(with_resource(FORTY_WILDCARDS)))


def show(label: str, figure: float, note: str = "") -> None:
    print(f"  {label:<45}{figure:>10,.0f}  {note}".rstrip())


def decisions_per_second(cases: list[dict[str, Any]]) -> float:
    parsed = [parse_case(case) for case in cases]
    return len(parsed) / seconds(lambda: [evaluate(*each) for each in parsed])


def cases_per_second(cases: list[dict[str, Any]]) -> float:
    lines = [json.dumps(case) for case in cases]
    return len(lines) / seconds(lambda: [json.dumps(evaluate_case(json.loads(x))) for x in lines])


def microseconds(layers: Layers) -> float:
    request = Request(
        principal=f"arn:aws:sts::{ACCOUNT}:assumed-role/repl/s3-replication",
        principal_account=ACCOUNT,
        action="kms:Encrypt",
        resource=LONG_ARN,
        resource_account=ACCOUNT,
        context={"kms:ViaService": "s3.eu-west-2.amazonaws.com"},
    )
    return seconds(lambda: evaluate(request, layers)) * 1e6


def with_statements(count: int) -> Layers:
    statement = {
        "Effect": "Allow",
        "Action": "kms:Enc*",
        "Resource": f"{KEY_PREFIX}*",
        "Condition": {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}},
    }
    policy = Policy.parse({"Statement": [statement] * count}, name="bench")
    return Layers(identity=(policy,), resource=None)


def with_resource(resource: str) -> Layers:
    statement = {"Effect": "Allow", "Action": "*", "Resource": resource}
    return Layers(identity=(Policy.parse({"Statement": statement}, name="bench"),), resource=None)


def seconds(task: Callable[[], object]) -> float:
    """The median of several rounds, after one that warms up."""
    task()
    return median(timed(task) for _ in range(ROUNDS))


def timed(task: Callable[[], object]) -> float:
    started = process_time()
    task()
    return process_time() - started


if __name__ == "__main__":
    main()
