"""Whether S3 can assume the replication role at all."""

from replimend.domain.access import Layers, Policy, Request, Result, evaluate
from replimend.domain.facts import Role

S3_SERVICE = "s3.amazonaws.com"


def role_is_assumable_by_s3(role: Role, source_account: str, source_arn: str | None = None) -> bool:
    """Whether the role's trust policy lets S3 assume it for a bucket of the source account.

    Whether S3 sends the bucket's ARN as `aws:SourceArn` when it assumes a replication role is not
    documented: give it to suppose so.
    """
    context = {"aws:SourceAccount": source_account}
    if source_arn is not None:
        context["aws:SourceArn"] = source_arn
    decision = evaluate(
        Request(
            principal=S3_SERVICE,
            principal_account=source_account,
            action="sts:AssumeRole",
            resource=role.arn,
            resource_account=source_account,
            context=context,
        ),
        Layers(identity=(), resource=Policy.parse(role.trust.content, name="trust policy")),
    )
    return decision.result is Result.ALLOWED
