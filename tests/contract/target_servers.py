"""Servers of this machine that stand for git hosts, package indexes and the hub: real sockets, with faults on
request, and a record of every header that arrived."""

from __future__ import annotations

import os
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

CERTIFICATE = Path(__file__).parents[1] / "llm" / "loopback.pem"
CLEAN = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
WHO = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "protocol.file.allow=always"]
DATE = {"GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z", "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    """Bytes of the body after which the connection ends, although all of them were announced."""


class Loopback:
    """A running server. `base` is its address; `asked` what it was asked, in order."""

    def __init__(self, port: int, scheme: str) -> None:
        self.base = f"{scheme}://127.0.0.1:{port}"
        self.place = f"127.0.0.1:{port}"
        self.asked: list[Asked] = []

    @property
    def authorizations(self) -> list[str]:
        """Every `Authorization` header that arrived."""
        return [asked.headers["authorization"] for asked in self.asked if "authorization" in asked.headers]


@contextmanager
def served(answer: Callable[[Asked], Answer], *, tls: bool = False) -> Iterator[Loopback]:
    """Answer every request with a function, on a free port, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def do_CONNECT(self) -> None:
            self._answer()

        def log_message(self, format: str, *args: object) -> None:
            """Keep stderr quiet."""

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, unquote(parts.path), parts.query, headers, body)
            loopback.asked.append(asked)
            given = answer(asked)
            self.send_response(given.status)
            for name, value in given.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(given.body)))
            self.end_headers()
            self.wfile.write(given.body[: given.cut])
            self.close_connection = given.cut is not None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    loopback = Loopback(server.server_address[1], "https" if tls else "http")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield loopback
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def git_site(root: Path) -> Callable[[Asked], Answer]:
    """Smart HTTP as git itself speaks it, over the repositories below a folder."""

    def answer(asked: Asked) -> Answer:
        environment = {
            **CLEAN,
            "GIT_PROJECT_ROOT": str(root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": asked.method,
            "PATH_INFO": asked.path,
            "QUERY_STRING": asked.query,
            "CONTENT_TYPE": asked.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(asked.body)),
            "HTTP_CONTENT_ENCODING": asked.headers.get("content-encoding", ""),
            "GIT_PROTOCOL": asked.headers.get("git-protocol", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"], env=environment, input=asked.body, capture_output=True, check=False
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        status = int(headers.pop("Status", "200 OK").split()[0])
        return Answer(body, status, headers)

    return answer


def behind_login(site: Callable[[Asked], Answer], authorization: str) -> Callable[[Asked], Answer]:
    """The same site for those who send one header, and 401 for everybody else."""

    def answer(asked: Asked) -> Answer:
        if asked.headers.get("authorization") != authorization:
            return Answer(b"who are you?", 401, {"WWW-Authenticate": 'Basic realm="git"'})
        return site(asked)

    return answer


def git(*arguments: str, folder: Path, stdin: bytes = b"") -> str:
    """Run git as the author of a repository would."""
    command = ["git", *WHO, *arguments]
    done = subprocess.run(
        command, cwd=folder, env={**CLEAN, **DATE}, input=stdin, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


def make_repository(folder: Path, files: Mapping[str, str], *, message: str = "first") -> str:
    """A repository with one commit more than before. Returns that commit."""
    if not (folder / ".git").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        git("init", "-q", "-b", "main", folder=folder)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git("add", "-A", "-f", folder=folder)
    git("commit", "-q", "--allow-empty", "-m", message, folder=folder)
    return git("rev-parse", "HEAD", folder=folder)


def make_hostile_commit(folder: Path, entries: list[tuple[str, bytes, str]]) -> str:
    """A commit whose tree git itself would never write.

    Args:
        folder: A repository.
        entries: (mode, name, object), any bytes as names.
    """
    raw = b"".join(mode.encode() + b" " + name + b"\0" + bytes.fromhex(oid) for mode, name, oid in entries)
    tree = git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", folder=folder, stdin=raw)
    commit = git("commit-tree", tree, "-m", "hostile", folder=folder)
    git("update-ref", "refs/heads/main", commit, folder=folder)
    return commit


def blob(folder: Path, content: bytes) -> str:
    """A file's content in a repository. Returns its name."""
    return git("hash-object", "-w", "--stdin", folder=folder, stdin=content)
