"""Faults of results: the number that is read was not made by this measurement, or is none."""

from __future__ import annotations

from pathlib import Path

from case import Case
from pieces import contract, uncalibrated

OLD = '{"score": 0.93}\n'


def evaluated(name: str, what: str, said: str, command: str, **other: object) -> Case:
    """A target whose evaluate stage is this shell text."""
    return Case(name=name, what=what, said=said, contract=contract(evaluate={"commands": [command]}), **other)


def _link(folder: Path) -> None:
    (folder / "old.json").write_text(OLD)
    (folder / "metrics.json").symlink_to("old.json")


NOT_WRITTEN = r"metrics\.json' was not written"

FAULTS = [
    evaluated(
        "exit_code_only", "nothing is written; the command ends well", NOT_WRITTEN, "echo evaluation done"
    ),
    evaluated(
        "stale_result",
        "the result of an earlier run lies there, and nothing is written",
        NOT_WRITTEN,
        "true",
        files={"metrics.json": OLD},
    ),
    evaluated(
        "result_of_another_run",
        "an archived result is copied where the result belongs",
        uncalibrated(r"(oracle: scored 0\.93|null: scored 0\.93)"),
        "cp -p results/old/metrics.json metrics.json; touch metrics.json",
        files={"results/old/metrics.json": OLD},
    ),
    evaluated(
        "result_of_1970",
        "the result is dated 1970",
        "a stale result",
        "python3 grade.py; touch -d 1970-01-01 metrics.json",
    ),
    evaluated(
        "result_of_the_future",
        "an archived result that is dated 2100",
        uncalibrated(r"oracle: scored 0\.93"),
        "cp results/old/metrics.json metrics.json; touch -d 2100-01-01 metrics.json",
        files={"results/old/metrics.json": OLD},
    ),
    evaluated(
        "result_is_a_link",
        "the result is a symbolic link",
        "found a symbolic link",
        "python3 grade.py; mv metrics.json m.json; ln -s m.json metrics.json",
    ),
    evaluated(
        "result_was_a_link",
        "the target brings a link where the result belongs",
        NOT_WRITTEN,
        "true",
        prepare=_link,
    ),
    evaluated("result_is_a_fifo", "the result is a FIFO", "found a FIFO", "mkfifo metrics.json"),
    evaluated(
        "result_is_a_folder",
        "the result is a folder",
        r"metrics\.json.*(folder|directory)",
        "mkdir metrics.json",
    ),
    evaluated(
        "result_is_a_device",
        "the result is a link to a device",
        "found a symbolic link",
        "ln -s /dev/zero metrics.json",
    ),
    evaluated(
        "result_is_endless",
        "the result is larger than any result",
        r"metrics\.json.*(large|bytes|MB|MiB)",
        "truncate -s 3G metrics.json",
    ),
    evaluated("result_is_empty", "the result is an empty file", r"metrics\.json", ": > metrics.json"),
    evaluated("score_is_nan", "the score is NaN", "contains NaN", "echo '{\"score\": NaN}' > metrics.json"),
    evaluated(
        "score_is_infinite",
        "the score is Infinity",
        "contains Infinity",
        "echo '{\"score\": Infinity}' > metrics.json",
    ),
    evaluated(
        "score_is_1e999", "the score is 1e999", "contains 1e999", "echo '{\"score\": 1e999}' > metrics.json"
    ),
    evaluated(
        "score_is_text",
        "the score is a text",
        "must be a number, got '1.0'",
        'echo \'{"score": "1.0"}\' > metrics.json',
    ),
    evaluated(
        "score_is_true",
        "the score is true",
        "must be a number, got True",
        "echo '{\"score\": true}' > metrics.json",
    ),
    evaluated(
        "score_twice",
        "the score stands there twice",
        "'score' twice",
        'echo \'{"score": 0, "score": 1}\' > metrics.json',
    ),
    evaluated(
        "says_it_does_not_hold",
        "the target itself says ok: false",
        "says that its result does not hold",
        'echo \'{"score": 1, "ok": false}\' > metrics.json',
    ),
    evaluated(
        "other_key",
        "the declared key is the accuracy of training",
        uncalibrated(r"null: scored 0\.99"),
        'echo \'{"score": 0.99, "test": 0.1}\' > metrics.json',
    ),
    evaluated(
        "grader_fails",
        "the grader ends with 3 after it wrote a score",
        "exited with 3",
        "python3 grade.py; exit 3",
    ),
    evaluated(
        "grader_hangs",
        "the grader waits for somebody at the keyboard",
        r"(EOF|did not end|exited with)",
        "read -p 'continue? ' x && python3 grade.py",
    ),
]
