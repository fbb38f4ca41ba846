"""Counts as CloudWatch metrics in the embedded format, each with a log line."""

from dataclasses import dataclass

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from replimend.errors import TransientError

NAMESPACE = "Replimend"


@dataclass(frozen=True, slots=True)
class MetricTally:
    """One metric a count, so that an alarm can be set on each."""

    logger: Logger

    def ignored(self, kind: str) -> None:
        """A well-formed message of this kind called for nothing."""
        self.logger.info("signal ignored", kind=kind)
        _count("SignalsIgnored", "Kind", kind)

    def unusable(self, path: str) -> None:
        """A message had no usable value at this path."""
        self.logger.warning("message put aside", path=path or "body")
        _count("MessagesUnusable", "Path", path or "body")

    def given_back(self, group_id: str, error: Exception) -> None:
        """A group's messages went back to their queue; an error we do not expect is a bug."""
        if isinstance(error, TransientError):
            self.logger.warning("messages given back", group_id=group_id, because=str(error))
        else:
            self.logger.error("messages given back", group_id=group_id, exc_info=error)
        _count("GroupsGivenBack", "Function", "triage")

    def woken(self, status: str) -> None:
        """The sweep woke an incident that was stuck in this status."""
        self.logger.warning("stuck incident woken", status=status)
        _count("IncidentsWoken", "Status", status)


def _count(name: str, dimension: str, value: str) -> None:
    with single_metric(name=name, unit=MetricUnit.Count, value=1, namespace=NAMESPACE) as metric:
        metric.add_dimension(name=dimension, value=value)
