"""The healthy world: a source and a destination in which every replication succeeds.

Account 111111111111 replicates `orders-ireland` (eu-west-1) to `orders-frankfurt` (eu-central-1) of
account 222222222222; each bucket has a customer key of its own. Only names and places are free; the
policies follow from them, and they are as tight as AWS's documentation has them (facts §5).
"""

import uuid

from lab.documents import Fields, Json

NAMES: Fields = {
    "buckets": {
        "source": {
            "name": "orders-ireland",
            "account": "111111111111",
            "region": "eu-west-1",
            "notifications": "stack",
        },
        "destination": {
            "name": "orders-frankfurt",
            "account": "222222222222",
            "region": "eu-central-1",
        },
    },
    "role": {"name": "orders-replication", "path": "/replication/"},
    "rules": {"to-frankfurt": {"bucket": "destination"}},
}
"""What a scenario's `world` is laid over before the rest is derived."""

KEY_IDS = {
    "source": "11111111-1111-4111-8111-111111111111",
    "destination": "22222222-2222-4222-8222-222222222222",
}
DECRYPT_FOR_BUCKET_KEYS = "kms:Decrypt"


def healthy_world(names: Fields) -> Fields:
    """The whole world that follows from these names and places, every policy included.

    A bucket has a key of its own, under the bucket's name in `keys`, unless it names another by
    `key`. A rule may name its destination by an entry of `buckets`; the replica key is then that
    bucket's.
    """
    buckets: Fields = {
        name: {"key": _own_key(name, _fields(bucket)), **_fields(bucket)}
        for name, bucket in _entries(names, "buckets").items()
    }
    source = _entries(buckets, "source")
    role: Fields = {"account": source.get("account"), **_entries(names, "role")}
    role_arn = f"arn:aws:iam::{role['account']}:role{role.get('path', '/')}{role.get('name')}"
    destinations: Fields = {name: each for name, each in buckets.items() if name != "source"}
    own_keys: Fields = {
        name: {"arn": _own_key(name, _fields(bucket))}
        for name, bucket in buckets.items()
        if _fields(bucket).get("key") == _own_key(name, _fields(bucket))
    }
    keys = merged(own_keys, _entries(names, "keys"))
    return {
        "buckets": {
            name: {"policy": _bucket_policy(_fields(bucket), role_arn), **_fields(bucket)}
            for name, bucket in buckets.items()
        },
        "keys": {
            name: {"policy": _key_policy(_fields(key), buckets, role_arn), **_fields(key)}
            for name, key in keys.items()
        },
        "role": {
            "trust": _trust(),
            "inline": {"replication": _role_policy(source, destinations)},
            **role,
        },
        "replication_role": role_arn,
        "rules": {
            rule_id: _rule(_fields(rule), buckets, role)
            for rule_id, rule in _entries(names, "rules").items()
        },
    }


def merged(base: Fields, over: Fields) -> Fields:
    """`over` laid over `base`, mapping by mapping; anything else takes the place of what was."""
    result = dict(base)
    for name, value in over.items():
        before = result.get(name)
        if isinstance(before, dict) and isinstance(value, dict):
            result[name] = merged(before, value)
        else:
            result[name] = value
    return result


def _own_key(name: str, bucket: Fields) -> str:
    key_id = KEY_IDS.get(name) or uuid.uuid5(uuid.NAMESPACE_URL, name)
    return f"arn:aws:kms:{bucket.get('region')}:{bucket.get('account')}:key/{key_id}"


def _rule(rule: Fields, buckets: Fields, role: Fields) -> Fields:
    bucket = _fields(buckets.get(str(rule.get("bucket", ""))))
    derived: Fields = {}
    if bucket:
        derived["destination"] = f"arn:aws:s3:::{bucket.get('name')}"
        derived["key"] = bucket.get("key")
        if bucket.get("account") != role.get("account"):
            derived["account"] = bucket.get("account")
    return derived | {name: value for name, value in rule.items() if name != "bucket"}


def _bucket_policy(bucket: Fields, role_arn: str) -> Json:
    if bucket.get("account") == _account_of(role_arn):
        return None
    arn = f"arn:aws:s3:::{bucket.get('name')}"
    principal: Fields = {"AWS": role_arn}
    return {
        "AdmitReplicas": {
            "Effect": "Allow",
            "Principal": principal,
            "Action": ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"],
            "Resource": f"{arn}/*",
        },
        "ShowVersioning": {
            "Effect": "Allow",
            "Principal": principal,
            "Action": ["s3:List*", "s3:GetBucketVersioning", "s3:PutBucketVersioning"],
            "Resource": arn,
        },
    }


def _key_policy(key: Fields, buckets: Fields, role_arn: str) -> Json:
    """The account administers its key; a role of another account is admitted for its replicas."""
    arn = str(key.get("arn"))
    statements: Fields = {
        "AdministerThroughIam": {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{_account_of(arn)}:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
    }
    if _account_of(arn) != _account_of(role_arn):
        mine = [_fields(each) for each in buckets.values() if _fields(each).get("key") == arn]
        statements["AdmitTheReplicationRole"] = {
            "Effect": "Allow",
            "Principal": {"AWS": role_arn},
            "Action": _replica_actions(mine),
            "Resource": "*",
            "Condition": _through_s3(mine),
        }
    return statements


def _role_policy(source: Fields, destinations: Fields) -> Fields:
    arn = f"arn:aws:s3:::{source.get('name')}"
    statements: Fields = {
        "ReadTheConfiguration": {
            "Effect": "Allow",
            "Action": ["s3:GetReplicationConfiguration", "s3:ListBucket"],
            "Resource": arn,
        },
        "ReadVersions": {
            "Effect": "Allow",
            "Action": [
                "s3:GetObjectVersionForReplication",
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionTagging",
                "s3:GetObjectRetention",
                "s3:GetObjectLegalHold",
            ],
            "Resource": f"{arn}/*",
        },
        "DecryptVersions": {
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": source.get("key"),
            "Condition": _through_s3([source]),
        },
    }
    for name, each in destinations.items():
        bucket = _fields(each)
        title = name.capitalize()
        statements[f"WriteReplicasTo{title}"] = {
            "Effect": "Allow",
            "Action": ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"],
            "Resource": f"arn:aws:s3:::{bucket.get('name')}/*",
        }
        statements[f"EncryptReplicasFor{title}"] = {
            "Effect": "Allow",
            "Action": _replica_actions([bucket]),
            "Resource": bucket.get("key"),
            "Condition": _through_s3([bucket]),
        }
    return statements


def _replica_actions(buckets: list[Fields]) -> list[Json]:
    actions: list[Json] = ["kms:Encrypt", "kms:GenerateDataKey"]
    if any(bucket.get("bucket_key") for bucket in buckets):
        actions.append(DECRYPT_FOR_BUCKET_KEYS)
    return actions


def _through_s3(buckets: list[Fields]) -> Fields:
    """Through S3 of the buckets' Regions only, for the buckets or their objects."""
    regions = list[Json](
        dict.fromkeys(f"s3.{each.get('region')}.amazonaws.com" for each in buckets)
    )
    arns: list[Json] = []
    for bucket in buckets:
        arn = f"arn:aws:s3:::{bucket.get('name')}"
        arns += [arn, f"{arn}/*"]
    return {
        "StringEquals": {"kms:ViaService": regions},
        "StringLike": {"kms:EncryptionContext:aws:s3:arn": arns},
    }


def _trust() -> Fields:
    return {
        "TrustReplication": {
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    }


def _account_of(arn: str) -> Json:
    return arn.split(":")[4] if arn.count(":") > 4 else ""  # noqa: PLR2004 - the account's place


def _entries(fields: Fields, name: str) -> Fields:
    return {key: value for key, value in _fields(fields.get(name)).items() if value is not None}


def _fields(value: Json) -> Fields:
    return value if isinstance(value, dict) else {}
