"""How a policy is shown: whole, or only the statements that decide, with their lines marked."""

from cli.policies import BLANK, MARK, marked
from replimend.domain.documents import PolicyDocument
from replimend.domain.setups.deciding import DecidingPolicy, Place


def policy(*places: Place, statements: int = 2, says: str = "this decides") -> DecidingPolicy:
    document = PolicyDocument.of(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Sid": f"S{index}", "Effect": "Allow", "Action": ["a:b", "c:d"], "Resource": "*"}
                for index in range(statements)
            ],
        }
    )
    return DecidingPolicy(name="a policy", document=document, places=places, says=says)


def lines(shown: DecidingPolicy) -> list[str]:
    return marked(shown).plain.splitlines()


def test_every_line_of_a_deciding_place_is_marked_and_no_other() -> None:
    shown = lines(policy(("Statement", 1, "Action")))

    assert [line.removeprefix(MARK).strip() for line in shown if line.startswith(MARK)] == [
        '"Action": [',
        '"a:b",',
        '"c:d"',
        "],",
    ]


def test_without_a_deciding_place_the_policy_is_shown_and_nothing_is_marked() -> None:
    shown = lines(policy(says="nothing here allows it"))

    assert shown[0] == "a policy: nothing here allows it"
    assert not any(line.startswith(MARK) for line in shown)
    assert shown[1:3] == [f"{BLANK}{{", f'{BLANK}  "Version": "2012-10-17",']


def test_of_a_long_policy_only_the_statements_that_decide_are_shown() -> None:
    shown = lines(policy(("Statement", 7, "Effect"), statements=20))

    text = "\n".join(shown)
    assert '"S7"' in text
    assert '"S6"' not in text
    assert text.count("line(s) of other statements") == 2


def test_a_single_statement_is_shown_as_a_list_of_one() -> None:
    document = PolicyDocument.of({"Statement": {"Effect": "Deny", "Action": "*"}})
    place = ("Statement", 0, "Effect")

    shown = lines(DecidingPolicy(name="p", document=document, places=(place,), says="denies"))

    assert [line for line in shown if line.startswith(MARK)] == [f'{MARK}      "Effect": "Deny",']


def test_what_could_steer_a_terminal_is_shown_as_its_escape() -> None:
    document = PolicyDocument.of({"Statement": [{"Sid": "\u009b2J"}]})

    shown = lines(DecidingPolicy(name="\x1b[2J", document=document, places=(), says="x"))

    assert "\x1b" not in "".join(shown)
    assert "\u009b" not in "".join(shown)
