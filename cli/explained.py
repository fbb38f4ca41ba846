"""What people are shown of an explanation."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from cli import rendering
from cli.layout import plain, rows
from cli.policies import marked
from replimend.domain.answers import diagnosis_answer, plan_answer
from replimend.domain.denials import DenialLayer
from replimend.domain.diagnosis.causes import Diagnosis
from replimend.domain.setups.deciding import deciding_policies
from replimend.domain.setups.explanation import Explanation


def explained(explanation: Explanation) -> RenderableType:
    """The signal, the diagnosis, the policy that decides with its lines marked, and the plan."""
    about = rows(
        ("Signal", Text.assemble((plain(explanation.about), "bold"))),
        ("Reason", explanation.reason),
        ("Principal", explanation.principal),
        ("Action", explanation.action),
        ("Resource", explanation.resource),
    )
    if explanation.diagnosis is None:
        return Group(about, rows(("Next", explanation.next)))
    return Group(about, _diagnosis(explanation.diagnosis), *_in_the_set_up(explanation))


def _diagnosis(diagnosis: Diagnosis) -> RenderableType:
    answer = diagnosis_answer(diagnosis)
    if answer["layer"] == DenialLayer.UNKNOWN:
        answer["layer"] = None
    return rendering.diagnosis(answer)


def _in_the_set_up(explanation: Explanation) -> list[RenderableType]:
    located = explanation.located
    if located is None or located.facts is None:
        return []
    policies = deciding_policies(located.diagnosis, located.facts)
    shown: list[RenderableType] = [
        Padding(marked(policy), (1, 0, 1, 2), expand=False) for policy in policies
    ]
    return [*shown, rendering.plan(plan_answer(located.plan))]
