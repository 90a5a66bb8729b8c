"""`hone` itself: help, unknown names, exit codes, the error panel, terminals and pipes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hone_process import Hone

from honing import __version__
from honing.cli import main
from honing.cli.commands import COMMANDS
from honing.cli.endings import report_failure
from honing.cli.own_options import OWN_OPTIONS, take_own_options
from honing.errors import BudgetExhaustedError, HoningError, MissingToolError, StoppedError, UsageError

ESCAPE = "\x1b"


def test_the_version_is_one_line_on_stdout(hone: Hone) -> None:
    ended = hone.in_a_process("--version")

    assert (ended.code, ended.out, ended.err) == (0, f"honing {__version__}\n", "")


def test_help_shows_examples_before_options_and_every_command(hone: Hone) -> None:
    ended = hone("--help")

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.index("Examples:") < ended.out.index("Options") < ended.out.index("Commands:")
    assert [listed.name for listed in COMMANDS if f"\n  {listed.name} " not in ended.out] == []
    assert [option.names[0] for option in OWN_OPTIONS if option.names[0] not in ended.out] == []


@pytest.mark.parametrize("listed", COMMANDS, ids=lambda listed: listed.name)
def test_every_command_shows_examples_before_its_options(listed, capfd: pytest.CaptureFixture[str]) -> None:
    code = main([listed.name, "--help"])

    out, err = capfd.readouterr()
    assert (code, err) == (0, "")
    examples = out.partition("Examples:")[2].partition("Options:")[0]
    assert f"\n    hone {listed.name}" in examples


@pytest.mark.parametrize("arguments", [(), ("runs",), ("config",)])
def test_a_group_without_a_command_shows_its_help_on_stderr_and_exits_2(
    hone: Hone, arguments: tuple[str, ...]
) -> None:
    ended = hone(*arguments)

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("Usage: hone")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rnus",), "there is no command 'rnus'. Did you mean 'runs'?\n`hone --help` shows what it "),
        (("zzz",), "there is no command 'zzz'. There are "),
        (("runs", "lst"), "No such command 'lst'. Did you mean 'list'?\n`hone runs --help` shows"),
        (("runs", "list", "--jsn"), "No such option: --jsn. Did you mean --json?\n`hone runs list --help`"),
        (("runs", "list", "--hom", "x"), "No such option: --hom. Did you mean --home?"),
        (("doctor", "--qqqq"), "No such option: --qqqq.\n`hone doctor --help` shows"),
        (("doctor", "surplus"), "Got unexpected extra argument"),
        (("runs", "list", "--limit", "none"), "Invalid value for '--limit': "),
        (("runs", "show"), "Missing argument 'run'.\n`hone runs show --help` shows"),
        (("runs", "list", "--json", "--tsv"), "--json and --tsv exclude each other: give one of them.\n"),
        (("runs", "list", "--home"), "--home needs a value: --home FOLDER.\n"),
        (("--debug=yes", "doctor"), "--debug takes no value; found 'yes'. Write --debug alone.\n"),
        (("runs", "list", "--color", "pink"), "--color: output.colour must be one of auto, always, never; "),
    ],
)  # fmt: skip
def test_a_usage_error_says_what_may_be_meant_and_exits_2(
    arguments: tuple[str, ...], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    code = main(arguments)

    out, err = capfd.readouterr()
    assert (code, out) == (2, "")
    assert err.startswith(f"hone: error: {message}")
    assert "Traceback" not in err


def test_an_error_shows_its_stack_only_when_asked(hone: Hone) -> None:
    plain = hone("runs", "show", "nothing")
    flag = hone("runs", "show", "nothing", "--debug")
    variable = hone("runs", "show", "nothing", environ={"HONING_DEBUG": "1"})

    assert [ended.code for ended in (plain, flag, variable)] == [1, 1, 1]
    assert [ended.err.count("Traceback") for ended in (plain, flag, variable)] == [0, 1, 1]
    assert plain.err == (
        f"hone: error: {hone.runs}: no run named 'nothing'. The last ones: none. "
        "`hone runs list` shows all.\n"
    )


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (HoningError("a"), 1),
        (UsageError("a"), 2),
        (MissingToolError("a"), 3),
        (BudgetExhaustedError("a"), 4),
        (StoppedError("a"), 5),
    ],
)
def test_the_exit_code_is_the_errors_own(
    error: HoningError, code: int, capfd: pytest.CaptureFixture[str]
) -> None:
    assert report_failure(error, environ={}, debug=False) == code
    assert capfd.readouterr() == ("", "hone: error: a\n")


def test_an_error_without_a_name_is_called_a_defect_of_ours(capfd: pytest.CaptureFixture[str]) -> None:
    code = report_failure(ZeroDivisionError("by zero"), environ={}, debug=False)

    out, err = capfd.readouterr()
    assert (code, out) == (1, "")
    assert err == (
        "hone: error: ZeroDivisionError: by zero\nThis is a defect of Honing, not of your input. "
        "Run the command again with --debug and report what it prints.\n"
    )


def test_an_error_cannot_act_on_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    report_failure(HoningError("a\x1b]0;owned\x07b\u202ec"), environ={}, debug=False)

    assert capfd.readouterr().err == "hone: error: a\\u001b]0;owned\\u0007b\\u202ec\n"


def test_on_a_terminal_an_error_is_one_red_panel_that_fits(hone: Hone) -> None:
    ended = hone.on_terminal("runs", "show", "nothing", columns=44)

    lines = re.sub(r"\x1b\[[0-9;]*m", "", ended.out).splitlines()
    assert ended.code == 1
    assert f"{ESCAPE}[31m" in ended.out
    assert (lines[0].startswith("╭─ error ─"), lines[-1].endswith("─╯")) == (True, True)
    assert {len(line) for line in lines} == {44}


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({"NO_COLOR": "1", "HONING_COLOR": "always"}, True),
    ],
    ids=["a terminal", "NO_COLOR", "dumb", "asked for"],
)
def test_a_terminal_gets_colour_unless_the_variables_say_no(
    hone: Hone, environ: dict[str, str], *, coloured: bool
) -> None:
    ended = hone.on_terminal("config", "show", environ=environ)

    assert (ended.code, ESCAPE in ended.out) == (0, coloured)


@pytest.mark.parametrize(
    ("arguments", "environ", "coloured"),
    [
        ((), {}, False),
        ((), {"FORCE_COLOR": "1"}, True),
        (("--color", "always"), {}, True),
        (("--color", "never"), {"FORCE_COLOR": "1"}, False),
    ],
)
def test_a_pipe_gets_no_colour_unless_it_is_forced(
    hone: Hone, arguments: tuple[str, ...], environ: dict[str, str], *, coloured: bool
) -> None:
    ended = hone("config", "show", *arguments, environ=environ)

    assert (ended.code, ESCAPE in ended.out) == (0, coloured)


def test_a_reader_that_goes_away_is_no_error(hone: Hone) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = hone.in_a_process("config", "show", "--json", stdout=writer)
    finally:
        os.close(writer)

    assert (ended.code, ended.err) == (0, "")


def is_running(pid: int) -> bool:
    """Whether a process still executes; a dead one may wait to be collected by whoever inherited it."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in {"Z", "X"}


def test_ctrl_c_exits_130_without_a_stack_and_takes_what_it_started_along(hone: Hone) -> None:
    bin_folder = hone.folder / "bin"
    bin_folder.mkdir()
    program = bin_folder / "nvidia-smi"
    pid_file = hone.folder / "pid"
    program.write_text(f"#!/bin/sh\necho $$ > {pid_file}.new\nmv {pid_file}.new {pid_file}\nexec sleep 600\n")
    program.chmod(0o755)

    path = f"{bin_folder}:{os.environ['PATH']}"
    ended = hone.on_terminal("doctor", environ={"PATH": path}, interrupt_at=pid_file)

    assert (ended.code, "Traceback" in ended.out) == (130, False)
    assert ended.out.endswith("interrupted\n")
    assert not is_running(int(pid_file.read_text()))


class CtrlC(str):
    """An argument during whose reading Ctrl-C is pressed, before any command runs."""

    __slots__ = ()

    def partition(self, sep: str, /) -> tuple[str, str, str]:
        raise KeyboardInterrupt


def test_ctrl_c_before_the_command_runs_exits_130_too(capfd: pytest.CaptureFixture[str]) -> None:
    code = main([CtrlC("doctor")])

    assert (code, *capfd.readouterr()) == (130, "", "interrupted\n")


@pytest.mark.parametrize(
    ("line", "own", "rest"),
    [
        (["runs", "list"], {}, ["runs", "list"]),
        (["runs", "list", "--home", "x", "--json"], {"paths.home": "x"}, ["runs", "list", "--json"]),
        (["--home=x", "runs"], {"paths.home": "x"}, ["runs"]),
        (["doctor", "-q", "--debug"], {"output.quiet": True, "output.debug": True}, ["doctor"]),
        (["run", "--no-progress"], {"output.progress": False}, ["run"]),
        (["a", "--", "--debug", "--home", "x"], {}, ["a", "--", "--debug", "--home", "x"]),
        (["--home", "a", "--home", "b"], {"paths.home": "b"}, []),
        (["--settings", "f.toml", "doctor"], {"settings": "f.toml"}, ["doctor"]),
    ],
)  # fmt: skip
def test_options_of_hone_itself_may_stand_anywhere_before_a_double_dash(
    line: list[str], own: dict[str, object], rest: list[str]
) -> None:
    assert take_own_options(line) == (own, rest)


def test_the_installed_program_and_the_module_are_the_same_command(hone: Hone) -> None:
    program = Path(sys.executable).with_name("hone")
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stdout) == (0, hone("--version").out)


def test_completion_offers_the_commands(hone: Hone) -> None:
    environ = {"_HONE_COMPLETE": "complete_bash", "COMP_WORDS": "hone ru", "COMP_CWORD": "1"}
    program = Path(sys.executable).with_name("hone")
    done = subprocess.run(
        [program],
        env={**hone.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.stdout.split() == ["runs"]
