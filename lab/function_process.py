"""A function's own process, as far as one process can hold several.

While a function runs, `os.environ` is its own, and so are boto3's default session and the modules
of the layer (`replimend`): what one function keeps in a module another never sees, as on AWS. Only
one runs at a time.
"""

import contextlib
import importlib.util
import io
import os
import sys
import threading
from collections.abc import Buffer, Callable, Generator, Mapping
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import cast
from unittest.mock import patch

import boto3

from lab.clients import WarmSession

LAYER_PACKAGE = "replimend"

type Handler = Callable[[object, object], object]


class Output(io.TextIOBase):
    """Standard output of whichever function runs now; between runs, the process's own.

    Loggers keep the stream that they first saw, so there is only one, for good.
    """

    def __init__(self) -> None:
        super().__init__()
        self._sinks: list[list[str]] = []

    def writable(self) -> bool:
        """Whether it can be written to: always."""
        return True

    def write(self, text: str) -> int:
        """Give the text to the function that runs now."""
        if not self._sinks:
            stream = sys.__stdout__
            return stream.write(text) if stream is not None else len(text)
        self._sinks[-1].append(text)
        return len(text)

    @contextmanager
    def captured(self) -> Generator[list[str]]:
        """Inside the context, what is printed goes into the list."""
        sink: list[str] = []
        self._sinks.append(sink)
        try:
            with contextlib.redirect_stdout(self), contextlib.redirect_stderr(self):
                yield sink
        finally:
            self._sinks.remove(sink)


OUTPUT = Output()
one_at_a_time = threading.RLock()
"""Held while a function runs."""


class FunctionProcess:
    """An execution environment: it loads its handler when it first runs, and keeps it."""

    def __init__(self, name: str, code: Path, handler: str, environment: Mapping[str, str]) -> None:
        self._name = name
        self._code = code
        self._handler_name = handler
        self._environment = dict(environment)
        self._modules: dict[str, ModuleType] = {}
        self._session: boto3.Session | None = None
        self._handler: Handler | None = None

    @contextmanager
    def running(self) -> Generator[tuple[Handler, list[str]]]:
        """Inside the context this process is that function: its handler, and what it prints."""
        with (
            one_at_a_time,
            _environment(self._environment),
            self._own_modules(),
            self._own_session(),
            OUTPUT.captured() as printed,
        ):
            yield self._loaded, printed

    def _loaded(self, event: object, context: object) -> object:
        if self._handler is None:
            self._handler = self._load()
        return self._handler(event, context)

    def _load(self) -> Handler:
        module_name, _, function_name = self._handler_name.rpartition(".")
        path = self._code / f"{module_name}.py"
        unique_name = f"lab_function_{self._name}"
        loader = _UncachedLoader(unique_name, str(path))
        spec = importlib.util.spec_from_loader(unique_name, loader)
        if spec is None or not path.is_file():
            raise ModuleNotFoundError(f"Unable to import module {module_name!r} of {self._name}")
        module = importlib.util.module_from_spec(spec)
        sys.modules[unique_name] = module
        loader.exec_module(module)
        return cast("Handler", getattr(module, function_name))

    @contextmanager
    def _own_modules(self) -> Generator[None]:
        others = _taken(LAYER_PACKAGE)
        sys.modules.update(self._modules)
        try:
            yield
        finally:
            self._modules = _taken(LAYER_PACKAGE)
            sys.modules.update(others)

    @contextmanager
    def _own_session(self) -> Generator[None]:
        others, boto3.DEFAULT_SESSION = boto3.DEFAULT_SESSION, self._session
        try:
            with patch.object(boto3, "Session", WarmSession):
                yield
        finally:
            self._session, boto3.DEFAULT_SESSION = boto3.DEFAULT_SESSION, others


class _UncachedLoader(SourceFileLoader):
    """Writes nothing beside the built code: it is what would be deployed."""

    def set_data(self, path: str, data: Buffer, *, _mode: int = 0) -> None:
        """Keep no compiled copy."""


@contextmanager
def _environment(variables: Mapping[str, str]) -> Generator[None]:
    others = dict(os.environ)
    os.environ.clear()
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(others)


def _taken(package: str) -> dict[str, ModuleType]:
    """The package's modules, removed from those of the process."""
    names = [name for name in sys.modules if name == package or name.startswith(f"{package}.")]
    return {name: sys.modules.pop(name) for name in names}
