"""The table of the diagnosis: named cases of reason and facts, with an expert's answers.

The answers are written from what AWS documents (aws-facts 2, 4, 5, 9), not from what the code says.
"""

from tests.cause_cases import (
    codes,
    conditions,
    configuration,
    evidence,
    keys,
    permissions,
    refusals,
)
from tests.cause_cases.model import CauseCase

CASES: tuple[CauseCase, ...] = (
    *codes.WITH_A_SOUND_SET_UP,
    *permissions.CASES,
    *refusals.CASES,
    *conditions.CASES,
    *keys.CASES,
    *configuration.CASES,
    *evidence.CASES,
)
