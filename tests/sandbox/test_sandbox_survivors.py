"""Nothing a command starts outlives it, nor us: daemons, signals to everyone, and kills of our own."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sandbox_scene import Scene

from honing.sandbox import BubblewrapSandbox, Ending, Limits, Sandbox, choose
from honing.sandbox.bubblewrap import ALL_PROTECTIONS, Protection

_DAEMON = """
import os, signal, sys, time
def daemon():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            os.closerange(0, 3)
            while True:
                time.sleep(0.05)
                open('alive', 'a').write('x')
        os._exit(0)
    os.wait()
    while not os.path.exists('alive'):
        time.sleep(0.01)
"""


def is_growing(path: Path) -> bool:
    """Whether something still writes to the file."""
    before = path.stat().st_size
    time.sleep(0.3)
    return path.stat().st_size != before


def processes_with(marker: str) -> list[int]:
    """Processes on the host whose environment or command line holds the marker."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            try:
                held = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if marker.encode() in held:
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize("how", ["ends", "times out"])
def test_a_daemon_does_not_outlive_the_command(scene: Scene, sandbox: Sandbox, how: str) -> None:
    marker = f"marker-{scene.secret}"
    code = _DAEMON + "daemon()\n" + ("" if how == "ends" else "time.sleep(60)")
    command = scene.python_command(code, limits=Limits(wall_s=20.0 if how == "ends" else 1.0))

    finished = sandbox.run(replace(command, env={"MARKER": marker}))

    assert finished.ending is (Ending.EXITED if how == "ends" else Ending.TIMEOUT)
    assert not is_growing(scene.work / "alive")
    assert processes_with(marker) == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root can leave the pid namespace out")
def test_without_a_namespace_and_groups_the_daemon_would_outlive_the_command(scene: Scene) -> None:
    weak = BubblewrapSandbox(
        protections=ALL_PROTECTIONS - {Protection.PIDS, Protection.MEMORY, Protection.PROCESSES}
    )
    marker = f"marker-{scene.secret}"
    command = scene.python_command(_DAEMON + "daemon()")

    weak.attempt(replace(command, env={"MARKER": marker}))
    survivors = processes_with(marker)
    for pid in survivors:
        os.kill(pid, signal.SIGKILL)

    assert len(survivors) == 1


_SUPERVISOR = """
import sys
from pathlib import Path
from honing.sandbox import *
name, work, code = sys.argv[1:]
made = {"bubblewrap": BubblewrapSandbox, "landlock": LandlockSandbox, "unconfined": UnconfinedSandbox}[name]()
made.attempt(Command(
    argv=[sys.executable, "-I", "-c", code], workdir=Path(work),
    mounts=[Mount(Path(work), writable=True), *python_mounts()], env={"MARKER": work},
))
"""


def test_nothing_survives_when_our_own_process_is_killed(scene: Scene, sandbox: Sandbox) -> None:
    code = _DAEMON + "daemon()\ntime.sleep(300)"
    ours = subprocess.Popen([sys.executable, "-c", _SUPERVISOR, sandbox.name, str(scene.work), code])
    deadline = time.monotonic() + 30
    while not (scene.work / "alive").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    ours.kill()
    ours.wait()
    deadline = time.monotonic() + 10
    while processes_with(str(scene.work)) and time.monotonic() < deadline:
        time.sleep(0.02)

    assert (scene.work / "alive").exists()
    assert processes_with(str(scene.work)) == []
    assert not is_growing(scene.work / "alive")


@pytest.mark.slow
def test_nothing_survives_a_kill_at_any_moment(scene: Scene, sandbox: Sandbox) -> None:
    """Thirty kills within the first 300 ms: while it is being set up, too."""
    rounds = random.Random(7)
    for _ in range(30):
        argv = [
            sys.executable,
            "-c",
            _SUPERVISOR,
            sandbox.name,
            str(scene.work),
            "import time; time.sleep(300)",
        ]
        ours = subprocess.Popen(argv)
        time.sleep(0.15 + 0.3 * rounds.random())
        ours.kill()
        ours.wait()
    time.sleep(2)
    left = processes_with(str(scene.work))
    choose()

    # What is left had not started its command, and the next Honing clears it away.
    assert [pid for pid in left if b"bwrap" not in Path("/proc", str(pid), "cmdline").read_bytes()] == []
    assert processes_with(str(scene.work)) == []


def test_a_forked_child_of_ours_does_not_keep_the_tree_alive(scene: Scene, sandbox: Sandbox) -> None:
    """It inherits our end of every channel, the end of which says that we are gone."""
    forking = _SUPERVISOR.replace(
        "made.attempt(",
        "import os, threading, time\nthreading.Thread(target=later).start()\nmade.attempt(",
        1,
    )
    forking = forking.replace(
        "name, work, code",
        """
def later():
    while not (Path(work) / "alive").exists():
        time.sleep(0.02)
    if os.fork() == 0:
        time.sleep(2)
        os._exit(0)
    (Path(work) / "forked").touch()
name, work, code""",
        1,
    )
    code = _DAEMON + "daemon()\ntime.sleep(300)"
    ours = subprocess.Popen([sys.executable, "-c", forking, sandbox.name, str(scene.work), code])
    deadline = time.monotonic() + 30
    while not (scene.work / "forked").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    ours.kill()
    ours.wait()
    time.sleep(0.5)

    assert (scene.work / "forked").exists()
    assert not is_growing(scene.work / "alive")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can leave the pid namespace out")
def test_without_the_parent_death_signal_the_tree_would_survive_us(scene: Scene) -> None:
    weak = _SUPERVISOR.replace(
        '"bubblewrap": BubblewrapSandbox',
        '"bubblewrap": lambda: BubblewrapSandbox(protections=ALL_PROTECTIONS - {Protection.DIE_WITH_PARENT})',
    ).replace(
        "from honing.sandbox import *",
        "from honing.sandbox import *\nfrom honing.sandbox.bubblewrap import *",
    )
    code = _DAEMON + "daemon()\ntime.sleep(300)"
    ours = subprocess.Popen([sys.executable, "-c", weak, "bubblewrap", str(scene.work), code])
    deadline = time.monotonic() + 30
    while not (scene.work / "alive").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    ours.kill()
    ours.wait()
    time.sleep(0.2)
    survived = is_growing(scene.work / "alive")
    for pid in processes_with(str(scene.work)):
        os.kill(pid, signal.SIGKILL)

    assert survived


_OUTER = """
import os, sys, subprocess, time
from pathlib import Path
from honing.sandbox import *
from honing.sandbox.bubblewrap import ALL_PROTECTIONS, Protection
from honing.sandbox.landlock import ALL_RESTRICTIONS, Restriction
from honing.sandbox.mounts import interpreter
work = Path(sys.argv[1])
victim = subprocess.Popen(["sleep", "300"])
made = {
    "bubblewrap": lambda: BubblewrapSandbox(),
    "landlock": lambda: LandlockSandbox(),
    "weak bubblewrap": lambda: BubblewrapSandbox(
        protections=ALL_PROTECTIONS - {Protection.PIDS, Protection.PRIVILEGES}),
    "weak landlock": lambda: LandlockSandbox(restrictions=ALL_RESTRICTIONS - {Restriction.SCOPE}),
}[sys.argv[2]]()
code = "import os, signal, time\\nos.kill(-1, signal.SIGKILL)\\ntime.sleep(0.1)"
made.attempt(Command(argv=[interpreter(), "-I", "-S", "-c", code], workdir=work,
    mounts=[Mount(work, writable=True)], env={}))
time.sleep(0.2)
(work / "survived").write_text(str(victim.poll()))
victim.kill()
"""


@pytest.mark.skipif(
    os.getuid() != 0, reason="the outer namespace that keeps this machine safe is made by root"
)
@pytest.mark.parametrize(
    ("name", "beside"),
    [("bubblewrap", "None"), ("landlock", "None"), ("weak bubblewrap", "-9"), ("weak landlock", "-9")],
)
def test_killing_every_process_reaches_only_the_commands_own(scene: Scene, name: str, beside: str) -> None:
    """All of it, ourselves included, runs in a pid namespace of its own, so that no success of the attack
    leaves it."""
    outer = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    subprocess.run(
        [*outer, sys.executable, "-c", _OUTER, str(scene.work), name],
        timeout=60,
        check=False,
        capture_output=True,
    )

    # Of the process that stood beside the sandbox: still running, or killed.
    assert (scene.work / "survived").read_text() == beside
