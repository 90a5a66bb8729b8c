"""Tasks of the predecessor: phrases in a file, the exit code of a command."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from harness_judging import Bench
from pydantic import ValidationError

from honing.harness.tasks.base import TaskScore, TaskStatus

PHRASES = {"type": "file_phrase", "path": "AGENTS.md", "required": ["run the tests", "commit often"]}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def scored(score: TaskScore) -> tuple[TaskStatus, float | None, str]:
    return score.status, score.score, score.reason


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("First run the tests, then commit often.", []),
        ("First run the tests.", ["commit often"]),
        ("Run the tests. Commit often.", ["run the tests", "commit often"]),
        ("run the\ntests, commit often", ["run the tests"]),
    ],
    ids=["both", "one", "other case", "broken over a line"],
)
def test_a_file_holds_all_phrases_or_scores_nothing(bench: Bench, text: str, missing: list[str]) -> None:
    score = bench.judge({"AGENTS.md": text}, **PHRASES)

    assert score.score == float(not missing)
    assert [name for name, held in score.checks.items() if not held] == missing
    assert all(repr(phrase) in score.reason for phrase in missing)
    assert score.sandbox == ""


def test_case_is_ignored_where_that_is_asked_for(bench: Bench) -> None:
    assert bench.judge({"AGENTS.md": "RUN THE TESTS, Commit Often"}, **PHRASES, ignore_case=True).score == 1.0


def test_hidden_phrases_are_counted_and_never_named(bench: Bench) -> None:
    score = bench.judge({"AGENTS.md": "commit often"}, **PHRASES, hidden=True)

    assert score.checks == {"phrase 1": False, "phrase 2": True}
    assert score.reason == "AGENTS.md lacks 1 of 2 required phrases"


def test_only_a_plain_file_holds_phrases(bench: Bench, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("run the tests commit often")
    folder = tmp_path / "linked"
    folder.mkdir()
    (folder / "AGENTS.md").symlink_to(secret)
    linked = bench.trees.snapshot(folder)
    task = bench.task(**PHRASES)

    of_link = bench.evaluator.evaluate(linked, [task]).runs[0].score
    reason = "AGENTS.md is not a plain file of at most 1000000 bytes"
    assert scored(of_link) == (TaskStatus.SCORED, 0.0, reason)
    assert scored(bench.judge({"AGENTS.md/x": "run the tests"}, **PHRASES))[1:] == (0.0, reason)
    assert scored(bench.judge({"README.md": "run the tests"}, **PHRASES))[1:] == (0.0, reason)
    assert scored(bench.judge({"AGENTS.md": b" " * 1_000_001}, **PHRASES))[1:] == (0.0, reason)


@pytest.mark.parametrize(
    ("script", "expected", "score", "reason"),
    [
        ("exit 0", 0, 1.0, ""),
        ("exit 3", 3, 1.0, ""),
        ("exit 1", 0, 0.0, "`bash run.sh` ended with 1, expected 0"),
        ("exit 0", 3, 0.0, "`bash run.sh` ended with 0, expected 3"),
        ("kill -9 $$", 137, 1.0, ""),
        ("exec no-such-program", 0, 0.0, "`bash run.sh` ended with 127, expected 0"),
    ],
    ids=["well", "as expected", "badly", "well but unexpected", "killed below bash", "no program"],
)
def test_a_command_scores_by_its_exit_code(
    bench: Bench, script: str, expected: int, score: float, reason: str
) -> None:
    found = bench.judge(
        {"run.sh": script}, type="command", command="bash run.sh; exit $?", expected_exit_code=expected
    )

    assert (found.score, found.reason.replace("; exit $?", "")) == (score, reason)
    assert found.sandbox == bench.places.sandbox.name


def test_a_command_sees_constant_names_and_a_clean_environment(bench: Bench) -> None:
    found = bench.judge({"a": ""}, type="command", command="pwd; env | sort | cut -d= -f1; exit 1")

    names = {"HOME", "HONING_SEED", "LANG", "PATH", "PWD", "PYTHONDONTWRITEBYTECODE", "SHLVL", "TMPDIR", "_"}
    lines = found.log.splitlines()
    assert lines[0] == "/workspace"
    assert set(lines[1:]) == names


def test_a_command_runs_in_its_folder_with_its_variables(bench: Bench) -> None:
    command = {"type": "command", "command": '[ "$NAME" = value ] && [ -f here ]', "env": {"NAME": "value"}}

    assert bench.judge({"sub/here": ""}, **command, workdir="sub").score == 1.0
    assert bench.judge({"other/here": ""}, **command, workdir="sub").score == 0.0


def test_the_log_is_the_end_of_what_was_printed_made_harmless(bench: Bench) -> None:
    script = "yes words | head -c 5000; printf '\\033[31mred\\033[0m\\n' >&2; exit 1"
    found = bench.judge({"run.sh": script}, type="command", command="bash run.sh")

    printed = ("words\n" * 1000)[:5000].rstrip() + "\nred"
    assert found.log == printed[-2000:]


def test_a_command_at_its_limit_is_a_timeout_and_its_daemons_are_dead(bench: Bench, tmp_path: Path) -> None:
    script = f"""\
        setsid bash -c 'trap "" TERM; while :; do sleep 0.2; : {tmp_path.name}-daemon; done' >/dev/null 2>&1 &
        sleep 600
    """
    found = bench.judge({"run.sh": script}, type="command", command="bash run.sh", timeout_s=1.5)

    assert (found.status, found.score) == (TaskStatus.TIMEOUT, 0.0)
    assert found.reason.startswith("`bash run.sh` did not end within ")
    assert running(f"{tmp_path.name}-daemon") == []


def running(word: str) -> list[str]:
    """Process ids of this machine in whose arguments the word stands."""
    found = []
    for entry in Path("/proc").iterdir():
        # A process may end while it is looked at.
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and word.encode() in (entry / "cmdline").read_bytes():
                found.append(entry.name)
    return found


def test_a_command_that_takes_longer_than_ten_seconds_is_not_failed_by_that(bench: Bench) -> None:
    limits = bench.task(type="command", command="true"), bench.evaluator.places.limits

    assert limits[0].identity()["timeout_s"] is None
    assert limits[1].wall_s == 120.0
    assert bench.judge({"a": ""}, type="command", command="sleep 1; exit 0").score == 1.0


@pytest.mark.parametrize(
    ("spec", "where"),
    [
        ({"type": "file_phrase", "path": "/etc/passwd", "required": ["x"]}, "path"),
        ({"type": "file_phrase", "path": "a", "required": []}, "required"),
        ({"type": "file_phrase", "path": "a", "required": ["x"], "weight": 0}, "weight"),
        ({"type": "file_phrase", "path": "a", "required": ["x"], "weight": float("inf")}, "weight"),
        ({"type": "command", "command": ""}, "command"),
        ({"type": "command", "command": "x", "expected_exit_code": 256}, "expected_exit_code"),
        ({"type": "command", "command": "x", "workdir": "../x"}, "workdir"),
        ({"type": "command", "command": "x", "timeout_s": 0}, "timeout_s"),
        ({"type": "command", "command": "x", "timeout": 3}, "timeout"),
        ({"type": "command", "command": "x", "cascade": "later"}, "cascade"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_spec_that_cannot_be_meant_is_refused(bench: Bench, spec: dict[str, object], where: str) -> None:
    with pytest.raises(ValidationError) as caught:
        bench.task(**spec)

    assert [error["loc"][-1] for error in caught.value.errors()] == [where]
