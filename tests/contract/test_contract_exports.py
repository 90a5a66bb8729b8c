"""A finished measurement in other people's forms, read back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from made_tables import capitals, completions, sums

from honing.contract import Form, Mode, RolloutOptions, SetupOptions, export_run, setup
from honing.contract.data.dataset import derive
from honing.contract.data.task import DatasetTask
from honing.contract.exports.base import Rows
from honing.contract.exports.harbor import write_harbor
from honing.contract.exports.writing import toml_text
from honing.contract.readers import Foreign, read_foreign
from honing.contract.results.measured import read_measured
from honing.errors import UsageError
from honing.store import Run, load_run
from made_runs import made_run

KEPT = ("run_id", "contract_hash", "level", "label", "metric", "n_scored", "n_planned")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Twelve sums, asked of a model that is right sometimes."""
    return measure(tmp_path_factory.mktemp("measured"), sums(12), "scripted/skilled-0.6")


def measure(folder: Path, rows: list[dict[str, object]], llm: str) -> Run:
    (folder / "sums").mkdir(parents=True)
    (folder / "sums" / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with setup(folder / "sums", SetupOptions(home=folder / "runs")) as session:
        session.rollout(llm, RolloutOptions(mode=Mode.FULL))
        session.evaluate()
    return load_run(session.run.path)


def judge(task: Path, answer: str, logs: Path) -> float:
    """The reward that an exported task's own tests give an answer."""
    (logs.parent / "answer.txt").write_text(answer)
    subprocess.run(
        ["bash", task / "tests" / "test.sh", logs.parent / "answer.txt", logs],
        check=True,
        env={"PATH": f"{Path(sys.executable).parent}:{os.defpath}"},
        cwd="/",
    )
    return float((logs / "reward.txt").read_text())


def gold_in(task: Path) -> str:
    """What the solution of an exported task writes."""
    lines = (task / "solution" / "solve.sh").read_text().splitlines()
    return "\n".join(lines[2:-1])


def test_every_row_is_a_task_that_judges_as_the_run_did(measured: Run, tmp_path: Path) -> None:
    exported = export_run(measured, Form.HARBOR, tmp_path / "tasks")
    names = json.loads((tmp_path / "tasks" / "honing.json").read_text())["rows"]
    rewards = {sample.id: sample for sample in read_measured(measured).samples}
    tasks = [tmp_path / "tasks" / name for name in names][:4]

    assert len(names) == 12
    assert "honing.json" in exported.files
    assert [judge(task, rewards[task.name].completion, tmp_path / task.name) for task in tasks] == [
        rewards[task.name].reward for task in tasks
    ]
    assert [judge(task, gold_in(task), tmp_path / f"gold-{task.name}") for task in tasks[:2]] == [1.0, 1.0]
    assert judge(tasks[0], "", tmp_path / "null") == 0.0


def test_the_tasks_carry_what_was_measured(measured: Run, tmp_path: Path) -> None:
    export_run(measured, Form.HARBOR, tmp_path / "tasks")
    (first, *_) = sorted((tmp_path / "tasks").glob("*/task.toml"))
    settings = tomllib.loads(first.read_text())
    metrics = read_measured(measured).metrics

    assert (settings["schema_version"], settings["task"]["name"]) == ("1.4", f"sums/{first.parent.name}")
    found = settings["metadata"]["honing"]
    assert {name: found[name] for name in KEPT} == {name: metrics[name] for name in KEPT}
    assert (found["score"], found["ci95"]) == (metrics["score"], metrics["ci95"])
    assert (found["target"], found["row"]) == ("sums", first.parent.name)
    assert "/app/answer.txt" in (first.parent / "instruction.md").read_text()


def test_our_own_reader_takes_the_tasks_back(measured: Run, tmp_path: Path) -> None:
    export_run(measured, Form.HARBOR, tmp_path / "tasks")
    found = read_foreign(tmp_path / "tasks")

    assert isinstance(found, Foreign)
    assert found.spec.oracle is not None
    assert len(json.loads(found.spec.stages.evaluate.env["HONING_TASKS"].replace("$$", "$"))) == 12


def tasks_of(folder: Path, rows: list[dict[str, object]]) -> tuple[DatasetTask, dict[str, Path]]:
    """A derived task, and the folder of each of its rows, exported without a measurement."""
    (folder / "data").mkdir()
    (folder / "data" / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = derive(folder / "data")
    assert isinstance(task, DatasetTask)
    made = read_measured(made_run(folder / "runs", [1.0]))
    write_harbor(made, Rows(task=task, rows=tuple(task.rows()[:3])), folder / "tasks")
    names = json.loads((folder / "tasks" / "honing.json").read_text())["rows"]
    return task, {row_id: folder / "tasks" / name for name, row_id in names.items()}


def test_choices_are_judged_elsewhere_as_here(tmp_path: Path) -> None:
    task, folders = tasks_of(
        tmp_path, [{**row, "answer": row["choices"][row["right"]]} for row in capitals()]
    )
    scorer, rows = task.make_scorer(), {row.id: row for row in task.rows()}
    answers = [f"The answer is ({letter})." for letter in "ABCD"]
    here = [[scorer.score(rows[one], answer).reward for answer in answers] for one in folders]
    there = [[judge(folders[one], answer, tmp_path / one) for answer in answers] for one in folders]

    assert [sorted(rewards) for rewards in here] == [[0.0, 0.0, 0.0, 1.0]] * 3
    assert there == here


def test_programs_are_judged_elsewhere_as_here(tmp_path: Path) -> None:
    _, folders = tasks_of(tmp_path, completions())
    task = next(iter(folders.values()))
    right = gold_in(task)
    forged = right.replace("return", "import os; os._exit(0)\n    return", 1)

    assert judge(task, right, tmp_path / "right") == 1.0
    assert judge(task, right.replace("return", "return 1 +", 1), tmp_path / "wrong") == 0.0
    assert judge(task, forged, tmp_path / "forged") == 0.0


def test_the_log_is_the_same_as_a_document_and_as_an_archive(measured: Run, tmp_path: Path) -> None:
    exported = export_run(measured, Form.INSPECT, tmp_path / "logs")
    log = json.loads((tmp_path / "logs" / "sums.json").read_text())
    with zipfile.ZipFile(tmp_path / "logs" / "sums.eval") as archive:
        members = {name: json.loads(archive.read(name)) for name in archive.namelist()}
        methods = {one.compress_type for one in archive.infolist()}
    metrics = read_measured(measured).metrics

    assert exported.files == ("sums.json", "sums.eval")
    assert methods == {zipfile.ZIP_DEFLATED}
    assert members["header.json"] == {name: value for name, value in log.items() if name != "samples"}
    assert members["_journal/start.json"] == {name: log[name] for name in ("version", "eval", "plan")}
    assert [members[f"samples/{one['id']}_epoch_1.json"] for one in log["samples"]] == log["samples"]
    assert [one["id"] for one in members["summaries.json"]] == [one["id"] for one in log["samples"]]
    score = log["results"]["scores"][0]["metrics"]["accuracy"]
    assert (log["status"], score["value"]) == ("success", metrics["score"])
    assert [score["metadata"]["ci95_low"], score["metadata"]["ci95_high"]] == metrics["ci95"]
    assert log["eval"]["metadata"]["honing"]["contract_hash"] == metrics["contract_hash"]


def test_the_same_run_gives_the_same_archive(measured: Run, tmp_path: Path) -> None:
    for name in ("a", "b"):
        export_run(measured, Form.INSPECT, tmp_path / name)

    assert (tmp_path / "a" / "sums.eval").read_bytes() == (tmp_path / "b" / "sums.eval").read_bytes()


def test_a_sample_lost_to_infrastructure_is_an_error_there_and_no_zero(tmp_path: Path) -> None:
    export_run(made_run(tmp_path / "runs", [1.0, None, 0.0]), Form.INSPECT, tmp_path / "logs")
    log = json.loads((tmp_path / "logs" / "made.json").read_text())

    assert [list(one["scores"].values()) and one["scores"]["numeric"]["value"] for one in log["samples"]] == [
        1.0,
        [],
        0.0,
    ]
    assert log["samples"][1]["error"]["message"] == "the server failed"
    assert (log["results"]["total_samples"], log["results"]["completed_samples"]) == (3, 2)
    assert log["results"]["scores"][0]["unscored_samples"] == 1


def test_an_uncalibrated_score_has_another_name(tmp_path: Path) -> None:
    run = made_run(tmp_path / "runs", [1.0, 0.0], label="uncalibrated", level="L4", reason="accepted")
    export_run(run, Form.INSPECT, tmp_path / "logs")
    log = json.loads((tmp_path / "logs" / "made.json").read_text())

    assert list(log["results"]["scores"][0]["metrics"]) == ["accuracy (uncalibrated)"]
    facts = log["eval"]["metadata"]["honing"]
    assert "score" not in facts
    assert (facts["uncalibrated_score"], facts["label"], facts["level"]) == (0.5, "uncalibrated", "L4")
    with pytest.raises(UsageError, match=r"uncalibrated: accepted.*may not be shown as one"):
        export_run(run, Form.HF_RESULTS, tmp_path / "hub", dataset="me/sums")


def test_a_withheld_score_is_no_score_there(tmp_path: Path) -> None:
    why = {
        "ok": False,
        "score": None,
        "ci95": None,
        "label": "unverified",
        "level": "L3",
        "reason": "no gold",
    }
    export_run(made_run(tmp_path / "runs", [1.0, 0.0], **why), Form.INSPECT, tmp_path / "logs")
    log = json.loads((tmp_path / "logs" / "made.json").read_text())

    assert (log["status"], log["error"]["message"], log["results"]["scores"]) == ("error", "no gold", [])


def test_the_hubs_results_name_data_set_run_and_interval(tmp_path: Path) -> None:
    run = made_run(tmp_path / "runs", [1.0, 0.0])
    export_run(run, Form.HF_RESULTS, tmp_path / "hub", dataset="me/sums#hard")
    (entry,) = yaml.safe_load((tmp_path / "hub" / ".eval_results" / "sums.yaml").read_text())

    assert entry["dataset"] == {"id": "me/sums", "task_id": "hard"}
    assert (entry["value"], entry["date"]) == (0.5, "2026-11-21T10:00:00+00:00")
    digest = read_measured(run).metrics["contract_hash"]
    assert entry["notes"] == (
        "accuracy over 2 of 2 samples, 95% interval 0.2000 to 0.8000 (wilson); calibrated, level L5; "
        f"run {run.id}, contract {digest}"
    )


def test_the_hubs_results_need_a_data_set(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--dataset: which data set"):
        export_run(made_run(tmp_path / "runs", [1.0]), Form.HF_RESULTS, tmp_path / "hub")


def test_the_package_holds_rows_scorer_and_facts(measured: Run, tmp_path: Path) -> None:
    export_run(measured, Form.VERIFIERS, tmp_path / "package")
    project = tomllib.loads((tmp_path / "package" / "pyproject.toml").read_text())
    rows = (tmp_path / "package" / "honing_sums" / "rows.jsonl").read_text().splitlines()
    program = (
        "import json, sys; sys.path.insert(0, '.'); sys.modules['verifiers'] = None\n"
        "from importlib.util import module_from_spec, spec_from_file_location\n"
        "import types; sys.modules['honing_sums'] = types.ModuleType('honing_sums')\n"
        "sys.modules['honing_sums'].__path__ = ['honing_sums']\n"
        "from honing_sums.judging import judge\n"
        "row = json.loads(open('honing_sums/rows.jsonl').readline())['row']\n"
        "print([judge(row, {}, text)['reward'] for text in (row['golds'][0], 'no')])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program],
        cwd=tmp_path / "package",
        capture_output=True,
        text=True,
        check=True,
    )

    assert project["project"]["name"] == "honing-sums"
    assert project["tool"]["honing"]["label"] == "calibrated"
    assert len(rows) == 12
    assert done.stdout.strip() == "[1.0, 0.0]"


def test_an_export_never_mixes_with_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "mine.txt").write_text("mine")

    with pytest.raises(UsageError, match="holds files already"):
        export_run(made_run(tmp_path / "runs", [1.0]), Form.INSPECT, tmp_path / "logs")
    assert [path.name for path in (tmp_path / "logs").iterdir()] == ["mine.txt"]


def test_a_model_that_was_not_measured_is_named_with_those_that_were(tmp_path: Path) -> None:
    run = made_run(tmp_path / "runs", [1.0])

    with pytest.raises(UsageError, match="did not measure 'other'; it measured made/model"):
        export_run(run, Form.INSPECT, tmp_path / "logs", model="other")


def test_written_toml_reads_as_what_was_written() -> None:
    document = {
        "text": 'quotes " and \\ and\nlines \u00e9 \U0001f600 \x7f',
        "empty": {},
        "a b": {"list": [1, 2.5, "x"], "deeper": {"flag": True}},
    }

    assert tomllib.loads(toml_text(document)) == document
