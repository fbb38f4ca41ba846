"""Parts of a scenario's world in the shapes that boto3 takes."""

from lab.world_model import Algorithm, Bucket
from lab.world_replication import Rule


def default_encryption(bucket: Bucket) -> dict[str, object]:
    """One rule of `PutBucketEncryption`."""
    default: dict[str, object] = {"SSEAlgorithm": str(bucket.algorithm)}
    if bucket.algorithm is not Algorithm.S3 and bucket.key is not None:
        default["KMSMasterKeyID"] = bucket.key
    return {
        "ApplyServerSideEncryptionByDefault": default,
        "BucketKeyEnabled": bucket.uses_bucket_key,
    }


def replication_rule(rule: Rule) -> dict[str, object]:
    """One rule of `PutBucketReplication`, in the newer schema, which has a filter."""
    destination: dict[str, object] = {"Bucket": rule.destination}
    if rule.account is not None:
        destination["Account"] = rule.account
    # S3 takes a replica key and the opt-in together, or neither.
    if rule.key is not None and rule.takes_kms_objects:
        destination["EncryptionConfiguration"] = {"ReplicaKmsKeyID": rule.key}
    if rule.storage_class is not None:
        destination["StorageClass"] = rule.storage_class
    if rule.changes_owner:
        destination["AccessControlTranslation"] = {"Owner": "Destination"}
    fifteen_minutes = {"Minutes": 15}  # the only value there is (facts §1.2)
    if rule.has_time_control:
        destination["ReplicationTime"] = {"Status": "Enabled", "Time": fifteen_minutes}
        destination["Metrics"] = {"Status": "Enabled", "EventThreshold": fifteen_minutes}
    elif rule.has_metrics:
        destination["Metrics"] = {"Status": "Enabled"}
    written: dict[str, object] = {
        "ID": rule.rule_id,
        "Status": str(rule.status),
        "Priority": rule.priority,
        "Filter": _filter(rule),
        "DeleteMarkerReplication": {
            "Status": "Enabled" if rule.replicates_delete_markers else "Disabled"
        },
        "Destination": destination,
    }
    if rule.takes_kms_objects:
        written["SourceSelectionCriteria"] = {"SseKmsEncryptedObjects": {"Status": "Enabled"}}
    return written


def _filter(rule: Rule) -> dict[str, object]:
    tags = [{"Key": name, "Value": value} for name, value in rule.tags.items()]
    match tags:
        case []:
            return {"Prefix": rule.prefix}
        case [tag] if not rule.prefix:
            return {"Tag": tag}
        case _:
            return {"And": {"Prefix": rule.prefix, "Tags": tags}}
