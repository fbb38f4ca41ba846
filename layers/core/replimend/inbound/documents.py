"""Policy documents as AWS gives them: S3 and KMS as text, IAM's clients as decoded JSON."""

from urllib.parse import unquote

from replimend.domain.access import Policy
from replimend.domain.documents import PolicyDocument
from replimend.errors import MalformedEventError, MalformedPolicyError
from replimend.inbound.fields import path_to, wrong

_ENCODED = "%7B"
"""How a document begins that IAM's API sent and no client has decoded: its `{`."""


def document_of(value: object, at: str) -> PolicyDocument:
    """The document as AWS gave it; nothing is looked for in it but that it is one at all."""
    match value:
        case str() if value:
            return PolicyDocument(text=unquote(value) if value.startswith(_ENCODED) else value)
        case dict():
            try:
                return PolicyDocument.of(value)
            except RecursionError:
                raise MalformedEventError(at, "expected a policy document") from None
        case _:
            raise wrong(value, "a policy document", at)


def checked_document(value: object, at: str) -> PolicyDocument:
    """The document, known to keep the policy grammar; an error names the path inside it."""
    document = document_of(value, at)
    try:
        Policy.parse(document.text, name=at)
    except MalformedPolicyError as error:
        raise MalformedEventError(
            path_to(at, error.path) if error.path else at, error.problem
        ) from error
    return document
