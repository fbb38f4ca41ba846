"""The policy evaluator: whether a principal may make a call, and which statement says so."""

from replimend.domain.access.decision import (
    Decision,
    Effect,
    LayerDecision,
    LayerName,
    MissedCondition,
    Result,
)
from replimend.domain.access.evaluation import evaluate
from replimend.domain.access.grants import Grant
from replimend.domain.access.policy import Policy
from replimend.domain.access.request import Layers, Level, Request

__all__ = [
    "Decision",
    "Effect",
    "Grant",
    "LayerDecision",
    "LayerName",
    "Layers",
    "Level",
    "MissedCondition",
    "Policy",
    "Request",
    "Result",
    "evaluate",
]
