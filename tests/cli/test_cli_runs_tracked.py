"""`hone runs export` to a tracker, `--list`, and `--track`, which tells one at the end of a run."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hone_process import Hone

from honing.store import RunStatus, load_run
from made_runs import made_run


@pytest.fixture
def name(hone: Hone) -> str:
    return made_run(hone.runs, [1.0, 0.0, 1.0]).path.name


def test_an_export_says_how_much_it_wrote_and_where(hone: Hone, name: str) -> None:
    ended = hone("runs", "export", name, "--to", "csv", "--out", "tables")
    document = json.loads(hone("runs", "export", name, "--to", "csv", "--out", "more", "--json").out)

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.endswith(f"1 tables, 2 files to {hone.folder / 'tables'}\n")
    assert (document["form"], document["path"]) == ("csv", str(hone.folder / "more"))
    assert "metrics.csv" in document["files"]


def test_the_list_says_what_is_ready_and_which_extra_brings_what_is_not(hone: Hone) -> None:
    rows = {row["form"]: row for row in json.loads(hone("runs", "export", "--list", "--json").out)}

    assert list(rows)[:5] == ["mlflow", "wandb", "tensorboard", "csv", "parquet"]
    assert (rows["csv"]["ready"], rows["csv"]["needs"]) == (True, "")
    assert (rows["mlflow"]["needs"], rows["parquet"]["needs"]) == ("honing[tracking]", "honing[hf]")
    assert {"model", "harbor", "inspect", "verifiers", "hf-results"} < set(rows)


def test_a_dry_run_says_what_would_be_written(hone: Hone, name: str) -> None:
    ended = hone("runs", "export", name, "--to", "csv", "--out", "tables", "--dry-run")

    assert (ended.code, ended.out.startswith("would write 3 parameters, ")) == (0, True)
    assert not (hone.folder / "tables").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ((), 2, "Say which run, and --to what"),
        (("latest", "--to", "csv"), 2, "--to csv: where to? Give --out FOLDER."),
        (("latest", "--to", "mlflow"), 2, "set MLFLOW_TRACKING_URI"),
        (("latest", "--to", "model", "--out", "m"), 2, "holds no trained model"),
        (("latest", "--to", "csv", "--out", "taken"), 2, "holds files already"),
    ],
    ids=["nothing named", "no folder", "no server", "no model", "a folder with files"],
)
def test_an_export_that_cannot_be_made_says_why(
    hone: Hone, name: str, arguments: tuple[str, ...], code: int, says: str
) -> None:
    (hone.folder / "taken").mkdir()
    (hone.folder / "taken" / "notes.txt").write_text("mine")
    ended = hone("runs", "export", *arguments)

    assert (ended.code, ended.out) == (code, "")
    assert says in ended.err


def test_a_server_that_is_not_there_is_exit_code_6(hone: Hone, name: str) -> None:
    nowhere = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    ended = hone("runs", "export", name, "--to", "mlflow", environ=nowhere)

    assert (ended.code, ended.out) == (6, "")
    assert load_run(hone.runs / name).status is RunStatus.DONE


@pytest.fixture
def data(hone: Hone) -> str:
    """A data set of forty sums, each with a word that a command gives as the value of a variable."""
    (hone.folder / "data").mkdir()
    rows = [
        {"question": f"What is {i} + {i} in ultramarine-blue?", "answer": f"#### {2 * i}"} for i in range(40)
    ]
    (hone.folder / "data" / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(hone.folder / "data")


MEASURE = ("--llm", "scripted/perfect", "--json", "--no-progress")


def test_a_run_is_handed_on_when_it_has_ended(hone: Hone, data: str) -> None:
    ended = hone("--track", "csv", "measure", data, *MEASURE, "--env", "COLOUR=ultramarine-blue")

    (told,) = (hone.folder / "tracked" / "csv").iterdir()
    with (told / "metrics.csv").open(newline="") as stream:
        metrics = {row["name"]: row for row in csv.DictReader(stream)}
    measured = json.loads(ended.out)
    assert ended.code == 0
    assert float(metrics["score"]["value"]) == measured["score"] == 1.0
    assert [float(metrics["score"][end]) for end in ("low", "high")] == measured["ci95"]
    assert f"{told.name} was handed on: {told}" in ended.err
    assert [p for p in told.rglob("*") if p.is_file() and b"ultramarine-blue" in p.read_bytes()] == []


def test_a_tracker_that_fails_is_a_warning_and_the_run_counts(hone: Hone, data: str) -> None:
    (hone.folder / "tracked").write_text("a file where a folder should be")
    ended = hone("measure", data, *MEASURE, environ={"HONING_TRACK": "csv"})

    (run,) = [path for path in hone.runs.iterdir() if (path / "run.json").is_file()]
    assert (ended.code, json.loads(ended.out)["score"]) == (0, 1.0)
    assert f"warning: {run.name} was not handed on: --out" in ended.err
    assert f"`hone runs export {run.name}` does so later." in ended.err
    assert load_run(run).status is RunStatus.DONE


def test_a_tracker_that_there_is_not_is_refused_before_anything_runs(hone: Hone, data: str) -> None:
    ended = hone("--track", "nowhere", "measure", data, *MEASURE)

    assert (ended.code, ended.out, hone.runs.exists()) == (2, "", False)
    assert "--track 'nowhere': no such tracker. There are mlflow, wandb" in ended.err


def test_commands_that_make_no_run_tell_nobody(hone: Hone, name: str) -> None:
    ended = hone("--track", "csv", "runs", "list", "--tsv")

    assert (ended.code, ended.err, Path(hone.folder, "tracked").exists()) == (0, "", False)
