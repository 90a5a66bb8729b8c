"""How a command ends: truthfully, in time, and with nothing left of it."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sandbox_scene import Scene

from honing.errors import SandboxError
from honing.sandbox import (
    Ending,
    Finished,
    Limits,
    Sandbox,
    remove_tree,
)
from honing.sandbox.cgroups import hierarchy


def ending_of(finished: Finished) -> tuple[Ending, int | None]:
    return finished.ending, finished.exit_code


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("exit 0", (Ending.EXITED, 0)),
        ("exit 3", (Ending.EXITED, 3)),
        ("exit 137", (Ending.EXITED, 137)),
        ("exit 255", (Ending.EXITED, 255)),
        ("kill -KILL $$", (Ending.SIGNALLED, -signal.SIGKILL)),
        ("kill -SEGV $$", (Ending.SIGNALLED, -signal.SIGSEGV)),
        ("kill -TERM $$", (Ending.SIGNALLED, -signal.SIGTERM)),
        ("kill -PIPE $$", (Ending.SIGNALLED, -signal.SIGPIPE)),
    ],
)
def test_an_exit_code_is_never_taken_for_a_signal(
    scene: Scene, sandbox: Sandbox, text: str, expected: tuple[Ending, int]
) -> None:
    assert ending_of(scene.shell(sandbox, text)) == expected


@pytest.mark.parametrize(
    ("argv", "expected"),
    [(["no-such-program"], 127), (["/no/such/program"], 127), (["./data"], 126), (["/tmp"], 126)],
)
def test_a_program_that_cannot_be_started_ends_as_in_a_shell(
    scene: Scene, sandbox: Sandbox, argv: list[str], expected: int
) -> None:
    (scene.work / "data").write_text("no program")
    (scene.work / "data").chmod(0o644)

    finished = sandbox.run(scene.command(argv))

    assert ending_of(finished) == (Ending.EXITED, expected)
    assert finished.stderr.startswith(f"honing: cannot run {argv[0]}: ")


def test_a_command_sees_its_variables_and_no_others(scene: Scene, sandbox: Sandbox) -> None:
    env = {"PATH": "/usr/bin:/bin", "A": "b c", "UNICODE": "ä", "EMPTY": ""}

    finished = sandbox.run(scene.command(["/usr/bin/env", "-0"], env=env))

    assert dict(pair.split("=", 1) for pair in finished.stdout.split("\\x00")[:-1]) == env


def test_a_program_is_looked_up_on_the_commands_own_path(scene: Scene, sandbox: Sandbox) -> None:
    shim = scene.work / "tool"
    shim.write_text("#!/bin/sh\necho shim\n")
    shim.chmod(0o755)

    inside = sandbox.run(scene.command(["tool"], env={"PATH": str(scene.work)}))
    outside = sandbox.run(scene.command(["tool"]))

    assert (inside.stdout, outside.exit_code) == ("shim\n", 127)


@pytest.mark.parametrize("name", ["bwrap", "python3", "sh", "bash"])
def test_a_program_planted_on_the_commands_path_does_not_start_it(
    scene: Scene, sandbox: Sandbox, name: str
) -> None:
    shim = scene.work / name
    shim.write_text("#!/bin/sh\necho hijacked > hijacked\n")
    shim.chmod(0o755)

    finished = sandbox.run(scene.command(["/bin/true"], env={"PATH": str(scene.work)}))

    assert finished.ok
    assert not (scene.work / "hijacked").exists()


@pytest.mark.parametrize(
    "variable",
    ["LD_PRELOAD", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "BASH_ENV", "ENV"],
)
def test_a_variable_that_loads_code_acts_on_the_command_alone(
    scene: Scene, sandbox: Sandbox, variable: str
) -> None:
    finished = sandbox.run(scene.command(["/bin/echo", "ran"], env={variable: "/no/such/thing"}))

    assert (finished.ok, finished.stdout) == (True, "ran\n")


def test_stdin_is_what_was_given_and_then_ends(scene: Scene, sandbox: Sandbox) -> None:
    data = bytes(range(256)) * 4096

    finished = sandbox.run(scene.command(["sha256sum"], stdin=data))
    nothing = sandbox.run(scene.command(["wc", "-c"]))

    assert finished.stdout.split()[0] == hashlib.sha256(data).hexdigest()
    assert nothing.stdout.strip() == "0"


def test_stdin_that_is_not_read_does_not_hold_the_command_up(scene: Scene, sandbox: Sandbox) -> None:
    finished = sandbox.run(scene.command(["/bin/true"], stdin=b"x" * 2_000_000))

    assert finished.ok


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sleeps", "sleep 60"),
        ("stops itself", "kill -STOP $$; sleep 60"),
        ("ignores signals", "trap '' TERM INT HUP QUIT; while :; do sleep 60; done"),
        ("spins", "while :; do :; done"),
        ("waits for a child in another session", "setsid -w sleep 60"),
    ],
)
def test_a_command_that_does_not_end_is_ended_at_its_limit(
    scene: Scene, sandbox: Sandbox, name: str, text: str
) -> None:
    began = time.monotonic()
    finished = scene.shell(sandbox, text, limits=Limits(wall_s=0.4))

    assert ending_of(finished) == (Ending.TIMEOUT, None)
    assert 0.4 <= time.monotonic() - began < 5
    assert finished.detail == "still running after 0.4 s"


def test_a_limit_inside_a_limit_leaves_the_outer_one_alone(scene: Scene, sandbox: Sandbox) -> None:
    finished = scene.shell(sandbox, "timeout 0.2 sleep 60; echo $?", limits=Limits(wall_s=20))

    assert (ending_of(finished), finished.stdout) == ((Ending.EXITED, 0), "124\n")


def test_a_background_child_that_holds_stdout_does_not_delay_the_result(
    scene: Scene, sandbox: Sandbox
) -> None:
    began = time.monotonic()
    finished = scene.shell(sandbox, "sleep 60 & echo done")

    assert (ending_of(finished), finished.stdout) == ((Ending.EXITED, 0), "done\n")
    assert time.monotonic() - began < 10


def test_a_caller_can_stop_a_command(scene: Scene, sandbox: Sandbox) -> None:
    cancel = threading.Event()
    timer = threading.Timer(0.3, cancel.set)
    timer.start()
    finished = sandbox.run(scene.command(["sleep", "60"]), cancel=cancel)
    timer.join()

    assert (ending_of(finished), finished.detail) == ((Ending.STOPPED, None), "the caller asked to stop")
    assert finished.duration_s < 10


def test_eight_commands_at_once_each_get_their_own_result(scene: Scene, sandbox: Sandbox) -> None:
    def run(number: int) -> tuple[str, int | None]:
        finished = scene.shell(sandbox, f"echo {number}; sleep 0.2; exit {number}")
        return finished.stdout, finished.exit_code

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(run, range(16)))

    assert results == [(f"{number}\n", number) for number in range(16)]


def test_a_sandbox_started_from_a_thread_that_ends_lives_on(scene: Scene, sandbox: Sandbox) -> None:
    """A parent-death signal follows the starting thread: here it would strike at once."""
    results = []

    def later() -> None:
        results.append(scene.shell(sandbox, "sleep 0.5; echo lived").stdout)

    starter = threading.Thread(target=lambda: threading.Thread(target=later).start())
    starter.start()
    starter.join()
    deadline = time.monotonic() + 20
    while not results and time.monotonic() < deadline:
        time.sleep(0.02)

    assert results == ["lived\n"]


def test_a_command_that_removes_its_workspace_ends_like_any_other(scene: Scene, sandbox: Sandbox) -> None:
    (scene.work / "file").write_text("x")

    finished = scene.shell(sandbox, f"rm -rf {scene.work}/* {scene.work}; echo gone; exit 5")

    assert (ending_of(finished), finished.stdout) == ((Ending.EXITED, 5), "gone\n")


def test_what_a_command_locks_away_can_be_removed(scene: Scene, sandbox: Sandbox) -> None:
    text = "mkdir -p a/b/c; touch a/b/c/f; ln -s / a/root; chmod 000 a/b/c/f a/b/c a/b a .; true"
    finished = scene.shell(sandbox, text)
    remove_tree(scene.work)

    assert finished.ok
    assert not scene.work.exists()
    assert Path("/usr").exists()


def test_files_made_inside_belong_to_the_caller(scene: Scene, sandbox: Sandbox) -> None:
    scene.shell(sandbox, "mkdir d; echo x > d/f")
    found = (scene.work / "d" / "f").stat()

    assert (found.st_uid, found.st_gid) == (os.getuid(), os.getgid())


@pytest.mark.parametrize("argv", [[], ["echo", "a\0b"]], ids=["no program", "a NUL byte"])
def test_a_command_that_no_program_can_be_given_is_refused(
    scene: Scene, sandbox: Sandbox, argv: list[str]
) -> None:
    with pytest.raises(SandboxError):
        sandbox.run(scene.command(argv))


def test_nothing_is_left_open_or_running_after_many_commands(scene: Scene, sandbox: Sandbox) -> None:
    scene.shell(sandbox, "true")
    descriptors, threads = open_descriptors(), threading.active_count()
    for text in ("true", "exit 3", "sleep 60 & true", "kill -KILL $$"):
        scene.shell(sandbox, text)
    scene.shell(sandbox, "sleep 60", limits=Limits(wall_s=0.1))

    assert (open_descriptors(), threading.active_count()) == (descriptors, threads)
    assert [
        path for parent in hierarchy().parents.values() for path in parent.glob(f"honing-*-{os.getpid()}-*")
    ] == []


def test_the_capabilities_that_held_are_recorded_with_the_result(scene: Scene, sandbox: Sandbox) -> None:
    finished = scene.shell(sandbox, "true")

    assert (finished.sandbox, finished.capabilities) == (sandbox.name, sandbox.capabilities)
