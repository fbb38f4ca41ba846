"""`replimend patch`: a change as text for the code that manages the policy elsewhere."""

import click

from cli.errors import CommandError, Exit
from cli.layout import unbroken
from cli.ledger import Ledger
from cli.output import Output
from replimend.domain.repair.patches import PatchFormat, UnpatchableError, patch_of


def show_patch(ledger: Ledger, output: Output, change_id: str, form: PatchFormat) -> int:
    """Write the patch and nothing else; bad input if there is no change of this id."""
    change = ledger.changes.find(change_id)
    if change is None:
        raise click.BadParameter(f"there is no change {change_id}", param_hint="'CHANGE_ID'")
    try:
        patch = patch_of(change, form)
    except UnpatchableError as error:
        raise CommandError(str(error)) from error
    output.show(unbroken(patch))
    output.document({"changeId": change_id, "format": form.value, "patch": patch})
    return Exit.DONE
