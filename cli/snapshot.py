"""`replimend snapshot`: a live set-up as a file, for `explain` and `preflight`."""

import json
import sys
from pathlib import Path

import boto3
import click
from botocore.exceptions import NoRegionError

from cli.accounts import READING, Accounts
from cli.arguments import TEXT
from cli.errors import Exit
from cli.inputs import STANDARD_INPUT, BadInput
from cli.reading import Reading
from cli.snapshots import Wanted, take


@click.command()
@click.option("--bucket", metavar="NAME", type=TEXT, required=True, help="The source bucket.")
@click.option("--object", "key", metavar="KEY", type=TEXT, help="An object of it, by its key.")
@click.option("--version-id", type=TEXT, help="The object's version, if not the current one.")
@click.option("--out", metavar="FILE", type=TEXT, help="Write here, not to standard output.")
@click.option("--region", envvar="AWS_REGION", show_envvar=True, help="Region of the bucket.")
@click.option("--reader-role-name", type=TEXT, help="Role to assume in other accounts.")
@click.option("--external-id", type=TEXT, help="External id that the role asks for.")
def snapshot(
    *,
    bucket: str,
    key: str | None,
    version_id: str | None,
    out: str | None,
    region: str | None,
    reader_role_name: str | None,
    external_id: str | None,
) -> int:
    """Read how a bucket is replicated, and change nothing.

    What may not be read is left out and listed on standard error; `explain` and `preflight` take
    it as unknown.
    """
    if version_id is not None and key is None:
        raise click.UsageError("--version-id goes with --object")
    reading = Reading()
    accounts = _accounts(region, reader_role_name, external_id)
    taken = take(Wanted(bucket=bucket, key=key, version_id=version_id), accounts, reading)
    _write(f"{json.dumps(taken, indent=2)}\n", out)
    for each in reading.left_out:
        sys.stderr.write(f"replimend: left out {each}\n")
    return Exit.DONE


def _accounts(region: str | None, reader_role: str | None, external_id: str | None) -> Accounts:
    session = boto3.Session(region_name=region)
    if session.region_name is None:
        raise NoRegionError
    return Accounts(
        session=session,
        home=session.client("sts", config=READING).get_caller_identity()["Account"],
        reader_role=reader_role,
        external_id=external_id,
    )


def _write(text: str, out: str | None) -> None:
    if out is None or out == STANDARD_INPUT:
        sys.stdout.write(text)
        return
    try:
        Path(out).write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"--out: {out}: {error.strerror}") from error
