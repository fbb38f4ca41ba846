"""How the command ends: an exit status, and one line on standard error where it could not go on."""

import sys
from collections.abc import Callable
from enum import IntEnum

import click
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from replimend.errors import ReplimendError

INTERRUPTED = 130
"""What shells give for a program that Ctrl-C ended."""


class Exit(IntEnum):
    """What a script that runs the command may rely on."""

    DONE = 0
    FAILED = 1
    """AWS or the network did not do what was asked of it."""
    BAD_INPUT = 2
    UNSETTLED = 3
    """Answered, but a person or time is needed: undetermined, refused, escalated, not approved."""


class CommandError(ReplimendError):
    """What keeps the command from going on, in a line fit for its user."""


def reported(run: Callable[[], int]) -> int:
    """The exit status of a run; whatever AWS or its user did wrong is told in one line."""
    try:
        return run()
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        return _complain(error.format_message(), error.exit_code)
    except click.Abort:
        return _complain("interrupted; what was begun in AWS goes on there", INTERRUPTED)
    except NoCredentialsError:
        return _complain("no AWS credentials found: set AWS_PROFILE, or log in", Exit.FAILED)
    except NoRegionError:
        return _complain("no AWS Region: give --region, or set AWS_REGION", Exit.FAILED)
    except (BotoCoreError, ClientError, ReplimendError) as error:
        return _complain(str(error) or type(error).__name__, Exit.FAILED)


def _complain(message: str, status: int) -> int:
    sys.stderr.write(f"replimend: {' '.join(message.split())}\n")
    return status
