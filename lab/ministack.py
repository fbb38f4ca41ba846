"""ministack, an AWS stand-in of other authors: enforces IAM policies and runs deployed functions.

It runs as a process of its own, on loopback and on a free port, from an environment of its own with
one locked version, and is gone with everything that it wrote when its context ends.
"""

import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from tempfile import TemporaryDirectory

import boto3

from lab.build import PROJECT
from lab.clients import AwsClient
from lab.errors import LabError

ACCOUNT = "111111111111"
REGION = "eu-west-1"
HOST = "127.0.0.1"
STARTS_WITHIN = 60.0  # seconds; 0.6 is usual, more where other work holds the processor
STOPS_WITHIN = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ministack:
    """A running ministack; `environment` makes a program speak to it as the account's root."""

    version: str
    endpoint: str
    environment: Mapping[str, str]

    def client(self, service: str) -> AwsClient:
        """A client of the account's root, whom no policy refuses."""
        return boto3.session.Session().client(  # type: ignore[call-overload]  # see AwsClient
            service,
            region_name=REGION,
            endpoint_url=self.endpoint,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="not-checked",  # noqa: S106 - ministack takes any
        )


@contextmanager
def running_ministack(project: Path = PROJECT) -> Iterator[Ministack]:
    """The server until the context ends; `LabError` if it is another version or will not start."""
    tools = project / ".venv/tools/ministack"
    version = _checked_version(project / "requirements/ministack.txt", tools)
    with TemporaryDirectory(prefix="replimend-ministack-") as folder:
        port = _free_port()
        log = Path(folder) / "ministack.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [tools / "bin/python", "-m", "ministack"],
                env=_server_environment(folder, port),
                cwd=folder,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that the functions that it runs end with it
            )
        try:
            endpoint = f"http://{HOST}:{port}"
            _await_readiness(process, endpoint, log)
            yield Ministack(
                version=version,
                endpoint=endpoint,
                environment=_client_environment(folder, endpoint),
            )
        finally:
            _stop(process)


def _checked_version(lock: Path, tools: Path) -> str:
    pin = re.search(r"^ministack==(\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE)
    if pin is None:
        raise LabError(f"{lock}: pins no ministack")
    folders = [str(each) for each in tools.glob("lib/python*/site-packages")]
    installed = next((each.version for each in distributions(name="ministack", path=folders)), None)
    if installed is None:
        raise LabError(f"{tools}: ministack is not there; run `make setup`")
    if installed != pin[1]:
        raise LabError(
            f"{tools}: has ministack {installed}, {lock} pins {pin[1]}; run `make setup`"
        )
    return installed


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _server_environment(folder: str, port: int) -> dict[str, str]:
    return {
        "AUTH": "true",  # policies are enforced
        "BIND_HOST": HOST,  # else it listens on every interface
        "GATEWAY_PORT": str(port),
        "HOME": folder,
        "MINISTACK_REGION": REGION,
        "PATH": os.environ["PATH"],
        "STATE_DIR": folder,
        "TMPDIR": folder,
    }


def _client_environment(folder: str, endpoint: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": ACCOUNT,  # ministack takes a 12-digit key for that account's root
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_SECRET_ACCESS_KEY": "not-checked",
        "HOME": folder,  # nothing of the person's own AWS settings
        "PATH": os.environ["PATH"],
        "SAM_CLI_TELEMETRY": "0",
    }


def _await_readiness(process: subprocess.Popen[bytes], endpoint: str, log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
            last = next((line for line in reversed(lines) if line.strip()), "no output")
            raise LabError(f"ministack ended with status {process.returncode}: {last.strip()}")
        try:
            urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=2).close()  # noqa: S310 - our own http address
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.05)
        else:
            return
    raise LabError(f"ministack did not answer within {STARTS_WITHIN:.0f} s")


def _stop(process: subprocess.Popen[bytes]) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            continue
