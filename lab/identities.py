"""Who calls: access keys, what they stand for, and the sessions that role assumption makes."""

import itertools
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

ADMINISTRATOR_KEY = "AKIAADMIN"
BACKSTAGE_KEY = "AKIABACKSTAGE"
ACCOUNT_DIGITS = 12
SESSION_DURATION = timedelta(hours=1)
NEVER = datetime.max.replace(tzinfo=UTC)


class CallerKind(StrEnum):
    """What a caller is to the lab, which decides whether policies are asked."""

    PERSON = "person"
    ROLE_SESSION = "role_session"
    BACKSTAGE = "backstage"


KEY_FORMS = (
    (ADMINISTRATOR_KEY, CallerKind.PERSON),
    ("", CallerKind.PERSON),
    (BACKSTAGE_KEY, CallerKind.BACKSTAGE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who made a call; `role_arn` and what follows it are set for role sessions only."""

    kind: CallerKind
    account: str
    principal_arn: str
    user_id: str
    role_arn: str = ""
    session_name: str = ""
    session_policy: str | None = None
    expires_at: datetime = NEVER

    @property
    def has_expired(self) -> bool:
        """Whether the session's credentials are no longer good at lab time."""
        return datetime.now(UTC) >= self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCredentials:
    """What STS hands out; `caller` is whom the lab takes the bearer for."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expiration: datetime
    caller: Caller


class Identities:
    """Every access key that the lab honours: administrators by form, role sessions by issue.

    `AKIAADMIN` and twelve digits, or twelve digits alone, are an administrator of that account.
    """

    def __init__(self) -> None:
        self._sessions: dict[str, Caller] = {}
        self._serial = itertools.count(1)
        self._lock = threading.Lock()

    def caller_of(self, access_key: str) -> Caller | None:
        """Whom this key stands for; None when the lab never issued it."""
        for prefix, kind in KEY_FORMS:
            account = access_key.removeprefix(prefix)
            if access_key == f"{prefix}{account}" and _is_account(account):
                return Caller(
                    kind=kind,
                    account=account,
                    principal_arn=f"arn:aws:iam::{account}:user/{kind}",
                    user_id=f"AIDA{kind.upper()}{account}",
                )
        return self._sessions.get(access_key)

    def open_session(
        self,
        *,
        role_arn: str,
        role_id: str,
        session_name: str,
        session_policy: str | None = None,
        duration: timedelta = SESSION_DURATION,
    ) -> SessionCredentials:
        """Credentials of a new session of this role, good for `duration` of lab time."""
        account = role_arn.split(":")[4]
        role_name = role_arn.rsplit("/", 1)[-1]
        caller = Caller(
            kind=CallerKind.ROLE_SESSION,
            account=account,
            principal_arn=f"arn:aws:sts::{account}:assumed-role/{role_name}/{session_name}",
            user_id=f"{role_id}:{session_name}",
            role_arn=role_arn,
            session_name=session_name,
            session_policy=session_policy,
            expires_at=datetime.now(UTC) + duration,
        )
        with self._lock:
            access_key = f"ASIA{next(self._serial):016d}"
            self._sessions[access_key] = caller
        return SessionCredentials(
            access_key_id=access_key,
            secret_access_key=f"secret-of-{access_key}",
            session_token=f"token-of-{access_key}",
            expiration=caller.expires_at,
            caller=caller,
        )


def administrator_key(account: str) -> str:
    """The access key of that account's administrator; any secret goes with it."""
    return f"{ADMINISTRATOR_KEY}{account}"


def backstage_key(account: str) -> str:
    """The access key with which the lab's own parts reach moto in that account."""
    return f"{BACKSTAGE_KEY}{account}"


def _is_account(text: str) -> bool:
    return len(text) == ACCOUNT_DIGITS and text.isdigit()
