"""Failures are typed by what a program printed last and how it ended."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from honing.contract.stages.failures import Failure, FailureKind, classify, failure_from, failure_of
from honing.errors import MetricsError, SandboxError
from honing.sandbox import Ending, Finished


def finished(
    stderr: str = "",
    *,
    stdout: str = "",
    ending: Ending = Ending.EXITED,
    exit_code: int | None = 1,
) -> Finished:
    return Finished(
        ending=ending,
        exit_code=exit_code,
        stdout=stdout,
        stderr=stderr,
        stdout_bytes=len(stdout),
        stderr_bytes=len(stderr),
        duration_s=1.0,
        sandbox="scripted",
        capabilities=frozenset(),
    )


PIP_HEADER = """\
  Building wheel for thing (pyproject.toml): started
      thing.c:3:10: fatal error: Python.h: No such file or directory
      compilation terminated.
      error: command '/usr/bin/gcc' failed with exit code 1
      [end of output]
  note: This error originates from a subprocess, and is likely not a problem with pip.
  ERROR: Failed building wheel for thing
ERROR: Failed to build installable wheels for some pyproject.toml based projects (thing)
"""
PIP_ISOLATION = """\
  error: subprocess-exited-with-error
  x Getting requirements to build wheel did not run successfully.
  | exit code: 1
      ModuleNotFoundError: No module named 'pkg_resources'
      [end of output]
  note: This error originates from a subprocess, and is likely not a problem with pip.
"""
PIP_OFFLINE = """\
WARNING: Retrying after connection broken by 'NewConnectionError(<...>: Failed to establish a new \
connection: [Errno -3] Temporary failure in name resolution')': /simple/numpy/
ERROR: Could not find a version that satisfies the requirement numpy (from versions: none)
ERROR: No matching distribution found for numpy
"""
SUBPROCESS = """\
Traceback (most recent call last):
  File "/usr/lib/python3.11/subprocess.py", line 1955, in _execute_child
    raise child_exception_type(errno_num, err_msg, err_filename)
FileNotFoundError: [Errno 2] No such file or directory: 'node'
"""


@pytest.mark.parametrize(
    ("stderr", "kind", "names"),
    [
        ("ModuleNotFoundError: No module named 'torch.nn'", "python_module", ("torch.nn",)),
        ("/v/bin/python3: No module named evalthing", "python_module", ("evalthing",)),
        ("bash: line 1: node: command not found", "program", ("node", "nodejs")),
        (SUBPROCESS, "program", ("node", "nodejs")),
        (
            "ImportError: libGL.so.1: cannot open shared object file: No such file or directory",
            "system_package",
            ("libGL.so.1", "libgl1"),
        ),
        ("honing: cannot run xyz: No such file or directory", "program", ("xyz",)),
        (
            "NoSuchDriverException: Message: Unable to obtain driver for chromedriver; see more",
            "program",
            ("chromedriver", "chromium-driver"),
        ),
        (PIP_HEADER, "system_package", ("Python.h", "python3-dev")),
        (PIP_ISOLATION, "install", ("pkg_resources",)),
        (PIP_OFFLINE, "needs_network", ()),
        ("ERROR: No matching distribution found for no-such==9", "install", ("no-such==9",)),
        ("Error: Cannot find module 'mathjs'", "foreign_module", ("mathjs",)),
        (
            "Can't locate List/Util.pm in @INC (you may need to install it)",
            "foreign_module",
            ("List/Util.pm", "liblist-util-perl"),
        ),
        (
            "OpenAIError: The api_key client option must be set either by passing api_key or by setting the "
            "OPENAI_API_KEY environment variable",
            "needs_key",
            ("OPENAI_API_KEY",),
        ),
        ("KeyError: 'TOGETHER_API_KEY'", "needs_key", ("TOGETHER_API_KEY",)),
        ("urlopen error [Errno -3] Temporary failure in name resolution", "needs_network", ()),
        ("curl: (6) Could not resolve host: example.org", "needs_network", ("example.org",)),
        ("RuntimeError: No CUDA GPUs are available", "needs_gpu", ()),
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", "needs_docker", ()),
        ("EOFError: EOF when reading a line", "interactive", ()),
        ("usage: run.py [-h]\nrun.py: error: unrecognized arguments: --fast", "arguments", ("--fast",)),
        (
            "run.py: error: the following arguments are required: --model, --data",
            "arguments",
            ("--model", "--data"),
        ),
        ("OSError: [Errno 28] No space left on device", "disk", ()),
        ("MemoryError", "memory", ()),
        (
            "FileNotFoundError: [Errno 2] No such file or directory: 'data/test.jsonl'",
            "data_missing",
            ("data/test.jsonl",),
        ),
        ("python3: can't open file '/w/run.py': [Errno 2] No such file", "data_missing", ("/w/run.py",)),
        ("PermissionError: [Errno 13] Permission denied: '/opt/x'", "needs_privilege", ()),
        ("Ran 0 tests in 0.000s\n\nOK", "nothing_tested", ()),
        ("AssertionError: something of its own", "other", ()),
    ],
    ids=lambda value: value[-40:] if isinstance(value, str) else None,
)
def test_what_was_printed_last_says_why(stderr: str, kind: str, names: tuple[str, ...]) -> None:
    found = classify("rollout", finished(stderr), command="python3 run.py")

    assert (found.kind.value, found.names) == (kind, names)


@pytest.mark.parametrize(
    ("ending", "exit_code", "kind"),
    [
        (Ending.TIMEOUT, None, FailureKind.TIMEOUT),
        (Ending.MEMORY, None, FailureKind.MEMORY),
        (Ending.DISK, None, FailureKind.DISK),
        (Ending.STOPPED, None, FailureKind.STOPPED),
        (Ending.SIGNALLED, -9, FailureKind.MEMORY),
        (Ending.SIGNALLED, -11, FailureKind.OTHER),
    ],
    ids=lambda value: str(value),
)
def test_how_it_ended_comes_before_what_it_printed(
    ending: Ending, exit_code: int | None, kind: FailureKind
) -> None:
    said = "ModuleNotFoundError: No module named 'x'" if ending is not Ending.SIGNALLED else ""

    assert classify("evaluate", finished(said, ending=ending, exit_code=exit_code)).kind is kind


def test_a_command_that_waits_for_a_person_until_its_limit_is_interactive() -> None:
    asked = finished(
        stdout="Downloading\nOverwrite the folder? [y/N] ", ending=Ending.TIMEOUT, exit_code=None
    )

    assert classify("bootstrap", asked).kind is FailureKind.INTERACTIVE


def test_a_warning_far_from_the_end_does_not_decide() -> None:
    printed = "warning: libcuda.so not found\n" + "step\n" * 80 + "KeyError: 'HF_TOKEN'\n"

    assert classify("rollout", finished(printed)).kind is FailureKind.NEEDS_KEY


def test_words_of_real_programs_are_known(tmp_path: Path) -> None:
    """Not our transcription of them: the programs of this machine say it themselves."""
    commands = {
        f"{sys.executable} -c 'import no_such_module'": ("python_module", ("no_such_module",)),
        f"{sys.executable} -m no_such_module": ("python_module", ("no_such_module",)),
        f"{sys.executable} -c 'input()' < /dev/null": ("interactive", ()),
        "no-such-program --x": ("program", ("no-such-program",)),
        "cat no-such-file": ("data_missing", ("no-such-file",)),
        f"{sys.executable} -c 'import subprocess; subprocess.run([\"node-x\"])'": ("program", ("node-x",)),
        f"{sys.executable} -m json.tool --no-such": ("arguments", ("--no-such",)),
        f"{sys.executable} -c 'open(\"gone.txt\")'": ("data_missing", ("gone.txt",)),
        "cp gone.txt here": ("data_missing", ("gone.txt",)),
    }
    found = {}
    for command in commands:
        done = subprocess.run(
            ["bash", "-c", command],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin"},
        )
        failure = classify("rollout", finished(done.stderr, stdout=done.stdout, exit_code=done.returncode))
        found[command] = (failure.kind.value, failure.names)

    assert found == commands


def test_a_failure_says_what_closes_it_and_survives_being_written_down() -> None:
    found = classify("bootstrap", finished("sh: 1: cmake: not found"), command="cmake .")

    assert found.next_step == "install cmake on this machine or in stages.bootstrap"
    assert found.text == (
        "stage bootstrap: `cmake .` exited with 1. It printed last:\nsh: 1: cmake: not found\nDebian: cmake."
    )
    assert failure_from(found.as_document()) == found


def test_errors_that_were_not_typed_where_they_arose_are_typed_by_their_class() -> None:
    assert failure_of(MetricsError("no number"), "evaluate") == Failure(
        kind=FailureKind.METRICS_INVALID, stage="evaluate", text="no number"
    )
    assert failure_of(SandboxError("gone"), "rollout").kind is FailureKind.INFRASTRUCTURE
    assert failure_of(ValueError("x"), "rollout").kind is FailureKind.OTHER
