"""A measurement that stops says so in metrics.json, with the level reached and what would close it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from honing.contract import GapError, RolloutOptions, SetupOptions, examine, forecast, intent_of, setup
from honing.contract.results.unmeasured import REASON_CHARACTERS, shortened, unmeasured
from honing.errors import (
    BudgetExhaustedError,
    CalibrationError,
    ContractError,
    HoningError,
    MetricsError,
    StageError,
    TargetError,
    UsageError,
)
from honing.llm import Sampling

Write = Callable[..., Path]

_UNBUILDABLE = "environment: {python: '3.11', install: ['a-package-that-nobody-has-published==0.0.1']}\n"
_NO_ORACLE = """\
schema: 1
metric: {name: accuracy, discover: true}
stages:
  rollout: {commands: [python3 ask.py]}
  evaluate: {commands: [python3 grade.py]}
"""


def target(tmp_path: Path, text: str) -> Path:
    """A target with a contract of its own and no data."""
    folder = tmp_path / "target"
    (folder / ".honing").mkdir(parents=True)
    (folder / ".honing" / "contract.yaml").write_text(text)
    (folder / "ask.py").write_text("print('asked')\n")
    (folder / "grade.py").write_text("print('accuracy: 0.5')\n")
    return folder


def stopped(folder: Path, home: Path, error: type[HoningError], **more: Any) -> dict[str, Any]:
    """metrics.json of the one run that stopped with an error."""
    with pytest.raises(error), setup(folder, SetupOptions(home=home), **more) as session:
        session.rollout("scripted/perfect")
    (path,) = home.glob("*/metrics.json")
    found = json.loads(path.read_text())
    assert isinstance(found, dict)
    return found


def gap(home: Path) -> dict[str, Any]:
    (path,) = home.glob("*/contract_gap.json")
    found = json.loads(path.read_text())
    assert isinstance(found, dict)
    return found


def test_without_a_contract_the_run_says_its_level_and_what_closes_it(tmp_path: Path) -> None:
    folder, home = tmp_path / "empty", tmp_path / "runs"
    folder.mkdir()
    (folder / "notes.txt").write_text("nothing to run here\n")

    found = stopped(folder, home, GapError)

    assert (found["ok"], found["score"], found["level"], found["label"]) == (False, None, "L0", "unmeasured")
    assert (found["failure"]["kind"], found["failure"]["stage"]) == ("no_contract", "contract")
    assert found["failure"]["next_step"] == gap(home)["closes"]


def test_the_keys_are_those_of_a_measurement_that_ended(write_data: Write, tmp_path: Path) -> None:
    home = tmp_path / "runs"
    with setup(write_data(12), SetupOptions(home=home)) as session:
        session.rollout("scripted/perfect")
        measured = session.evaluate().metrics
    written = unmeasured(StageError("it failed"), session.run)

    assert set(measured) - set(written) == set()
    assert set(written) - set(measured) == {"target"}
    assert written["level"] == "L5"


def test_a_number_that_nothing_can_show_stops_before_anything_is_installed(tmp_path: Path) -> None:
    home = tmp_path / "runs"

    found = stopped(target(tmp_path, _NO_ORACLE + _UNBUILDABLE), home, CalibrationError)

    assert (found["level"], found["failure"]["kind"], found["failure"]["stage"]) == (
        "L2",
        "calibration",
        "metric",
    )
    assert gap(home)["reason"] == "no_right_answers"
    assert "--oracle FILE" in found["reason"]


def test_options_that_the_targets_commands_ignore_stop_before_anything_is_installed(tmp_path: Path) -> None:
    folder = target(tmp_path, _NO_ORACLE.replace(", discover: true", ", path: score") + _UNBUILDABLE)
    asked = RolloutOptions(sampling=Sampling(temperature=0.5), epochs=2)
    one = intent_of("scripted/perfect", asked)

    with pytest.raises(UsageError, match="--temperature, --epochs: this target asks"):
        setup(folder, SetupOptions(home=tmp_path / "runs"), intent={"models": [one, one]})


def test_an_environment_that_cannot_be_built_is_no_level_reached(tmp_path: Path) -> None:
    text = _NO_ORACLE.replace(", discover: true", "") + _UNBUILDABLE

    found = stopped(target(tmp_path, text), tmp_path / "runs", StageError)

    assert found["level"] == "L0"
    assert found["failure"]["kind"] in ("install", "needs_network", "other")


def test_a_grader_that_fails_under_right_answers_is_told_with_its_stage(tmp_path: Path) -> None:
    folder = target(tmp_path, _NO_ORACLE + "oracle: {file: oracle.jsonl}\n")
    (folder / "oracle.jsonl").write_text('{"match": "2 + 2", "completion": "4"}\n')
    (folder / "grade.py").write_text("raise SystemExit('no such format')\n")
    home = tmp_path / "runs"

    found = stopped(folder, home, MetricsError)

    assert found["level"] == "L2"
    assert found["failure"]["stage"] in ("rollout", "evaluate")
    assert gap(home)["found"].startswith("the metric could not be found: under right answers")


def test_holes_are_told_with_how_to_fill_them(tmp_path: Path) -> None:
    holes = "".join(f"  - {{name: h{i}, kind: text, text: '<{i}>'}}\n" for i in range(7))
    words = " ".join(f"{{{{h{i}}}}}" for i in range(7))
    text = _NO_ORACLE.replace("python3 ask.py", f"'python3 ask.py {words}'") + f"holes:\n{holes}"
    home = tmp_path / "runs"

    found = stopped(target(tmp_path, text), home, ContractError)

    assert (found["level"], found["failure"]["kind"]) == ("L2", "holes")
    assert found["failure"]["next_step"] == "fill them with --set name=value"
    assert "and 2 more" in found["reason"]
    assert len(gap(home)["tried"]) == 7


def test_a_target_that_is_not_there_has_reached_no_level() -> None:
    found = unmeasured(TargetError("no such folder"), target="gone")

    assert (found["target"], found["level"], found["run_id"]) == ("gone", None, None)
    assert (found["failure"]["kind"], found["failure"]["stage"]) == ("target", "target")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BudgetExhaustedError("spent"), "budget"),
        (KeyboardInterrupt(), "stopped"),
        (ZeroDivisionError("1 / 0"), "defect"),
        (StageError("it failed"), "other"),
    ],
)
def test_every_ending_has_a_kind(error: BaseException, kind: str) -> None:
    assert unmeasured(error)["failure"]["kind"] == kind


def test_a_long_message_keeps_its_beginning_and_its_end() -> None:
    short = shortened("begin" + "x" * 9000 + "end")

    assert len(short) <= REASON_CHARACTERS
    assert (short[:5], short[-3:]) == ("begin", "end")
    assert shortened("as it is") == "as it is"


def test_no_message_names_a_scratch_copy(tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    (folder / "notes.txt").write_text("nothing to run here\n")
    seen = examine(str(folder))
    with pytest.raises(GapError) as dry:
        forecast(folder, SetupOptions(home=tmp_path / "runs"), "scripted/perfect", RolloutOptions())

    for text in (seen.reason, json.dumps(seen.gap), str(dry.value), json.dumps(dry.value.document)):
        assert str(folder) in text
        assert "honing-" not in text


def test_a_gap_with_many_candidates_stays_readable_and_its_record_is_whole(tmp_path: Path) -> None:
    folder, home = tmp_path / "many", tmp_path / "runs"
    folder.mkdir()
    for number in range(30):
        rows = [{"question": f"{i} + {number}?", "answer": str(i + number)} for i in range(12)]
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"a-rather-long-name-of-one-table-{number}.jsonl").write_text(lines)

    found = stopped(folder, home, GapError)

    assert len(found["reason"]) <= REASON_CHARACTERS
    assert found["reason"].index("\nNext: ") < found["reason"].index("\nCandidates: ")
    assert "and 25 more." in found["reason"]
    assert len(gap(home)["candidates"]) == 30
