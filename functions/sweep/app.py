"""SweepFunction: wakes what got stuck."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from replimend.wiring import Parts

logger = Logger()
sweep = Parts.from_env(logger).sweep()


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:  # noqa: ARG001
    """Look over the ledger once; how many incidents were woken."""
    return {"woken": sweep.sweep()}
