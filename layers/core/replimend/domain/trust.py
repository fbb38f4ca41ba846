"""Whether S3 can assume the replication role at all."""

from replimend.domain.access import Layers, Policy, Request, Result, evaluate
from replimend.domain.facts import Role

S3_SERVICE = "s3.amazonaws.com"


def role_is_assumable_by_s3(role: Role, source_account: str) -> bool:
    """Whether the role's trust policy lets S3 assume it for a bucket of the source account."""
    decision = evaluate(
        Request(
            principal=S3_SERVICE,
            principal_account=source_account,
            action="sts:AssumeRole",
            resource=role.arn,
            resource_account=source_account,
            context={"aws:SourceAccount": source_account},
        ),
        Layers(identity=(), resource=Policy.parse(role.trust.content, name="trust policy")),
    )
    return decision.result is Result.ALLOWED
