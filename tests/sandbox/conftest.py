"""Fixtures: a scene to attack, and each sandbox that works here."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sandbox_scene import MAKERS, Scene

from honing.sandbox import Sandbox, describe, remove_tree
from honing.sandbox.bubblewrap import BRIDGE_INSIDE
from honing.sandbox.cgroups import hierarchy, sweep
from honing.sandbox.processes import end_unstarted


def _made(name: str) -> Sandbox:
    status = next(status for status in describe() if status.name == name)
    if not status.ready:
        pytest.skip(f"{name} does not work here: {status.reason}")
    return MAKERS[name]()


@pytest.fixture(params=list(MAKERS))
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return _made(request.param)


@pytest.fixture(params=["bubblewrap", "landlock"])
def confining(request: pytest.FixtureRequest) -> Sandbox:
    """Each sandbox that contains anything."""
    return _made(request.param)


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_left_behind() -> Iterator[None]:
    """Some tests kill a Honing of theirs; what that leaves is swept, and then nothing may be there."""
    yield
    sweep()
    end_unstarted(BRIDGE_INSIDE.encode())
    groups = [path for parent in hierarchy().parents.values() for path in parent.glob("honing-*")]
    owners = {path.name.split("-")[2] for path in groups}
    assert [pid for pid in owners if not Path("/proc", pid).exists() or pid == str(os.getpid())] == []


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
