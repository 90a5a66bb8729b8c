"""A scene to attack, and the sandboxes to attack it from."""

from __future__ import annotations

import contextlib
import secrets
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from honing.sandbox import (
    BubblewrapSandbox,
    Command,
    Finished,
    Forward,
    LandlockSandbox,
    Limits,
    Mount,
    Network,
    Sandbox,
    UnconfinedSandbox,
    remove_tree,
)
from honing.sandbox.mounts import interpreter, interpreter_binds

MAKERS: Mapping[str, Callable[[], Sandbox]] = {
    "bubblewrap": BubblewrapSandbox,
    "landlock": LandlockSandbox,
    "unconfined": UnconfinedSandbox,
}
LIMITS = Limits(wall_s=30.0)


@dataclass
class Scene:
    """Folders on the host, and servers and a process that must not be reached."""

    root: Path
    work: Path
    """Mounted writable."""
    shown: Path
    """Mounted read-only, with a file `page` in it."""
    hidden: Path
    """Not mounted; holds the file `secret` and the socket `server`."""
    secret: str
    victim: subprocess.Popen[bytes]
    """A process of ours whose environment holds the secret."""
    tcp_port: int = 0
    udp_port: int = 0
    abstract: str = ""
    datagrams: list[bytes] = field(default_factory=list)
    """What arrived on the UDP port."""

    def command(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        limits: Limits = LIMITS,
        stdin: bytes = b"",
        forwards: Sequence[Forward] = (),
        network: Network = Network.NONE,
        mounts: Sequence[Mount] = (),
    ) -> Command:
        return Command(
            argv=argv,
            workdir=self.work,
            mounts=[Mount(self.work, writable=True), Mount(self.shown), *python(), *mounts],
            env={"PATH": "/usr/bin:/bin"} if env is None else env,
            limits=limits,
            stdin=stdin,
            forwards=forwards,
            network=network,
        )

    def python(self, sandbox: Sandbox, code: str, *words: object, limits: Limits = LIMITS) -> Finished:
        """Run Python code inside; `words` are its arguments."""
        return sandbox.run(self.python_command(code, *words, limits=limits))

    def python_command(self, code: str, *words: object, limits: Limits = LIMITS) -> Command:
        return self.command([interpreter(), "-I", "-S", "-c", code, *map(str, words)], limits=limits)

    def shell(self, sandbox: Sandbox, text: str, *, limits: Limits = LIMITS) -> Finished:
        return sandbox.run(self.command(["bash", "-c", text], limits=limits))


def python() -> list[Mount]:
    """The mounts with which the bare interpreter runs inside."""
    return [Mount(Path(bind.source)) for bind in interpreter_binds()]


@pytest.fixture(params=list(MAKERS))
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return MAKERS[request.param]()


@pytest.fixture(params=["bubblewrap", "landlock"])
def confining(request: pytest.FixtureRequest) -> Sandbox:
    """Each sandbox that contains anything."""
    return MAKERS[request.param]()


@pytest.fixture
def root() -> Iterator[Path]:
    """A fresh folder that is removed whatever a command made of it."""
    path = Path(tempfile.mkdtemp(prefix="honing-test-"))
    yield path
    remove_tree(path)


@pytest.fixture
def scene(root: Path) -> Iterator[Scene]:
    folders = [root / name for name in ("work", "shown", "hidden")]
    for folder in folders:
        folder.mkdir()
    secret = f"secret-{secrets.token_hex(12)}"
    (root / "hidden" / "secret").write_text(secret)
    (root / "shown" / "page").write_text("page")
    with contextlib.ExitStack() as stack:
        victim = subprocess.Popen(["/bin/sleep", "300"], env={"VICTIM": secret})
        stack.callback(victim.wait)
        stack.callback(victim.kill)
        found = Scene(root, *folders, secret, victim)
        found.tcp_port = stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
        found.abstract = f"honing-test-{secrets.token_hex(8)}"
        for address in ("\0" + found.abstract, str(root / "hidden" / "server")):
            server = stack.enter_context(socket.socket(socket.AF_UNIX))
            server.bind(address)
            server.listen()
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        found.udp_port = udp.getsockname()[1]
        stack.enter_context(_receiving(udp, found.datagrams))
        yield found


@contextlib.contextmanager
def _receiving(server: socket.socket, datagrams: list[bytes]) -> Iterator[None]:
    """Keep and answer every datagram."""

    def serve() -> None:
        while True:
            data, address = server.recvfrom(512)
            if data == b"end":
                return
            datagrams.append(data)
            server.sendto(data, address)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        server.sendto(b"end", server.getsockname())
        thread.join()
