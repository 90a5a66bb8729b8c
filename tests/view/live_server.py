"""`hone view` over a folder of runs, in a process of its own, and how a test talks to it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import honing

LIMIT_S = 30.0


class Served:
    """A running server."""

    def __init__(self, home: Path, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.home = home
        self.process = process
        self.address = process.stdout.readline().strip()
        parts = urlsplit(self.address)
        assert parts.hostname == "127.0.0.1"
        assert parts.port is not None
        self.port = parts.port
        self.token = parse_qs(parts.query)["token"][0]

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def cookie(self) -> str:
        return f"honing-view-{self.port}={self.token}"

    def ask(
        self, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, known: bool = True
    ) -> tuple[int, dict[str, str], str]:
        """Status, headers and body of one request; `known` sends the cookie."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        sent = {**({"Cookie": self.cookie} if known else {}), **(headers or {})}
        try:
            connection.request(method, path, headers=sent)
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode()
        finally:
            connection.close()

    @contextmanager
    def stream(self, *, last: str = "") -> Iterator[Iterator[tuple[str, str, dict[str, Any]]]]:
        """The events of a page until the server ends the stream: id, name, document."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        headers = {"Cookie": self.cookie, **({"Last-Event-ID": last} if last else {})}
        connection.request("GET", "/api/events", headers=headers)
        with closing(connection), connection.getresponse() as answer:
            yield _events(answer)

    def events(self, count: int, *, last: str = "") -> list[tuple[str, str, dict[str, Any]]]:
        """The next events of a stream: id, name, document."""
        with self.stream(last=last) as events:
            return [next(events) for _ in range(count)]

    def rows(self) -> dict[str, dict[str, Any]]:
        """Every line of the list, by name."""
        (_, _, document) = self.events(1)[0]
        return {row["name"]: row for row in document["rows"]}

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=LIMIT_S)


def _events(answer: http.client.HTTPResponse) -> Iterator[tuple[str, str, dict[str, Any]]]:
    fields: dict[str, str] = {}
    while line := answer.readline().decode():
        name, _, value = line.rstrip("\n").partition(": ")
        if name:
            fields[name] = value
        elif "data" in fields:
            yield fields["id"], fields["event"], json.loads(fields["data"])
            fields = {}


@contextmanager
def served(home: Path, *options: str, environ: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Serve a folder of runs."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "honing", "--home", str(home), "-q", "view", *options],
        cwd=home.parent,
        env=clean_environ(home.parent, environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Served(home, process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def clean_environ(folder: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variables of a user without any of ours; a process runs the code that this one tests."""
    source = str(Path(honing.__file__).parents[1])
    return {"HOME": str(folder), "PATH": os.environ["PATH"], "PYTHONPATH": source, **(more or {})}
