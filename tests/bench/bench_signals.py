"""How fast CloudTrail KMS denials become signals, and how many of them are read right.

Beside it, round by round over the same records, runs access-undenied-aws's quick path, in an
environment of its own. Ends with status 1 where the product is not fast enough beside it.
"""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from statistics import median

from replimend.domain.denials import Denial, DenialEffect, DenialLayer
from replimend.domain.signals import KeyAccessDenied
from replimend.inbound.messages import signals_of
from tests.builders import AwsJson, cloudtrail_event, key_access_denied, sqs_event
from tests.denial_cases import CASES

EVENTS = 4_800
TEXTS = 480
ROUNDS = 15
REQUIRED_RATIO = 1.5

PEER = Path(__file__).parents[2] / ".venv/tools/peer/bin/python"
PEER_READER = Path(__file__).with_name("peer.py")

REPEATING, UNLIKE = "repeating texts", "every text another"
BUS, QUEUE = "as EventBridge delivers them", "as JSON in SQS messages"
LABELLED = "labelled"

EXPLANATION = """\
replimend checks the whole record and takes it apart: who called, under which role and session, for
which action on which key, which layer of policies refused and how, when, and in which context.
access-undenied-aws's quick path reads the same record for caller, action and resource, knows one
cause (no identity policy allows) and writes the statement to add; for others it wants to call AWS,
which counts as no answer. Correct is, for replimend, to have read all that the message says and
nothing else; for access-undenied-aws, to name its one cause where it is the cause."""


class Verdict(StrEnum):
    """How one reader did on one labelled denial."""

    CORRECT = "correct"
    WRONG = "wrong"
    CRASHED = "crashed"
    NO_ANSWER = "no answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A CloudTrail record and what its message says."""

    record: AwsJson
    says: Denial


type Records = Mapping[str, Sequence[AwsJson]]
"""The records to read, by the name of the list."""

type Timed = Callable[[str], float]
"""Reads the list of this name once, and gives the seconds of processor time that it took."""


class Peer:
    """The other reader, in a process of its own that waits while it is not asked."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def answers(self, name: str) -> list[str]:
        """What it says of each record of the list."""
        answer = self._asked({"list": name, "timed": False})
        assert isinstance(answer, list)
        return answer

    def seconds(self, name: str) -> float:
        """How long it reads the list."""
        answer = self._asked({"list": name, "timed": True})
        assert isinstance(answer, float)
        return answer

    def tell(self, message: object) -> None:
        """Write one line to it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def _asked(self, question: object) -> object:
        self.tell(question)
        assert self._process.stdout is not None
        answer: object = json.loads(self._process.stdout.readline())
        return answer


def main() -> int:
    """Print the figures; 1 where the required ratio is missed, else 0."""
    python = Path(sys.argv[1]) if len(sys.argv) > 1 else PEER
    labelled = labelled_records()
    lists: Records = {
        LABELLED: [each.record for each in labelled],
        REPEATING: denials(texts=TEXTS),
        UNLIKE: denials(texts=EVENTS),
    }
    print(
        f"{len(labelled)} labelled denials; {EVENTS:,} records of denied KMS calls ({TEXTS} texts, "
        f"or every text another), a second of one core's time, medians of {ROUNDS} rounds in turn"
    )
    print(EXPLANATION)
    show_row("reader", *Verdict, REPEATING, UNLIKE, "ratio")
    verdicts = Counter(our_verdict(each) for each in labelled)
    if python.exists():
        with peer_given(lists, python) as peer:
            answers = peer.answers(LABELLED)
            ours, theirs = rates_of(ours_over(lists), peer.seconds)
        ratios = [ours[name] / theirs[name] for name in (REPEATING, UNLIKE)]
        show_reader("replimend", verdicts, ours, ratios)
        their_verdicts = Counter(
            their_verdict(each, answer) for each, answer in zip(labelled, answers, strict=True)
        )
        show_reader("access-undenied-aws", their_verdicts, theirs, [1.0, 1.0])
    else:
        (ours,) = rates_of(ours_over(lists))
        ratios = []
        show_reader("replimend", verdicts, ours, ratios)
        print("access-undenied-aws is not installed: make .venv/tools/peer.stamp")
    show_deliveries(lists[UNLIKE])
    return 1 if any(ratio < REQUIRED_RATIO for ratio in ratios) else 0


def labelled_records() -> list[Labelled]:
    """Every labelled message under both error codes, and two callers that are no session."""
    codes = ("AccessDenied", "AccessDeniedException")
    service = {"type": "AWSService", "invokedBy": "s3.amazonaws.com"}
    account = {"type": "AWSAccount", "principalId": "AROAEXAMPLE:s", "accountId": "333333333333"}
    first = CASES[0]
    return [
        Labelled(record=key_access_denied(message=case.message, error_code=code), says=case.says)
        for case in CASES
        for code in codes
    ] + [
        Labelled(
            record=key_access_denied(message=first.message) | {"userIdentity": identity},
            says=first.says,
        )
        for identity in (service, account)
    ]


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


@contextmanager
def peer_given(lists: Records, python: Path) -> Iterator[Peer]:
    """The peer with these records, until the block ends."""
    with subprocess.Popen(
        [python, PEER_READER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        peer = Peer(process)
        peer.tell(lists)
        yield peer


def ours_over(lists: Records) -> Timed:
    """The product's reading of one of these lists."""

    def seconds(name: str) -> float:
        records = lists[name]
        start = time.process_time()
        for record in records:
            signals_of(record)
        return time.process_time() - start

    return seconds


def rates_of(*readers: Timed, names: Sequence[str] = (REPEATING, UNLIKE)) -> list[dict[str, float]]:
    """Each reader's median in events a second, by list; the readers take turns in every round."""
    seconds: list[dict[str, list[float]]] = [{name: [] for name in names} for _ in readers]
    for _ in range(ROUNDS):
        for name in names:
            for reader, taken in zip(readers, seconds, strict=True):
                taken[name].append(reader(name))
    return [{name: EVENTS / median(taken[name]) for name in names} for taken in seconds]


def our_verdict(denial: Labelled) -> Verdict:
    """Right only if everything that the message says was read, and nothing else."""
    (signal,) = signals_of(denial.record)
    is_right = isinstance(signal, KeyAccessDenied) and signal.denial == denial.says
    return Verdict.CORRECT if is_right else Verdict.WRONG


def their_verdict(denial: Labelled, answer: str) -> Verdict:
    """Right if it names the layer; its quick path knows one answer, a silent identity policy."""
    if answer in (Verdict.CRASHED, Verdict.NO_ANSWER):
        return Verdict(answer)
    is_identity = denial.says.layer is DenialLayer.IDENTITY
    is_silent_identity = is_identity and denial.says.effect is DenialEffect.IMPLICIT
    is_right = (answer == "IDENTITY_POLICY_MISSING_ALLOW") is is_silent_identity
    return Verdict.CORRECT if is_right else Verdict.WRONG


def show_row(*cells: object) -> None:
    """Print one line of the table."""
    name, *others = cells
    print(f"  {name:<20}" + "".join(f" | {each:>9}" for each in others))


def show_reader(
    name: str, verdicts: Counter[Verdict], rates: Mapping[str, float], ratios: Sequence[float]
) -> None:
    """Print one reader's line."""
    counts = [verdicts[each] for each in Verdict]
    figures = [f"{rates[each]:>{len(each)},.0f}" for each in (REPEATING, UNLIKE)]
    show_row(name, *counts, *figures, " / ".join(f"{each:.2f}" for each in ratios))


def show_deliveries(records: Sequence[AwsJson]) -> None:
    """Print how fast the product reads the same records in the envelopes in which they come."""
    bus = [cloudtrail_event(record) for record in records]
    lists = {BUS: bus, QUEUE: [sqs_event(event) for event in bus]}
    (rates,) = rates_of(ours_over(lists), names=list(lists))
    for name, rate in rates.items():
        print(f"  replimend, {name:<30}{rate:>10,.0f} events/s")


if __name__ == "__main__":
    sys.exit(main())
