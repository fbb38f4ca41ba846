"""Access-denied messages with what each says: the forms of aws-facts 4, and what befalls them.

The texts are shaped from AWS's documentation and from forms seen in public issues. The same cases
feed the parser's tests and the side-by-side bench.
"""

from dataclasses import dataclass

from replimend.domain.denials import SILENT, Denial, DenialEffect, DenialLayer
from tests.builders import DESTINATION_KEY_ARN, SESSION_ARN

ACTION = "kms:Encrypt"
ASKED = f"User: {SESSION_ARN} is not authorized to perform: {ACTION}"
ON_KEY = f" on resource: {DESTINATION_KEY_ARN}"
ON_HIDDEN = " on this resource"
ON_CIPHERTEXT = " on the resource associated with this ciphertext"
THREE_CAUSES = (
    " because the resource does not exist in this Region, no resource-based policies allow access, "
    "or a resource-based policy explicitly denies access"
)
SCP_ARN = (
    "arn:aws:organizations::777788889999:policy/o-exampleorgid/service_control_policy/p-example"
)
DETAILS = (
    ". Go to https://console.aws.amazon.com/iam/home#/authorization-details/EXAMPLE for complete "
    "details, or call the GetRequestAuthorizationDetails API with the following authorization id: "
    "EXAMPLE"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DenialCase:
    """One message and what it says."""

    name: str
    message: str
    says: Denial


def says(
    layer: DenialLayer,
    effect: DenialEffect,
    *,
    principal: str | None = SESSION_ARN,
    action: str | None = ACTION,
    resource: str | None = DESTINATION_KEY_ARN,
    policy_arn: str | None = None,
) -> Denial:
    """What a message about the flagship's denied call says, unless told otherwise."""
    return Denial(
        principal=principal,
        action=action,
        resource=resource,
        layer=layer,
        effect=effect,
        policy_arn=policy_arn,
    )


def _case(name: str, message: str, expected: Denial) -> DenialCase:
    return DenialCase(name=name, message=message, says=expected)


IMPLICIT_WORDS = {
    "identity-based policy": DenialLayer.IDENTITY,
    "resource-based policy": DenialLayer.RESOURCE,
    "permissions boundary": DenialLayer.BOUNDARY,
    "session policy": DenialLayer.SESSION,
    "service control policy": DenialLayer.SCP,
    "resource control policy": DenialLayer.RCP,
    "VPC endpoint policy": DenialLayer.VPC_ENDPOINT,
    "role trust policy": DenialLayer.TRUST,
}
EXPLICIT_WORDS = {
    "an identity-based policy": DenialLayer.IDENTITY,
    "a resource-based policy": DenialLayer.RESOURCE,
    "a permissions boundary": DenialLayer.BOUNDARY,
    "a session policy": DenialLayer.SESSION,
    "a sessions policy": DenialLayer.SESSION,
    "a service control policy": DenialLayer.SCP,
    "a resource control policy": DenialLayer.RCP,
    "a VPC endpoint policy": DenialLayer.VPC_ENDPOINT,
    "the role trust policy": DenialLayer.TRUST,
}

CASES: tuple[DenialCase, ...] = (
    *(
        _case(
            f"no {words} allows",
            f"{ASKED}{ON_KEY} because no {words} allows the {ACTION} action",
            says(layer, DenialEffect.IMPLICIT),
        )
        for words, layer in IMPLICIT_WORDS.items()
    ),
    *(
        _case(
            f"{words} denies",
            f"{ASKED}{ON_KEY} with an explicit deny in {words}",
            says(layer, DenialEffect.EXPLICIT),
        )
        for words, layer in EXPLICIT_WORDS.items()
    ),
    *(
        _case(
            f"{words} denies, and its ARN is shared",
            f"{ASKED}{ON_KEY} with an explicit deny in {words}: {SCP_ARN}",
            says(layer, DenialEffect.EXPLICIT, policy_arn=SCP_ARN),
        )
        for words, layer in EXPLICIT_WORDS.items()
    ),
    _case(
        "an explicit deny of no stated type",
        f"{ASKED}{ON_KEY} with an explicit deny",
        says(DenialLayer.UNKNOWN, DenialEffect.EXPLICIT),
    ),
    _case(
        "an explicit deny of no stated type, with a full stop",
        f"{ASKED}{ON_KEY} with an explicit deny.",
        says(DenialLayer.UNKNOWN, DenialEffect.EXPLICIT),
    ),
    # Older documentation warns that this wording may stand for an implicit denial as well.
    _case(
        "due to a Service Control Policy, in capitals",
        f"{ASKED}{ON_KEY} due to an explicit deny in a Service Control Policy",
        says(DenialLayer.SCP, DenialEffect.EXPLICIT),
    ),
    _case(
        "an endpoint policy through a service control policy",
        f"{ASKED}{ON_KEY} with an explicit deny in a VPC endpoint policy transitively through a "
        "service control policy",
        says(DenialLayer.SCP, DenialEffect.EXPLICIT),
    ),
    _case(
        "the fixed message of network activity events",
        "The request was denied due to a VPC endpoint policy",
        says(
            DenialLayer.VPC_ENDPOINT,
            DenialEffect.AMBIGUOUS,
            principal=None,
            action=None,
            resource=None,
        ),
    ),
    _case(
        "a hidden key that no identity policy allows",
        f"{ASKED}{ON_HIDDEN} because no identity-based policy allows the {ACTION} action",
        says(DenialLayer.IDENTITY, DenialEffect.IMPLICIT, resource=None),
    ),
    _case(
        "one of three causes on a hidden key",
        f"{ASKED}{ON_HIDDEN}{THREE_CAUSES}",
        says(DenialLayer.RESOURCE, DenialEffect.AMBIGUOUS, resource=None),
    ),
    _case(
        "one of three causes on a ciphertext's key",
        f"User: {SESSION_ARN} is not authorized to perform: kms:Decrypt{ON_CIPHERTEXT}"
        f"{THREE_CAUSES}",
        says(DenialLayer.RESOURCE, DenialEffect.AMBIGUOUS, action="kms:Decrypt", resource=None),
    ),
    _case(
        "KMS's legacy message",
        "The ciphertext refers to a customer master key that does not exist, does not exist in "
        "this region, or you are not allowed to access.",
        SILENT,
    ),
    _case(
        "KMS's legacy message as old SDKs print it",
        "The ciphertext refers to a customermaster key that does not exist, does not exist in "
        "this region, or you are not allowed to access.",
        SILENT,
    ),
    _case(
        "a session policy, and no resource at all",
        f"{ASKED} because no session policy allows the {ACTION} action",
        says(DenialLayer.SESSION, DenialEffect.IMPLICIT, resource=None),
    ),
    _case(
        "the form before 2021",
        f"{ASKED}{ON_KEY}",
        says(DenialLayer.UNKNOWN, DenialEffect.AMBIGUOUS),
    ),
    _case(
        "neither a resource nor a reason",
        ASKED,
        says(DenialLayer.UNKNOWN, DenialEffect.AMBIGUOUS, resource=None),
    ),
    _case(
        "the general form of the documentation, without colons",
        f"User {SESSION_ARN} is not authorized to perform {ACTION} on {DESTINATION_KEY_ARN} "
        f"because no identity-based policy allows the {ACTION} action",
        says(DenialLayer.IDENTITY, DenialEffect.IMPLICIT),
    ),
    _case(
        "several policies of a type",
        f"{ASKED}{ON_KEY} because no resource-based policies allow the {ACTION} action",
        says(DenialLayer.RESOURCE, DenialEffect.IMPLICIT),
    ),
    _case(
        "authorization details behind the reason",
        f"{ASKED}{ON_KEY} because no identity-based policy allows the {ACTION} action{DETAILS}",
        says(DenialLayer.IDENTITY, DenialEffect.IMPLICIT),
    ),
    _case(
        "authorization details behind a policy's ARN",
        f"{ASKED}{ON_KEY} with an explicit deny in a service control policy: {SCP_ARN}{DETAILS}",
        says(DenialLayer.SCP, DenialEffect.EXPLICIT, policy_arn=SCP_ARN),
    ),
    _case(
        "authorization details behind the key",
        f"{ASKED}{ON_KEY}{DETAILS}",
        says(DenialLayer.UNKNOWN, DenialEffect.AMBIGUOUS),
    ),
    _case(
        "inside an SDK's error text",
        f"An error occurred (AccessDeniedException) when calling the Encrypt operation: {ASKED}"
        f"{ON_KEY} because no resource-based policy allows the {ACTION} action",
        says(DenialLayer.RESOURCE, DenialEffect.IMPLICIT),
    ),
    _case(
        "inside the Java SDK's error text",
        f"{ASKED}{ON_KEY} (Service: AWSKMS; Status Code: 400; Error Code: AccessDeniedException)",
        says(DenialLayer.UNKNOWN, DenialEffect.AMBIGUOUS),
    ),
    _case(
        "broken over lines",
        f"User: {SESSION_ARN} is not authorized to perform:\n{ACTION} on resource:\n"
        f"  {DESTINATION_KEY_ARN}\n  with an explicit deny in a permissions boundary\n",
        says(DenialLayer.BOUNDARY, DenialEffect.EXPLICIT),
    ),
    _case(
        "a quoted object ARN with blanks and a decoy in its key",
        f"User: {SESSION_ARN} is not authorized to perform: s3:GetObject on resource: "
        '"arn:aws:s3:::orders-ireland/a because no session policy allows b.pdf" '
        "because no identity-based policy allows the s3:GetObject action",
        says(
            DenialLayer.IDENTITY,
            DenialEffect.IMPLICIT,
            action="s3:GetObject",
            resource="arn:aws:s3:::orders-ireland/a because no session policy allows b.pdf",
        ),
    ),
    _case(
        "an object ARN with blanks and no quotes",
        f"User: {SESSION_ARN} is not authorized to perform: s3:ReplicateObject on resource: "
        "arn:aws:s3:::orders-frankfurt/reports/2026 Q1.pdf with an explicit deny in a "
        "resource-based policy",
        says(
            DenialLayer.RESOURCE,
            DenialEffect.EXPLICIT,
            action="s3:ReplicateObject",
            resource="arn:aws:s3:::orders-frankfurt/reports/2026 Q1.pdf",
        ),
    ),
    _case(
        "any resource",
        f"User: {SESSION_ARN} is not authorized to perform: kms:ListKeys on resource: * because no "
        "identity-based policy allows the kms:ListKeys action",
        says(DenialLayer.IDENTITY, DenialEffect.IMPLICIT, action="kms:ListKeys", resource="*"),
    ),
    _case(
        "a GovCloud principal and key",
        "User: arn:aws-us-gov:sts::111111111111:assumed-role/r/s3-replication is not authorized to "
        "perform: kms:Decrypt on resource: arn:aws-us-gov:kms:us-gov-west-1:111111111111:key/k "
        "because no identity-based policy allows the kms:Decrypt action",
        says(
            DenialLayer.IDENTITY,
            DenialEffect.IMPLICIT,
            principal="arn:aws-us-gov:sts::111111111111:assumed-role/r/s3-replication",
            action="kms:Decrypt",
            resource="arn:aws-us-gov:kms:us-gov-west-1:111111111111:key/k",
        ),
    ),
    _case(
        "a user with a path",
        "User: arn:aws-cn:iam::111111111111:user/ops/anna is not authorized to perform: kms:Decrypt"
        f"{ON_CIPHERTEXT}{THREE_CAUSES}",
        says(
            DenialLayer.RESOURCE,
            DenialEffect.AMBIGUOUS,
            principal="arn:aws-cn:iam::111111111111:user/ops/anna",
            action="kms:Decrypt",
            resource=None,
        ),
    ),
    _case(
        "a service as the principal",
        f"User: AWSService is not authorized to perform: {ACTION}{ON_KEY}",
        says(DenialLayer.UNKNOWN, DenialEffect.AMBIGUOUS, principal="AWSService"),
    ),
    _case(
        "an account as the principal",
        f"User: 111111111111 is not authorized to perform: {ACTION}{ON_HIDDEN}{THREE_CAUSES}",
        says(DenialLayer.RESOURCE, DenialEffect.AMBIGUOUS, principal="111111111111", resource=None),
    ),
    _case(
        "STS's older form",
        "Not authorized to perform sts:AssumeRole",
        says(
            DenialLayer.UNKNOWN,
            DenialEffect.AMBIGUOUS,
            principal=None,
            action="sts:AssumeRole",
            resource=None,
        ),
    ),
    _case(
        "a role's trust policy",
        f"User: {SESSION_ARN} is not authorized to perform: sts:AssumeRole on resource: "
        "arn:aws:iam::222222222222:role/reader because no role trust policy allows the "
        "sts:AssumeRole action",
        says(
            DenialLayer.TRUST,
            DenialEffect.IMPLICIT,
            action="sts:AssumeRole",
            resource="arn:aws:iam::222222222222:role/reader",
        ),
    ),
    _case("S3's bare words", "Access Denied", SILENT),
    _case("nothing", "", SILENT),
)
