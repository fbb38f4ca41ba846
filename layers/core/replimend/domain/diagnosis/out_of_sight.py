"""Conditions on what S3 sends for certain, but no read of ours tells: who owns the role, its tags.

A statement that hangs on one of them is decided as far as it makes no difference.
"""

from collections.abc import Iterable, Iterator, Mapping

from replimend.domain.documents import PolicyDocument

KEYS = frozenset(
    {
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:resourceorgid",
        "aws:resourceorgpaths",
        "aws:userid",
    }
)
TAGS = ("aws:principaltag/", "aws:resourcetag/")
SOME_OTHER = "none-of-those-named"


def conditions_out_of_sight(documents: Iterable[PolicyDocument]) -> Mapping[str, str]:
    """The condition keys that no read tells, each with a value that some statement names."""
    return dict(pair for document in documents for pair in _of_document(document))


def possible_contexts(keys: Mapping[str, str]) -> tuple[Mapping[str, str], ...]:
    """What the request may hold of these keys, beside none: what is named, and something else."""
    return dict(keys), dict.fromkeys(keys, SOME_OTHER)


def _of_document(document: PolicyDocument) -> Iterator[tuple[str, str]]:
    for statement in document.statements:
        block = statement.get("Condition")
        for tests in block.values() if isinstance(block, dict) else ():
            for key, value in tests.items() if isinstance(tests, dict) else ():
                if key.lower() in KEYS or key.lower().startswith(TAGS):
                    yield key, _one_of(value)


def _one_of(value: object) -> str:
    """A value that fits: the first one named, with something in place of each wildcard."""
    first = next(iter(value), "") if isinstance(value, list) else value
    return str(first).replace("*", "x").replace("?", "x")
