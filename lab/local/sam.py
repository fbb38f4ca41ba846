"""`sam local invoke` of one function of the built template, with the lab for its AWS."""

import json
import os
import platform
import signal
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from lab.build import BUILT, PROJECT
from lab.documents import Json
from lab.errors import LabError
from lab.identities import SessionCredentials
from lab.invocations import FunctionSettings
from lab.local.engine import HOST_VARIABLE, Engine

TOOLS = Path(".venv/tools/sam/bin")
ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL"
MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
ENDS_WITHIN = 600.0  # seconds, building an image included; a function has its own limit
STOPS_WITHIN = 15.0
LIBRARY_LOG = '"logger": "botocore'
"""The runtime logs at INFO for every library, and botocore tells of each client that is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the function returned and logged; `error` is None unless it failed."""

    payload: Json
    error: str | None
    logs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SamLocal:
    """The SAM CLI of this checkout, running functions in the engine's containers."""

    engine: Engine
    endpoint: str
    project: Path = PROJECT

    def invoke(
        self, function: FunctionSettings, credentials: SessionCredentials, event: str
    ) -> Answer:
        """Run the function once, in its role's session and with its deployed settings.

        `LabError` if the SAM CLI could not run it. Nothing that was started is left running.
        """
        with TemporaryDirectory(prefix="replimend-local-") as folder:
            event_file, settings_file = Path(folder, "event.json"), Path(folder, "settings.json")
            event_file.write_text(event, encoding="utf-8")
            settings_file.write_text(json.dumps(_settings(function)), encoding="utf-8")
            process = subprocess.Popen(
                self._command(function, event_file, settings_file),
                cwd=self.project,
                env=self._environment(function, credentials),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,  # Ctrl-C comes to it from us, once
            )
            with ThreadPoolExecutor(max_workers=2) as others:
                # In the lab's own thread, to sleep would be to let lab time pass.
                output = others.submit(_output, process)
                try:
                    said, told = output.result()
                finally:
                    if process.poll() is None:
                        others.submit(_stop, process)
        return _answer(function, process.returncode, said, told)

    def _command(self, function: FunctionSettings, event: Path, settings: Path) -> list[str]:
        parameters = {"AwsEndpointUrl": self.endpoint, "Architecture": _architecture()}
        return [
            str(self.project / TOOLS / "sam"),
            *("local", "invoke", function.logical_id),
            *("--template", str(BUILT / "template.yaml")),
            *("--event", str(event)),
            *("--env-vars", str(settings)),
            "--skip-pull-image",
            "--parameter-overrides",
            *(f"{name}={value}" for name, value in parameters.items()),
        ]

    def _environment(
        self, function: FunctionSettings, credentials: SessionCredentials
    ) -> Mapping[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {
            **kept,
            "AWS_ACCESS_KEY_ID": credentials.access_key_id,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
            "AWS_SESSION_TOKEN": credentials.session_token,
            "AWS_DEFAULT_REGION": function.region,
            "AWS_REGION": function.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            # The SAM CLI asks STS for its account, and would wait long for an AWS out of reach.
            ENDPOINT_VARIABLE: self.endpoint,
            HOST_VARIABLE: self.engine.host,
            "PATH": f"{self.project / TOOLS}{os.pathsep}{os.environ['PATH']}",
            "SAM_CLI_TELEMETRY": "0",
        }


def _settings(function: FunctionSettings) -> dict[str, dict[str, str]]:
    """The deployed environment: to the SAM CLI a `!Ref` is the logical id that it refers to.

    The endpoint is left to the template's parameter.
    """
    variables = dict(function.environment)
    variables.pop(ENDPOINT_VARIABLE, None)
    return {function.logical_id: variables}


def _architecture() -> str:
    machine = platform.machine().lower()
    if machine not in MACHINES:
        raise LabError(f"Lambda has no functions for {machine}")
    return MACHINES[machine]


def _output(process: subprocess.Popen[str]) -> tuple[str, str]:
    try:
        return process.communicate(timeout=ENDS_WITHIN)
    except subprocess.TimeoutExpired as error:
        _stop(process)
        raise LabError(f"sam local invoke did not end within {ENDS_WITHIN:.0f} s") from error


def _stop(process: subprocess.Popen[str]) -> None:
    """Interrupt it, upon which the SAM CLI removes its container; kill it if that is no use."""
    for sign in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(timeout=STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            continue
        except ProcessLookupError:
            break


def _answer(function: FunctionSettings, status: int, said: str, told: str) -> Answer:
    try:
        payload: Json = json.loads(said.strip().rpartition("\n")[2])
    except json.JSONDecodeError as error:
        raise _no_answer(function, told) from error
    if status != 0:
        raise _no_answer(function, told)
    match payload:
        case {"errorMessage": message, "errorType": kind}:
            return Answer(payload=payload, error=f"{kind}: {message}", logs=_logs(told))
        case _:
            return Answer(payload=payload, error=None, logs=_logs(told))


def _no_answer(function: FunctionSettings, told: str) -> LabError:
    last = told.strip().rpartition("\n")[2].strip() or "it said nothing"
    return LabError(f"sam local invoke {function.logical_id} gave no answer: {last}")


def _logs(told: str) -> tuple[str, ...]:
    """What the function logged, out of all that the SAM CLI tells: whatever is a JSON object.

    The emulator's own lines come by another stream, so that their place among these says nothing;
    and the runtime protests when it is stopped.
    """
    lines = (line.strip() for line in told.splitlines())
    return tuple(line for line in lines if line.startswith("{") and LIBRARY_LOG not in line)
