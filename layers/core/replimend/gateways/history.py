"""CloudTrail's event history: who changed a key, a role or a bucket in the last 90 days."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, EndpointConnectionError

from replimend.clients import Clients
from replimend.domain.arn import Arn
from replimend.domain.diagnosis.history import (
    TOLD_WITHIN,
    Act,
    ChangeEvent,
    Past,
    Subject,
    SubjectKind,
)
from replimend.domain.unavailable import Unavailable
from replimend.errors import MalformedEventError
from replimend.gateways.faults import code_of, throttling_told_apart
from replimend.inbound.history import change_event_of
from replimend.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_cloudtrail.client import CloudTrailClient

READS = frozenset({"cloudtrail:LookupEvents"})

MOST_PAGES = 4
"""Pages read for one kind of change; two requests a second are allowed (aws-facts 3.2)."""

PAGE = 50

IAM_IS_LOGGED_IN = {
    "aws": "us-east-1",
    "aws-cn": "cn-north-1",
    "aws-us-gov": "us-gov-west-1",
    "aws-iso": "us-iso-east-1",
    "aws-iso-b": "us-isob-east-1",
}
"""The Region that logs IAM, a global service, in each partition."""


@dataclass(frozen=True, slots=True)
class TrailHistory:
    """Looks changes up where they were logged: in the subject's own account and Region.

    It asks for one event name at a time, newest first, and picks the subject's out of the answers.
    By `ResourceName` CloudTrail would give every use of a key as well, more than 99 % of its
    events (aws-facts 3.2), and every read of a role or bucket.
    """

    clients: Clients
    repairer_role: str
    clock: Clock

    def changes_of(self, subject: Subject, acts: Collection[Act]) -> Past | Unavailable:
        """The subject's changes of these kinds, oldest first.

        Whatever keeps us from reading them is Unavailable: no diagnosis depends on them. Only
        throttling raises, since the same question may be answered later.
        """
        region = _logged_in(subject)
        if region is None:
            return Unavailable(reason=f"where {subject.arn} has its changes logged is not known")
        where = f"the changes of {subject.arn} in account {subject.account}, {region}"
        try:
            with throttling_told_apart():
                return self._past(subject, acts, region)
        except ClientError as error:
            why = f"{error.operation_name} was refused ({code_of(error)})"
        except EndpointConnectionError:
            why = "CloudTrail cannot be reached from here"
        except MalformedEventError as error:
            why = str(error)
        return Unavailable(
            reason=f"{where}: {why}; cloudtrail:LookupEvents has to be allowed there"
        )

    def _past(self, subject: Subject, acts: Collection[Act], region: str) -> Past:
        trail: CloudTrailClient = self.clients.reading("cloudtrail", subject.account, region)
        events: list[ChangeEvent] = []
        ends: list[datetime] = []
        for act in sorted(acts):
            found, read_back_to = self._events(trail, act, subject)
            events += found
            if read_back_to is not None:
                ends.append(read_back_to)
        return Past(
            subject=subject,
            events=tuple(sorted(events, key=lambda event: event.at)),
            read_back_to=max(ends, default=None),
            told_until=self.clock.now() - TOLD_WITHIN,
        )

    def _events(
        self, trail: "CloudTrailClient", act: Act, subject: Subject
    ) -> tuple[list[ChangeEvent], datetime | None]:
        """The subject's events of this name, and from when on there are no others."""
        found: list[ChangeEvent] = []
        pages = trail.get_paginator("lookup_events").paginate(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": act.value}],
            PaginationConfig={"PageSize": PAGE},
        )
        for number, page in enumerate(pages, start=1):
            for entry in page["Events"]:
                event = change_event_of(entry, subject, repairer_role=self.repairer_role)
                if event is not None:
                    found.append(event)
            if number == MOST_PAGES and page.get("NextToken") and page["Events"]:
                return found, page["Events"][-1]["EventTime"]
        return found, None


def _logged_in(subject: Subject) -> str | None:
    if subject.kind is SubjectKind.ROLE:
        return IAM_IS_LOGGED_IN.get(Arn.parse(subject.arn).partition)
    return subject.region
