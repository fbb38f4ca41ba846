"""What can be found about whether anybody hears of a failure: one table, top to bottom."""

from replimend.domain.setups.findings import SILENT, FindingKind, Severity


class HearingFinding(FindingKind):
    """Id, severity, predicted failure reason, what it says, what mends it."""

    METRICS_OFF = (
        "metrics-off",
        Severity.WARNING,
        SILENT,
        "the rule {rule} has no replication metrics, without which S3 sends no failure event",
        "Set Destination.Metrics.Status to Enabled in the rule.",
    )
    NOTIFICATION_MISSING = (
        "notification-missing",
        Severity.WARNING,
        SILENT,
        "the bucket notifies nobody: failure events go nowhere",
        "Send s3:Replication:OperationFailedReplication to a queue, a topic or a function.",
    )
    NOTIFICATION_UNWIRED = (
        "notification-unwired",
        Severity.WARNING,
        SILENT,
        (
            "none of the bucket's notifications is for failed replication, and EventBridge gets "
            "no replication events"
        ),
        (
            "Add s3:Replication:OperationFailedReplication to the bucket's notifications, "
            "beside what is there: writing the configuration replaces all of it."
        ),
    )
    TRAIL_MISSING = (
        "trail-missing",
        Severity.WARNING,
        None,
        "there is no trail, so that EventBridge hears of no denied call to KMS",
        "Create a trail of every Region that logs Read management events.",
    )
    TRAIL_STOPPED = (
        "trail-stopped",
        Severity.WARNING,
        None,
        "the trail has stopped logging, so that EventBridge hears of no denied call to KMS",
        "Start the trail's logging.",
    )
    TRAIL_SKIPS_READS = (
        "trail-skips-reads",
        Severity.WARNING,
        None,
        "the trail logs no Read management events, as which KMS calls count",
        "Let the trail's event selectors take Read management events.",
    )
    TRAIL_EXCLUDES_KMS = (
        "trail-excludes-kms",
        Severity.WARNING,
        None,
        "the trail excludes the events of kms.amazonaws.com",
        "Take kms.amazonaws.com out of the excluded event sources.",
    )
    TRAIL_MISSES_REGION = (
        "trail-misses-region",
        Severity.WARNING,
        None,
        "no trail covers {region}, where calls to this key are logged",
        "Make the trail one of every Region.",
    )
