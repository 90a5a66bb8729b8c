"""`hone measure` on many targets and with several models, and the names that earlier tools had."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hone_process import Hone

from honing.cli.measure_words import listed, number, oracle_of, targets_of, whole
from honing.contract import translated
from honing.errors import UsageError
from honing.store import list_runs


@pytest.fixture
def data(hone: Hone) -> list[str]:
    """Two data sets of eight sums, as the user names them."""
    for name in ("data", "more"):
        folder = hone.folder / name
        folder.mkdir()
        rows = [{"question": f"What is {i} + {i}?", "answer": f"#### {2 * i}"} for i in range(8)]
        (folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return ["data", "more"]


def document(text: str) -> dict[str, Any]:
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


def test_the_seeds_command_measures_every_target_and_sums_up(hone: Hone, data: list[str]) -> None:
    done = hone.in_a_process(
        "-q", "measure", "--targets", "data,gone,more", "--llm", "scripted/perfect", "--eval-mode", "full",
        "--require-samples", "--env", "AIDER_FSM_MAX_CMD_SECONDS=14400", "--json",
    )  # fmt: skip

    found = document(done.out)
    shown = [
        (
            one["target"],
            one["rollout_ok"],
            one["evaluation_ok"],
            one["metrics"]["ok"],
            one["metrics"]["score"],
        )
        for one in found["targets"]
    ]
    assert (done.code, found["ok"]) == (1, False)
    assert shown == [
        ("data", True, True, True, 1.0),
        ("gone", False, False, False, None),
        ("more", True, True, True, 1.0),
    ]
    first, missing, _ = found["targets"]
    assert (first["metrics"]["level"], first["metrics"]["ci95"][1]) == ("L5", 1.0)
    assert first["used_anchors"]
    assert "no such folder" in missing["reason"]
    assert json.loads((Path(found["suite"]) / "targets.json").read_text())["targets"] == found["targets"]


def test_the_same_command_redoes_only_what_failed(hone: Hone, data: list[str]) -> None:
    command = ("-q", "measure", "data", "--targets", "late,more", "--llm", "scripted/perfect", "--json")
    first = document(hone.in_a_process(*command).out)
    (hone.folder / "more").rename(hone.folder / "kept")
    (hone.folder / "kept").rename(hone.folder / "more")
    (hone.folder / "late").mkdir()
    (hone.folder / "late" / "test.jsonl").write_bytes((hone.folder / "data" / "test.jsonl").read_bytes())
    done = hone.in_a_process(*command)

    second = document(done.out)
    assert (done.code, second["ok"], second["suite"]) == (0, True, first["suite"])
    runs = [one["run"] for one in second["targets"]]
    assert (runs[0], runs[2]) == (first["targets"][0]["run"], first["targets"][2]["run"])
    assert len(list_runs(hone.runs, kind="measure")) == 3


def test_several_models_stand_in_one_table_with_their_differences(hone: Hone, data: list[str]) -> None:
    done = hone.in_a_process(
        "-q", "measure", "data", "--llm", "scripted/perfect,scripted/empty", "--mode", "full"
    )

    lines = [line.split() for line in done.out.splitlines()]
    assert done.code == 0
    assert ["scripted/perfect", "1.000"] in [words[:2] for words in lines]
    assert ["scripted/empty", "scripted/perfect", "-1.000"] in [words[:3] for words in lines]
    assert "8 of 8 answers lack the line that prompts ask them to end with" in done.out


def test_several_models_as_one_document(hone: Hone, data: list[str]) -> None:
    models = ("--llm", "scripted/perfect", "--llm", "scripted/empty")
    found = document(hone.in_a_process("-q", "measure", "data", *models, "--json").out)

    assert [(one["model"], one["score"]) for one in found["models"]] == [
        ("scripted/perfect", 1.0),
        ("scripted/empty", 0.0),
    ]
    assert [(one["difference"], one["pairs"]) for one in found["differences"]] == [(-1.0, 8)]


def test_a_table_of_targets_says_why_one_is_not_ok(hone: Hone, data: list[str]) -> None:
    (hone.folder / "list.txt").write_text("# two of them\ndata\n\ngone\n")
    done = hone.in_a_process("-q", "measure", "--targets-file", "list.txt", "--llm", "scripted/perfect")

    assert done.code == 1
    assert "gone: not ok" in done.out
    assert "targets.json" in done.out


def test_the_users_columns_and_oracle_are_read(hone: Hone, data: list[str]) -> None:
    answers = [{"question": f"What is {i} + {i}?", "deep": {"text": f"#### {2 * i}"}} for i in range(8)]
    (hone.folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in answers))
    (hone.folder / "mine.py").write_text(
        "def right(prompt):\n    return '#### ' + str(2 * int(prompt.split()[2]))\n"
    )
    column = ("--samples", "a.jsonl", "--samples-column", "completion=deep.text")
    judged = hone.in_a_process("-q", "measure", "data", *column, "--mode", "full", "--json")
    with_oracle = hone.in_a_process(
        "-q", "measure", "data", "--llm", "scripted/perfect", "--oracle", "mine:right", "--json"
    )

    assert (judged.code, document(judged.out)["score"]) == (0, 1.0)
    assert document(with_oracle.out)["calibration"]["oracle_source"] == "policy"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "no target is named"),
        (("data", "data"), "named twice"),
        (("data", "--llm", "scripted/empty,scripted/empty"), "--llm names a model twice"),
        (("data", "--env", "AIDER_FSM_MAX_CMD_SECONDS=soon"), "max-cmd-seconds needs a number, got 'soon'"),
        (("data", "--set", "x"), "--set takes NAME=VALUE"),
        (("data", "--oracle", "gone.jsonl"), "no such file, and not of the form module:callable"),
        (("data", "--oracle", "nowhere:f"), "cannot import 'nowhere'"),
        (("data", "--samples-column", "gold=x"), "--samples-column takes ROLE=NAME"),
        (("data", "--llm", "scripted/best"), "scripted models are"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value) or "nothing",
)
def test_a_misuse_is_named_and_leaves_no_run(
    hone: Hone, data: list[str], arguments: tuple[str, ...], said: str
) -> None:
    model = () if "--llm" in arguments else ("--llm", "scripted/empty")
    done = hone.in_a_process("-q", "measure", *arguments, *model)

    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert not hone.runs.exists() or list_runs(hone.runs) == []


def test_variables_of_earlier_tools_are_taken_for_options_and_others_pass() -> None:
    found = translated({"AIDER_EVAL_MODE": "full", "AIDER_FSM_STAGE": "x", "COLOUR": "red"})

    assert found.options == {"mode": "full"}
    assert found.env == {"AIDER_FSM_STAGE": "x", "COLOUR": "red"}
    assert found.unknown == ("AIDER_FSM_STAGE",)


def test_an_option_that_is_given_counts_before_a_variable() -> None:
    said = translated({"AIDER_FSM_MAX_CMD_SECONDS": "7", "AIDER_EVAL_LIMIT": "3"})

    assert number(said, "max_cmd_seconds", 9.0) == 9.0
    assert number(said, "max_cmd_seconds", None) == 7.0
    assert whole(said, "limit", None) == 3
    assert number(said, "max_total_seconds", None) is None


def test_lists_and_files_of_targets_are_read_in_order(tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_text("d\n# no\n e \n")

    assert targets_of(["a"], ["b, c"], file) == ["a", "b", "c", "d", "e"]
    assert listed(["x,,y", " z"]) == ["x", "y", "z"]
    with pytest.raises(UsageError, match="cannot be read"):
        targets_of([], [], tmp_path / "gone")


def test_a_file_of_right_answers_is_found_before_a_module(tmp_path: Path) -> None:
    (tmp_path / "a:b").write_text("{}")

    assert oracle_of("a:b", tmp_path) == tmp_path / "a:b"
