"""`hone` as a user runs it, in a clean environment: in this process, in one of its own, or on a terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path

import pytest

import honing
from honing.cli.app import run
from honing.store import Run

LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How one invocation ended."""

    code: int
    out: str
    err: str


class Hone:
    """Runs `hone` in one folder with a home of its own."""

    def __init__(self, folder: Path, captured: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.runs = folder / "runs"
        self.captured = captured
        home = folder / "home"
        home.mkdir()
        # A process of its own must run the code that this process tests.
        source = str(Path(honing.__file__).parents[1])
        self.environ = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": source}

    def __call__(self, *arguments: str, environ: Mapping[str, str] | None = None) -> Ended:
        """Run in this process, through the whole command line: the quick way."""
        self.captured.readouterr()
        code = run(arguments, environ={**self.environ, **(environ or {})}, cwd=self.folder)
        return Ended(code, *self.captured.readouterr())

    def in_a_process(
        self, *arguments: str, environ: Mapping[str, str] | None = None, stdout: int = subprocess.PIPE
    ) -> Ended:
        """Run in a process of its own, without a terminal."""
        done = subprocess.run(
            [sys.executable, "-m", "honing", *arguments],
            cwd=self.folder,
            env={**self.environ, **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=LIMIT_S,
        )
        return Ended(done.returncode, done.stdout or "", done.stderr)

    def on_terminal(
        self,
        *arguments: str,
        environ: Mapping[str, str] | None = None,
        columns: int = 80,
        answer: str = "",
        interrupt_at: Path | None = None,
    ) -> Ended:
        """Run with a pseudo-terminal as all three streams; `out` is everything it showed.

        Args:
            *arguments: Of `hone`.
            environ: Variables beyond the clean ones.
            columns: Width of the terminal.
            answer: What is typed once a question ends in "[y/N] ".
            interrupt_at: File at whose appearance Ctrl-C is pressed.
        """
        ours, theirs = pty.openpty()
        ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        process = subprocess.Popen(
            [sys.executable, "-m", "honing", *arguments],
            cwd=self.folder,
            env={**self.environ, "TERM": "xterm-256color", **(environ or {})},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        try:
            shown = self._watch(process, ours, answer, interrupt_at)
            return Ended(process.wait(timeout=LIMIT_S), shown, "")
        finally:
            os.close(ours)
            if process.poll() is None:
                process.kill()
                process.wait()

    @staticmethod
    def _watch(process: subprocess.Popen[bytes], ours: int, answer: str, interrupt_at: Path | None) -> str:
        shown = ""
        ends = time.monotonic() + LIMIT_S
        while time.monotonic() < ends:
            if interrupt_at is not None and interrupt_at.exists():
                process.send_signal(signal.SIGINT)
                interrupt_at = None
            if not select.select([ours], [], [], 0.05)[0]:
                if process.poll() is not None:
                    break
                continue
            try:
                chunk = os.read(ours, 65536)
            except OSError:
                # Linux's way to say that the other end is closed.
                break
            if not chunk:
                break
            shown += chunk.decode()
            if answer and shown.endswith("[y/N] "):
                os.write(ours, answer.encode())
                answer = ""
        return shown.replace("\r\n", "\n")


def make_run(hone: Hone, name: str, *, kind: str = "measure", seed: int = 0) -> Run:
    """A finished run with one artifact and a cache."""
    made = Run.create(
        hone.runs,
        kind=kind,
        config={"model": "m", "rows": 3},
        command=["hone", "measure", "a b"],
        seed=seed,
        name=name,
        clock=lambda: 1_795_255_200.0 + seed,
    )
    with made.supervise():
        made.write_text("notes.txt", "hello\n")
        (made.path / "cache").mkdir()
        (made.path / "cache" / "big").write_bytes(b"x" * 9000)
    return made
