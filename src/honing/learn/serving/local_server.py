"""A local model behind a loopback address, served by a process of ours for as long as it is needed."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Self

from honing.errors import MissingToolError, ModelServerError, UsageError
from honing.learn.checkpoints import INSTALL
from honing.learn.folder import NO_MODEL, is_model_folder

_LOOK_AGAIN_S = 0.1
_STOP_S = 5.0
_TAIL_BYTES = 2000


class Loader(StrEnum):
    """What serves the folder."""

    HONING = "honing"
    """`python -m honing.learn.serve`."""
    TRANSFORMERS = "transformers"
    """`transformers serve`, which needs `pip install 'transformers[serving]'`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How a folder is served."""

    loader: Loader = Loader.HONING
    device: str = "auto"
    """`cpu`, `cuda`, `cuda:1`; `auto` takes a GPU where there is one."""
    start_s: float = 600.0
    """How long the model may take to load."""


class LocalServer:
    """A context manager: the server runs while the block does, and ends with this process even where that is
    killed.

    Raises on entering:
        MissingToolError: The extra `teach` is not installed.
        UsageError: The folder holds no model.
        ModelServerError: The server did not come up; the text ends with what it printed.
    """

    def __init__(self, folder: Path, options: ServerOptions | None = None) -> None:
        self._folder = folder.expanduser().resolve()
        self._options = options or ServerOptions()
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        self.base_url = ""
        """Root address, without /v1."""
        self.model = ""
        """The name it serves the model under."""
        self.about: Mapping[str, Any] = {}
        """What it says about itself: `prompting`, `device`, `context_tokens` and the like."""

    def __enter__(self) -> Self:
        """Start the server and wait until it answers."""
        needed = ("torch", "transformers")
        if any(find_spec(name) is None for name in needed):
            raise MissingToolError(INSTALL)
        if not is_model_folder(str(self._folder)):
            raise UsageError(f"{self._folder}: {NO_MODEL}")
        self._log = tempfile.TemporaryFile()
        try:
            if self._options.loader is Loader.HONING:
                self._start_ours()
            else:
                self._start_transformers()
            self._wait_until_it_answers()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Of the server's process; 0 where none runs."""
        return self._process.pid if self._process is not None else 0

    def close(self) -> None:
        """Stop the server. May be called more than once."""
        process, self._process = self._process, None
        if process is not None:
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    # The end of its standard input ends the server.
                    stream.close()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._log is not None:
            self._log.close()
            self._log = None

    def _start_ours(self) -> None:
        options = ["--device", self._options.device, "--tethered"]
        process = self._launch([sys.executable, "-m", "honing.learn.serve", str(self._folder), *options])
        line = _first_line(process, self._options.start_s)
        if not line:
            raise self._failed("it did not say that it is ready")
        told = json.loads(line)
        self.base_url, self.model = told.pop("base_url"), told.pop("model")
        self.about = {"loader": self._options.loader.value, **told}

    def _start_transformers(self) -> None:
        program = Path(sys.executable).parent / "transformers"
        lacking = [name for name in ("fastapi", "openai", "uvicorn") if find_spec(name) is None]
        if not program.is_file() or lacking:
            raise MissingToolError(
                "`transformers serve` needs its server: pip install 'transformers[serving]' "
                "(or leave --serve-with out)"
            )
        port = _free_port()
        serve = [str(program), "serve", str(self._folder), "--host", "127.0.0.1", "--port", str(port)]
        device = [] if self._options.device == "auto" else ["--device", self._options.device]
        offline = ["env", "HF_HUB_OFFLINE=1"]
        self._launch([sys.executable, "-m", "honing.learn.serving.tether", *offline, *serve, *device])
        self.base_url, self.model = f"http://127.0.0.1:{port}", str(self._folder)
        self.about = {"loader": self._options.loader.value}

    def _launch(self, argv: list[str]) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log
        )
        return self._process

    def _wait_until_it_answers(self) -> None:
        until = time.monotonic() + self._options.start_s
        while not _healthy(self.base_url):
            if self._process is None or self._process.poll() is not None:
                raise self._failed("it ended")
            if time.monotonic() > until:
                raise self._failed(f"it did not answer within {self._options.start_s:g} s")
            time.sleep(_LOOK_AGAIN_S)

    def _failed(self, how: str) -> ModelServerError:
        tail = ""
        if self._log is not None:
            size = self._log.seek(0, 2)
            self._log.seek(max(0, size - _TAIL_BYTES))
            tail = self._log.read().decode(errors="replace").strip()
        said = f" It printed last:\n{tail}" if tail else " It printed nothing."
        return ModelServerError(f"{self._folder}: the model could not be served: {how}.{said}")


def _first_line(process: subprocess.Popen[bytes], within_s: float) -> bytes:
    """The first line a process prints; empty where it ends, or says nothing in time."""
    found: list[bytes] = []
    assert process.stdout is not None
    reader = threading.Thread(target=lambda: found.append(process.stdout.readline()), daemon=True)  # type: ignore[union-attr]
    reader.start()
    reader.join(within_s)
    if reader.is_alive():
        process.kill()
        reader.join()
    return found[0] if found else b""


def _healthy(base_url: str) -> bool:
    connection = http.client.HTTPConnection(base_url.removeprefix("http://"), timeout=5.0)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
