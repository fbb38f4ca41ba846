"""Every error that Replimend raises on purpose. A handler needs to know two classes only.

```
ReplimendError
├─ PermanentError              trying again cannot help: record, escalate, acknowledge the message
│  ├─ MalformedEventError      a message from AWS or a person lacks what we need, at .path
│  ├─ MalformedPolicyError     a policy document is not one, at .path
│  ├─ PolicyRefusedError       AWS does not take the document that we wrote
│  └─ AccessLostError          we ourselves are denied: alarm, never mend our own access
└─ TransientError              give the message back to the queue
   ├─ ThrottledError           AWS asked us to slow down
   ├─ PolicyChangedError       someone edited between our read and our write
   ├─ ManifestLostError        a manifest in the making is gone, and is written anew
   ├─ NotYetEffectiveError     still denied after a repair: KMS and IAM are eventually consistent
   └─ IncidentBusyError        another invocation holds the incident or the key
```

A refusal by a guardrail is a value, not an error. A text that is no ARN is a ValueError until
whoever knows its field turns it into one of these. Any other exception is a bug and must surface.
"""


class ReplimendError(Exception):
    """The base of every error that Replimend raises on purpose."""


class PermanentError(ReplimendError):
    """Trying again cannot help; the message is recorded, escalated and acknowledged."""


class TransientError(ReplimendError):
    """Trying again later may help; the message goes back to its queue."""


class MalformedEventError(PermanentError):
    """An incoming message has no usable value at `path`; `problem` says what was expected there.

    An empty `path` stands for the message itself.
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem

    def __str__(self) -> str:
        """Return one line that names the field: `event has no usable 'detail.errorCode': …`."""
        if not self.path:
            return f"event is not usable: {self.problem}"
        return f"event has no usable {self.path!r}: {self.problem}"


class MalformedPolicyError(PermanentError):
    """A policy document breaks the policy grammar at `path`; `problem` says how.

    An empty `path` stands for the whole document.
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem

    def __str__(self) -> str:
        """Return one line that names it: `policy has no usable 'Statement[0].Effect': …`."""
        if not self.path:
            return f"policy is not usable: {self.problem}"
        return f"policy has no usable {self.path!r}: {self.problem}"


class PolicyRefusedError(PermanentError):
    """AWS does not take a document that we wrote: its size, its syntax or a principal in it."""


class AccessLostError(PermanentError):
    """Replimend's own role was denied; an alarm is due, since we never repair our own access."""


class ThrottledError(TransientError):
    """An AWS service asked us to slow down, after the client's own retries."""


class PolicyChangedError(TransientError):
    """A policy was edited between our read and our write, so the plan must be made anew."""


class ManifestLostError(TransientError):
    """The parts of a manifest in the making are gone or another's, so that it is written anew."""


class NotYetEffectiveError(TransientError):
    """A repair was written but is not in force yet; AWS allows itself several minutes."""


class IncidentBusyError(TransientError):
    """Another invocation holds the incident or the key, so the conditional write was lost."""
