"""Limits on memory, processes, disk and output, each for a whole tree, and each shown to be what stops it.

No attack here is without an end of its own: a bomb forks a few hundred times, a hog takes a few hundred
megabytes. So the counter-examples, the same attacks under a wider limit, cannot harm the machine.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from sandbox_scene import Scene

import honing
from honing.sandbox import BubblewrapSandbox, Ending, LandlockSandbox, Limits, Sandbox
from honing.sandbox.bubblewrap import ALL_PROTECTIONS, Protection
from honing.sandbox.cgroups import Group, hierarchy, sweep

MIB = 1024**2

FORKS = """
import os, time
children = 0
try:
    for _ in range(200):
        if os.fork() == 0:
            time.sleep(60)
        children += 1
except BlockingIOError:
    pass
print(children)
"""
BOMB = """
import os, time
# Every process forks twice, nine levels deep: 511 processes where nothing stops it.
for level in range(9):
    try:
        os.fork()
    except BlockingIOError:
        pass
time.sleep(0.3)
"""
ONE_HOG = "held = b'x' * (200 << 20)\nprint(len(held))"
MANY_HOGS = """
import os, time
for _ in range(8):
    if os.fork() == 0:
        held = b'x' * (25 << 20)
        time.sleep(1)
        os._exit(0)
for _ in range(8):
    os.wait()
print('held')
"""
ONE_FILE = "open('f', 'wb').write(b'x' * (20 << 20))\nprint('written')"
MANY_FILES = """
import time
for number in range(100):
    open(str(number), 'wb').write(b'x' * (1 << 20))
    time.sleep(0.004)
print('written')
"""
DELETED_FILES = """
import os, time
held = []
for number in range(30):
    held.append(open('f', 'wb'))
    os.unlink('f')
    held[-1].write(b'x' * (1 << 20)); held[-1].flush()
time.sleep(1)
print('written')
"""
EMPTY_FILES = """
import time
for number in range(3000):
    open(str(number), 'w').close()
time.sleep(0.1)
print('written')
"""


def usage(folder: Path) -> int:
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def test_the_process_cap_holds_for_the_whole_tree(scene: Scene, confining: Sandbox) -> None:
    held = scene.python(confining, FORKS, limits=Limits(wall_s=20, processes=40))
    wider = scene.python(confining, FORKS, limits=Limits(wall_s=20, processes=400))

    assert (int(held.stdout), int(wider.stdout)) == (39, 200)


def test_a_fork_bomb_is_held_and_leaves_nothing(scene: Scene, sandbox: Sandbox) -> None:
    began = time.monotonic()
    finished = scene.python(sandbox, BOMB, limits=Limits(wall_s=20, processes=48))

    assert finished.ending is Ending.EXITED
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("code", [ONE_HOG, MANY_HOGS], ids=["one process", "many processes"])
def test_the_memory_cap_holds_for_the_whole_tree(scene: Scene, confining: Sandbox, code: str) -> None:
    held = scene.python(confining, code, limits=Limits(wall_s=20, memory_bytes=96 * MIB))
    wider = scene.python(confining, code, limits=Limits(wall_s=20, memory_bytes=800 * MIB))

    assert (held.ending, held.detail) == (
        Ending.MEMORY,
        f"the tree needed more than {96 * MIB} bytes of memory",
    )
    assert wider.ok


@pytest.mark.skipif(os.getuid() != 0, reason="only root can leave a protection out")
@pytest.mark.parametrize("code", [ONE_HOG, MANY_HOGS], ids=["one process", "many processes"])
def test_without_the_memory_cap_the_hog_gets_its_memory(scene: Scene, code: str) -> None:
    weak = BubblewrapSandbox(protections=ALL_PROTECTIONS - {Protection.MEMORY})

    assert weak.attempt(scene.python_command(code, limits=Limits(wall_s=20, memory_bytes=96 * MIB))).ok


_WITHOUT_GROUPS = """
import sys
from pathlib import Path
from honing.sandbox import *
from honing.sandbox.cgroups import hierarchy
from honing.sandbox.mounts import interpreter, interpreter_binds
assert not hierarchy().parents, hierarchy()
name, work, code = sys.argv[1:]
made = {"bubblewrap": BubblewrapSandbox, "landlock": LandlockSandbox, "unconfined": UnconfinedSandbox}[name]()
finished = made.attempt(Command(
    argv=[interpreter(), "-I", "-S", "-c", code], workdir=Path(work), env={},
    mounts=[Mount(Path(work), writable=True), *(Mount(Path(b.source)) for b in interpreter_binds())],
    limits=Limits(wall_s=20, memory_bytes=96 << 20),
))
print(finished.ending.value, Capability.MEMORY_CAP in made.offered(Network.NONE))
"""
_DAEMONS = """
import os, signal, time
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            os.closerange(0, 3)
            while True:
                time.sleep(0.02)
                open('alive', 'a').write('x')
        os._exit(0)
    os.wait()
while not os.path.exists('alive'):
    time.sleep(0.01)
"""
_HEADLESS = """
import _thread, ctypes, os, time
def write():
    while True:
        time.sleep(0.02)
        open('alive', 'a').write('x')
if os.fork() == 0:
    # The first thread ends: from outside the process looks like a zombie, and it is none.
    _thread.start_new_thread(write, ())
    ctypes.CDLL(None).syscall({'x86_64': 60, 'aarch64': 93}[os.uname().machine], 0)
while not os.path.exists('alive'):
    time.sleep(0.01)
"""


def without_groups(scene: Scene, name: str, code: str) -> str:
    """Run where no control group can be made, and so where none can help."""
    hide = ["unshare", "--mount", "bash", "-c", 'umount -l -R /sys/fs/cgroup && exec "$@"', "-"]
    return subprocess.run(
        [*hide, sys.executable, "-c", _WITHOUT_GROUPS, name, str(scene.work), code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout


@pytest.mark.skipif(os.getuid() != 0, reason="the control groups are hidden with a mount")
@pytest.mark.parametrize("name", ["bubblewrap", "landlock", "unconfined"])
def test_without_control_groups_memory_is_summed_and_the_cap_not_claimed(scene: Scene, name: str) -> None:
    assert without_groups(scene, name, MANY_HOGS) == "memory False\n"


@pytest.mark.skipif(os.getuid() != 0, reason="the control groups are hidden with a mount")
@pytest.mark.parametrize("name", ["bubblewrap", "landlock", "unconfined"])
@pytest.mark.parametrize("code", [_DAEMONS, _HEADLESS], ids=["daemons", "threads that outlive their first"])
def test_without_control_groups_everything_ends_all_the_same(scene: Scene, name: str, code: str) -> None:
    ended = without_groups(scene, name, code)
    before = (scene.work / "alive").stat().st_size
    time.sleep(0.3)

    assert ended == "exited False\n"
    assert (scene.work / "alive").stat().st_size == before


@pytest.mark.parametrize(
    ("code", "disk_bytes"),
    [(ONE_FILE, 4 * MIB), (MANY_FILES, 4 * MIB), (DELETED_FILES, 4 * MIB), (EMPTY_FILES, MIB)],
    ids=["one file", "many files", "deleted files held open", "empty files"],
)
def test_the_disk_cap_holds_for_all_files_together(
    scene: Scene, confining: Sandbox, code: str, disk_bytes: int
) -> None:
    finished = scene.python(confining, code, limits=Limits(wall_s=20, disk_bytes=disk_bytes))

    assert finished.ending is Ending.DISK, finished
    # Polling lets a little more through, never a multiple.
    assert usage(scene.work) <= 64 * MIB


@pytest.mark.skipif(os.getuid() != 0, reason="only root can leave a protection out")
@pytest.mark.parametrize("code", [ONE_FILE, MANY_FILES], ids=["one file", "many files"])
def test_without_the_disk_cap_the_files_are_written(scene: Scene, code: str) -> None:
    weak = BubblewrapSandbox(protections=ALL_PROTECTIONS - {Protection.DISK})

    finished = weak.attempt(scene.python_command(code, limits=Limits(wall_s=20, disk_bytes=8 * MIB)))

    assert finished.stdout == "written\n"


def test_what_was_there_before_does_not_count(scene: Scene, confining: Sandbox) -> None:
    (scene.work / "old").write_bytes(b"x" * (20 * MIB))

    finished = scene.shell(confining, "head -c 1000000 /dev/zero > new", limits=Limits(disk_bytes=8 * MIB))

    assert finished.ok


@pytest.mark.parametrize("folder", ["/tmp", "/var/tmp", "/dev/shm"])
def test_the_private_folders_in_memory_are_bounded(scene: Scene, folder: str) -> None:
    """By many files, each of which is small enough."""
    limits = Limits(disk_bytes=8 * MIB, memory_bytes=400 * MIB)
    text = f"for i in {{1..10}}; do head -c {4 * MIB} /dev/zero > {folder}/$i; done; cat {folder}/* | wc -c"
    held = scene.shell(BubblewrapSandbox(), text, limits=limits)
    unbounded = BubblewrapSandbox(protections=ALL_PROTECTIONS - {Protection.TMP_SIZE})
    wider = unbounded.attempt(scene.command(["bash", "-c", text], limits=limits))

    assert (int(held.stdout), int(wider.stdout)) == (8 * MIB, 40 * MIB)


@pytest.mark.parametrize("folder", ["/", "/dev", "/etc", "/usr", "/var", "/home", "/root"])
def test_the_rest_of_the_tree_cannot_be_filled(scene: Scene, folder: str) -> None:
    finished = scene.shell(BubblewrapSandbox(), f"mkdir -p {folder}/x && echo made")

    assert finished.stdout == ""


@pytest.mark.parametrize("folder", ["/tmp", "/var/tmp", "/dev/shm"])
def test_landlock_has_no_private_folders(scene: Scene, folder: str) -> None:
    assert scene.shell(LandlockSandbox(), f"echo x > {folder}/honing-test-f && echo made").stdout == ""


def test_a_flood_of_output_is_bounded_in_our_memory(scene: Scene, sandbox: Sandbox) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    finished = scene.shell(
        sandbox, "head -c 100000000 /dev/zero | tr '\\0' a", limits=Limits(wall_s=60, output_bytes=100_000)
    )
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before

    assert (finished.ending, finished.stdout_bytes) == (Ending.EXITED, 100_000_000)
    assert finished.stdout == "a" * 50_000 + "\n[... 99900000 bytes left out ...]\n" + "a" * 50_000
    assert grown_kib < 40 * 1024


def test_both_streams_are_kept_apart_and_bounded(scene: Scene, sandbox: Sandbox) -> None:
    finished = scene.shell(
        sandbox, "for i in {1..2000}; do echo out; echo err >&2; done", limits=Limits(output_bytes=100)
    )

    assert (finished.stdout_bytes, finished.stderr_bytes) == (8000, 8000)
    assert finished.stdout == "out\n" * 12 + "ou\n[... 7900 bytes left out ...]\n" + "t\n" + "out\n" * 12
    assert finished.stderr == "err\n" * 12 + "er\n[... 7900 bytes left out ...]\n" + "r\n" + "err\n" * 12


def test_what_a_command_prints_cannot_reach_a_terminal(scene: Scene, sandbox: Sandbox) -> None:
    finished = scene.shell(
        sandbox, r"printf '\033[31mred\033[0m \033]0;title\007 a\rb \377 \342\200\256flip \342\200\213 \0'"
    )

    assert finished.stdout == "red  a\nb � \\u202eflip \\u200b \\x00"


def test_each_process_has_its_file_limit_and_writes_no_core(scene: Scene, sandbox: Sandbox) -> None:
    finished = scene.shell(sandbox, "ulimit -n; ulimit -c", limits=Limits(open_files=77))

    assert finished.stdout == "77\n0\n"


def test_an_exit_code_of_137_is_not_taken_for_a_kill(scene: Scene, confining: Sandbox) -> None:
    finished = scene.shell(confining, "exit 137", limits=Limits(memory_bytes=96 * MIB))

    assert (finished.ending, finished.exit_code) == (Ending.EXITED, 137)


def test_groups_of_a_process_that_was_killed_are_swept_with_what_runs_in_them(scene: Scene) -> None:
    if not hierarchy().parents:
        pytest.skip("no control group can be made here")
    code = (
        "import os, subprocess, sys, time\nfrom honing.sandbox.cgroups import Group\n"
        "group = Group(64 << 20, 20)\n"
        "for entrance in group.open_entrances(): os.write(entrance, b'0')\n"
        "child = subprocess.Popen(['sleep', '300'], stdout=subprocess.DEVNULL)\n"
        "print(os.getpid(), child.pid, flush=True)\ntime.sleep(300)\n"
    )
    ours = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert ours.stdout is not None
    owner, child = ours.stdout.readline().split()
    ours.kill()
    ours.communicate(timeout=20)
    left = [path for parent in hierarchy().parents.values() for path in parent.glob(f"honing-*-{owner}-*")]
    removed = sweep()

    assert len(left) == len(set(hierarchy().parents.values()))
    assert removed >= len(left)
    assert not any(path.exists() for path in left)
    assert not Path("/proc", child).exists() or "State:\tZ" in Path("/proc", child, "status").read_text()


def test_a_sweep_leaves_the_groups_of_living_processes_alone() -> None:
    group = Group(64 * MIB, 20)
    try:
        sweep()

        assert all(folder.exists() for folder in group.folders)
    finally:
        assert group.remove()


def test_an_unprivileged_user_gets_the_strong_sandbox_too(root: Path) -> None:
    """As nobody: no control groups, yet everything else, and the process cap by the kernel's own limit."""
    if os.getuid() != 0:
        pytest.skip("this is what every other test here shows then")
    finished = _as_nobody(root, "print(sorted(c.value for c in made.capabilities)); print(finished.stdout)")

    assert finished == (
        "['disk_cap', 'env_clean', 'home_hidden', 'host_read_only', 'net_cut', 'net_port_only', "
        "'pid_namespace', 'pids_cap', 'privileges_dropped', 'tree_killed']\nuid=65534\n\n"
    )


_NOBODY = """
import os, shutil, sys
from pathlib import Path
os.setgroups([]); os.setgid(65534); os.setuid(65534)
sys.path.insert(0, sys.argv[2])
from honing.sandbox import *
work = Path(sys.argv[1]) / "mine"
work.mkdir()
made = BubblewrapSandbox()
finished = made.run(Command(argv=["bash", "-c", "echo uid=$(id -u); touch f"], workdir=work,
    mounts=[Mount(work, writable=True)], env={"PATH": "/usr/bin:/bin"}))
assert (work / "f").stat().st_uid == 65534
"""


def _as_nobody(root: Path, ending: str) -> str:
    """Run with the system's interpreter and a copy of the package: neither lies below a home that nobody can
    read."""
    root.chmod(0o777)
    shutil.copytree(Path(honing.__file__).parent, root / "package" / "honing")
    found = subprocess.run(
        ["/usr/bin/python3", "-c", _NOBODY + ending, str(root), str(root / "package")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


def test_the_limits_of_a_command_are_its_own(scene: Scene, sandbox: Sandbox) -> None:
    command = scene.command(["bash", "-c", "ulimit -f"])
    small = sandbox.run(replace(command, limits=Limits(disk_bytes=1024 * 1000)))
    large = sandbox.run(replace(command, limits=Limits(disk_bytes=1024 * 5000)))

    assert (small.stdout, large.stdout) == ("1000\n", "5000\n")
