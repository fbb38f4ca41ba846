"""How fast CloudTrail KMS denials become signals, and how many of them are read right.

Run as `python -m tests.bench.bench_signals`. Where `access-undenied-aws` can be imported (it wants
`setuptools<80` beside it), its quick path, the one that needs no AWS, runs over the same records in
the same process. Ends with status 1 where the product is not fast enough beside it.
"""

import importlib
import statistics
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from typing import NoReturn

from replimend.domain.denials import Denial, DenialEffect, DenialLayer, parse_denial
from replimend.domain.signals import KeyAccessDenied
from replimend.inbound.messages import signals_of
from tests.builders import AwsJson, cloudtrail_event, key_access_denied, sqs_event
from tests.denial_cases import CASES

EVENTS = 4_800
TEXTS = 480
ROUNDS = 9
REQUIRED_RATIO = 1.5

type Reader = Callable[[AwsJson], object]
"""Whatever makes something of one record."""


class Verdict(StrEnum):
    """How one reader did on one labelled denial."""

    CORRECT = "correct"
    WRONG = "wrong"
    NO_ANSWER = "no answer"
    CRASHED = "crashed"


class AwsNeededError(Exception):
    """The other reader wanted to call AWS, which a text alone must do without."""


class NoAws:
    """Stands where a session or a client would; whoever reaches for it gets AwsNeededError."""

    def __getattr__(self, name: str) -> NoReturn:
        raise AwsNeededError(name)


def main() -> int:
    """Print the figures; 1 where the required ratio is missed, else 0."""
    storm, unlike = denials(texts=TEXTS), denials(texts=EVENTS)
    print(f"{EVENTS:,} denied KMS calls on one core, median of {ROUNDS} rounds, events a second:")
    ours = show(f"CloudTrail records, {TEXTS} texts", events_per_second(signals_of, storm))
    ours_unlike = show(
        "every text another, none remembered",
        events_per_second(signals_of, unlike, before=parse_denial.cache_clear),
    )
    bus = [cloudtrail_event(record) for record in storm]
    show("as EventBridge delivers them", events_per_second(signals_of, bus))
    queue = [sqs_event(event) for event in bus]
    show("as JSON in SQS messages", events_per_second(signals_of, queue))
    labelled = labelled_records()
    print(f"{len(labelled)} labelled denials, from the record alone:")
    show_verdicts("replimend", [our_verdict(*each) for each in labelled])
    try:
        read = their_reader()
    except ImportError as error:
        print(f"access-undenied-aws is not here, so nothing to compare with ({error}).")
        return 0
    show_verdicts("access-undenied-aws", [their_verdict(read, *each) for each in labelled])
    print("access-undenied-aws's quick path over the same records, events a second:")
    theirs = show(f"CloudTrail records, {TEXTS} texts", events_per_second(read, storm))
    theirs_unlike = show("every text another", events_per_second(read, unlike))
    ratio = ours / theirs
    print(
        f"replimend reads {ratio:.2f} times as many, {ours_unlike / theirs_unlike:.2f} times where "
        f"every text is another; {REQUIRED_RATIO} times is required."
    )
    return 0 if ratio >= REQUIRED_RATIO else 1


def denials(*, texts: int) -> list[AwsJson]:
    """Denials of the form that the other reader's quick path knows, over so many texts."""
    return [
        key_access_denied(
            event_id=f"33333333-3333-4333-8333-{index:012d}",
            message=(
                "User: arn:aws:sts::111111111111:assumed-role/orders-replication/s3-replication "
                "is not authorized to perform: kms:Encrypt on resource: arn:aws:kms:eu-central-1:"
                f"111111111111:key/22222222-2222-4222-8222-{index % texts:012d} because no "
                "identity-based policy allows the kms:Encrypt action"
            ),
        )
        for index in range(EVENTS)
    ]


def events_per_second(
    read: Reader,
    events: Sequence[AwsJson],
    *,
    before: Callable[[], None] = lambda: None,
) -> float:
    """The median over the rounds."""
    rates = []
    for _ in range(ROUNDS):
        before()
        start = time.perf_counter()
        for event in events:
            read(event)
        rates.append(len(events) / (time.perf_counter() - start))
    return statistics.median(rates)


def labelled_records() -> list[tuple[AwsJson, Denial]]:
    """Every labelled message under both error codes, and two callers that are no session."""
    codes = ("AccessDenied", "AccessDeniedException")
    records = [
        (key_access_denied(message=case.message, error_code=code), case.says)
        for case in CASES
        for code in codes
    ]
    service = {"type": "AWSService", "invokedBy": "s3.amazonaws.com"}
    account = {"type": "AWSAccount", "principalId": "AROAEXAMPLE:s", "accountId": "333333333333"}
    return records + [
        (key_access_denied(message=CASES[0].message) | {"userIdentity": identity}, CASES[0].says)
        for identity in (service, account)
    ]


def our_verdict(record: AwsJson, says: Denial) -> Verdict:
    """Right only if everything that the message says was read, and nothing else."""
    (signal,) = signals_of(record)
    is_right = isinstance(signal, KeyAccessDenied) and signal.denial == says
    return Verdict.CORRECT if is_right else Verdict.WRONG


def their_verdict(read: Reader, record: AwsJson, says: Denial) -> Verdict:
    """Right if it names the layer; its quick path knows one answer, a silent identity policy."""
    try:
        result = read(record)
    except AwsNeededError:
        return Verdict.NO_ANSWER
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return Verdict.CRASHED
    answer = getattr(getattr(result, "assessment_result", None), "name", "ERROR")
    if answer == "ERROR":
        return Verdict.NO_ANSWER
    is_silent_identity = (says.layer, says.effect) == (DenialLayer.IDENTITY, DenialEffect.IMPLICIT)
    is_right = (answer == "IDENTITY_POLICY_MISSING_ALLOW") is is_silent_identity
    return Verdict.CORRECT if is_right else Verdict.WRONG


def their_reader() -> Reader:
    """The other reader, told to be quiet and given no AWS, or ImportError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it uses pkg_resources, and says so
        package = importlib.import_module("access_undenied_aws")
        analysis = importlib.import_module("access_undenied_aws.analysis")
        common = importlib.import_module("access_undenied_aws.common")
    package.logger.disabled = True
    config = common.Config()
    config.session = config.iam_client = NoAws()
    return partial(analysis.analyze, config)


def show(name: str, rate: float) -> float:
    """Print one rate and give it back."""
    print(f"  {name:<38}{rate:>10,.0f}")
    return rate


def show_verdicts(name: str, verdicts: Sequence[Verdict]) -> None:
    """Print how often a reader was right."""
    counted = Counter(verdicts)
    print(f"  {name:<22}" + "".join(f"{each}: {counted[each]:<6}" for each in Verdict))


if __name__ == "__main__":
    sys.exit(main())
