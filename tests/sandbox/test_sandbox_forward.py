"""Forwards: with the network cut, one port leads to one Unix socket of ours, and nothing else does."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sandbox_scene import Scene

from honing.errors import SandboxError
from honing.sandbox import BubblewrapSandbox, Command, Forward, LandlockSandbox, Network, Sandbox

_ASK = """
import socket, sys
with socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5) as s:
    s.sendall(sys.argv[2].encode()); s.shutdown(socket.SHUT_WR)
    data = b''
    while chunk := s.recv(65536):
        data += chunk
print(data.decode())
"""


@contextlib.contextmanager
def server(path: Path) -> Iterator[None]:
    """Answers each connection with what it was sent, in capitals, once the client has finished."""

    def answer(connection: socket.socket) -> None:
        with connection:
            data = b""
            while chunk := connection.recv(65536):
                data += chunk
            connection.sendall(data.upper())

    def serve() -> None:
        with contextlib.suppress(OSError), ThreadPoolExecutor(8) as pool:
            while True:
                pool.submit(answer, listener.accept()[0])

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def asking(scene: Scene, port: int, text: str) -> Command:
    forward = Forward(port, scene.hidden / "forward")
    return replace(scene.python_command(_ASK, port, text), forwards=[forward])


def test_a_forward_works_with_the_network_cut(scene: Scene, sandbox: Sandbox) -> None:
    with server(scene.hidden / "forward"):
        finished = sandbox.run(asking(scene, free_port(), "hello"))

    assert (finished.stdout, finished.exit_code) == ("HELLO\n", 0), finished


def test_a_large_answer_arrives_whole(scene: Scene, sandbox: Sandbox) -> None:
    code = _ASK.replace("sys.argv[2].encode()", "b'ab' * 3_000_000").replace("data.decode()", "len(data)")
    port = free_port()
    command = replace(scene.python_command(code, port), forwards=[Forward(port, scene.hidden / "forward")])
    with server(scene.hidden / "forward"):
        finished = sandbox.run(command)

    assert finished.stdout == "6000000\n", finished


def test_many_connections_at_once_are_kept_apart(scene: Scene, sandbox: Sandbox) -> None:
    code = (
        "import sys\nfrom concurrent.futures import ThreadPoolExecutor\nimport socket\n"
        "def ask(number):\n"
        "    with socket.create_connection(('127.0.0.1', int(sys.argv[1])), 10) as s:\n"
        "        s.sendall(b'x%d' % number); s.shutdown(socket.SHUT_WR); return s.recv(100).decode()\n"
        "with ThreadPoolExecutor(16) as pool: print(*pool.map(ask, range(40)))\n"
    )
    port = free_port()
    command = replace(scene.python_command(code, port), forwards=[Forward(port, scene.hidden / "forward")])
    with server(scene.hidden / "forward"):
        finished = sandbox.run(command)

    assert finished.stdout.split() == [f"X{number}" for number in range(40)]


@pytest.mark.parametrize("made", [BubblewrapSandbox, LandlockSandbox], ids=["bubblewrap", "landlock"])
def test_a_forward_opens_no_other_way(
    scene: Scene, made: type[BubblewrapSandbox] | type[LandlockSandbox]
) -> None:
    sandbox = made()
    code = _ASK + (
        "import os\n"
        "def tried(act):\n"
        "    try: act(); return 'GOT'\n"
        "    except OSError as error: return type(error).__name__\n"
        f"print(tried(lambda: socket.create_connection(('127.0.0.1', {scene.tcp_port}), 2)))\n"
        f"print(tried(lambda: socket.socket(socket.AF_UNIX).connect({str(scene.hidden / 'forward')!r})))\n"
        f"print(tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', "
        f"{scene.udp_port}))) if {sandbox.name == 'landlock'} else '-')\n"
        f"print(tried(lambda: socket.socket().sendto(b'x', 0x20000000, ('127.0.0.1', {scene.tcp_port}))))\n"
        f"print(tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262).connect(('127.0.0.1', "
        f"{scene.tcp_port}))))\n"
    )
    port = free_port()
    command = replace(
        scene.python_command(code, port, "a"), forwards=[Forward(port, scene.hidden / "forward")]
    )
    with server(scene.hidden / "forward"):
        finished = sandbox.run(command)

    assert finished.stdout.startswith("A\n"), finished
    assert "GOT" not in finished.stdout
    assert scene.datagrams == []


def test_two_forwards_lead_to_their_own_sockets(scene: Scene, sandbox: Sandbox) -> None:
    ports = [free_port(), free_port()]
    code = _ASK.replace("print", "print(sys.argv[2]);print") + _ASK.replace("argv[1]", "argv[3]").replace(
        "argv[2]", "argv[4]"
    )
    command = replace(
        scene.python_command(code, ports[0], "one", ports[1], "two"),
        forwards=[Forward(port, scene.hidden / f"forward{i}") for i, port in enumerate(ports)],
    )
    with server(scene.hidden / "forward0"):
        finished = sandbox.run(command)

    # The second has no server behind it: its client sees the connection end, not a refusal to connect.
    assert finished.stdout.splitlines()[:2] == ["one", "ONE"]
    assert (finished.exit_code, "Error" in finished.stderr or finished.stdout.splitlines()[2:] == [""]) in (
        (0, True),
        (1, True),
    )


def test_a_port_inside_is_taken_before_the_command_could_squat_it(scene: Scene, sandbox: Sandbox) -> None:
    code = (
        "import socket, sys\nport = int(sys.argv[1])\n"
        "for address in (('127.0.0.1', port), ('0.0.0.0', port)):\n"
        "    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)\n"
        "    try: s.bind(address); s.listen(); print('SQUATTED', address)\n"
        "    except OSError as error: print('held')\n"
    )
    port = free_port()
    command = replace(scene.python_command(code, port), forwards=[Forward(port, scene.hidden / "forward")])

    assert sandbox.run(command).stdout == "held\nheld\n"


def test_a_port_that_another_program_holds_is_an_error_of_ours(scene: Scene) -> None:
    command = replace(
        scene.command(["true"]),
        forwards=[Forward(scene.tcp_port, scene.hidden / "forward")],
        network=Network.NONE,
    )

    # Bubblewrap's ports are the command's own, so there is nothing to collide with.
    assert BubblewrapSandbox().run(command).ok
    with pytest.raises(SandboxError, match=f"forward of port {scene.tcp_port}: another program has it"):
        LandlockSandbox().run(command)
    with pytest.raises(SandboxError, match=f"cannot listen on 127.0.0.1:{scene.tcp_port}"):
        BubblewrapSandbox().run(replace(command, network=Network.OPEN))


def test_the_open_network_is_the_hosts(scene: Scene, sandbox: Sandbox) -> None:
    code = f"import socket; socket.create_connection(('127.0.0.1', {scene.tcp_port}), 5); print('reached')"

    finished = sandbox.run(replace(scene.python_command(code), network=Network.OPEN))

    assert finished.stdout == "reached\n"
    assert not {"net_cut", "net_port_only"} & finished.capabilities


def test_only_the_open_network_shows_where_names_are_looked_up(scene: Scene) -> None:
    command = scene.command(["cat", "/etc/resolv.conf"])
    cut, opened = (BubblewrapSandbox().run(replace(command, network=network)) for network in Network)

    assert (cut.exit_code, opened.stdout) == (1, Path("/etc/resolv.conf").read_text())


def test_a_client_that_goes_away_ends_its_connection_alone(scene: Scene, sandbox: Sandbox) -> None:
    code = (
        "import socket, struct, sys\n"
        "for _ in range(5):\n"
        "    s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5); s.sendall(b'x' * 1000)\n"
        "    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)); s.close()\n"
    ) + _ASK
    port = free_port()
    command = replace(
        scene.python_command(code, port, "last"), forwards=[Forward(port, scene.hidden / "forward")]
    )
    with server(scene.hidden / "forward"):
        finished = sandbox.run(command)

    assert finished.stdout == "LAST\n", finished


def test_no_descriptor_of_a_forward_is_left(scene: Scene, sandbox: Sandbox) -> None:
    with server(scene.hidden / "forward"):
        sandbox.run(asking(scene, free_port(), "warm"))
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(3):
            sandbox.run(asking(scene, free_port(), "hello"))
        after = len(list(Path("/proc/self/fd").iterdir()))

    assert after == before
