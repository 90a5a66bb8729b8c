"""A scene to attack, and the sandboxes to attack it from."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

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
