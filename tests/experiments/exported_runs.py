"""Runs to hand on, with a number, a curve, a table and a file of each sort; readers of what trackers keep."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from honing.store import (
    Badge,
    CellKind,
    Column,
    Dots,
    Estimate,
    Headline,
    Interval,
    Lineage,
    Lines,
    Node,
    Point,
    Report,
    Run,
    Section,
    Series,
    Table,
)

KINDS = ("measure", "suite", "harness", "teach", "improve", "sweep", "matrix", "experiment")
METRICS: Mapping[str, Any] = {
    "ok": True, "score": 0.5, "ci95": [0.25, 0.75], "coverage": 1.0, "n_scored": 8, "contract_hash": "c" * 64,
    "tokens": {"input": 90, "output": 40}, "level": "L5", "label": "calibrated",
}  # fmt: skip
NUMBERS = {
    "score": 0.5, "score/low": 0.25, "score/high": 0.75, "coverage": 1.0, "n_scored": 8.0,
    "tokens/input": 90.0, "tokens/output": 40.0,
    "training/runs/Q1_demo/final_loss": 0.25, "training/runs/Q1_demo/gain/estimate": 0.125,
    "training/runs/Q1_demo/gain/estimate/low": -0.5, "training/runs/Q1_demo/gain/estimate/high": 0.5,
    "report/score_on_the_panel": 0.5, "report/score_on_the_panel/low": 0.25,
    "report/score_on_the_panel/high": 0.75,
    "report/gains/weights": 0.0625, "report/gains/weights/low": -0.25, "report/gains/weights/high": 0.375,
}  # fmt: skip
"""What `exported_run` hands on."""
CURVES = {
    "training/runs/Q1_demo/losses": [(1.0, 1.0), (2.0, 0.5), (3.0, 0.25)],
    "loss/train": [(10.0, 2.0), (20.0, 1.0)],
    "candidates/search": [(0.0, 0.25), (2.0, 0.5)],
}


def exported_run(home: Path, *, kind: str = "teach", **config: Any) -> Run:
    """A finished run of a kind; `config` is added to its own."""
    own = {"model": "made/model", "options": {"seed": 3, "rates": [0.5, 1.5]}, **config}
    run = Run.create(home, kind=kind, config=own, command=["hone", kind, "x"], seed=3, name=f"{kind}-run")
    with run.supervise():
        run.write_json("metrics.json", METRICS)
        training = {
            "run_id": "Q1_demo",
            "final_loss": 0.25,
            "losses": [1.0, 0.5, 0.25],
            "gain": {"estimate": 0.125, "low": -0.5, "high": 0.5},
        }
        run.write_json("training.json", {"runs": [training], "note": "words"})
        run.write_tsv("rows.tsv", ["id", "reward", "note"], [{"id": "r1", "reward": 1, "note": "=1+1"}])
        run.write_text("logs/secret.log", "not handed on")
        _report().write(run.artifact("report.json"))
    return run


def _report() -> Report:
    interval = Interval(0.5, 0.25, 0.75)
    table = Table.of(
        (Column(key="who", title="Who"), Column(key="score", title="S", kind=CellKind.INTERVAL)),
        ({"who": Badge("base"), "score": interval}, {"who": "after", "score": None}),
        caption="Scores of all",
    )
    nodes = (
        Node(id="a", position=0, value=0.25, group="search", kind="baseline"),
        Node(id="b", position=1, value=None, parents=("a",), group="search", kind="crash"),
        Node(id="c", position=2, value=0.5, parents=("a",), group="search", kind="improved"),
    )
    blocks = (
        Headline(label="Score on the panel", value=0.5, interval=interval),
        Dots(title="Gains", dots=(Estimate(label="weights", value=0.0625, low=-0.25, high=0.375),)),
        Lines(title="Loss", series=(Series(name="train", points=(Point(x=10, y=2), Point(x=20, y=1))),)),
        Lineage(title="Candidates", nodes=nodes),
        table,
    )
    return Report(title="A run", sections=(Section(title="All", blocks=blocks),))


def outside() -> dict[str, str]:
    """The environment that a tracker's client may see here."""
    return {"PATH": os.environ["PATH"]}


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file of a folder with its content."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def numbers_in(tracker: str, folder: Path) -> dict[str, float]:
    """The metrics that a tracker keeps, as its own reader gives them back, by our names."""
    return _NUMBERS[tracker](folder)


def curves_in(tracker: str, folder: Path) -> dict[str, list[tuple[float, float]]]:
    """The curves, likewise."""
    return _CURVES[tracker](folder)


def parameters_in(tracker: str, folder: Path) -> dict[str, str]:
    """The parameters, likewise, as text."""
    return _PARAMETERS[tracker](folder)


def events(folder: Path) -> Iterator[Any]:
    """The events that TensorBoard finds in a folder: framed as in a TFRecord file, length (8 bytes), checksum
    (4), payload, checksum (4)."""
    from tensorboardX.proto.event_pb2 import Event

    for path in sorted(folder.glob("events.*")):
        content, at = path.read_bytes(), 0
        while at < len(content):
            (length,) = struct.unpack_from("<Q", content, at)
            yield Event.FromString(content[at + 12 : at + 12 + length])
            at += length + 16


def wandb_records(folder: Path) -> Iterator[Any]:
    """The records of the offline runs below a folder, as `wandb sync` reads them.

    A file is a header of 7 bytes, then blocks of 32 KiB as in LevelDB's log: checksum (4), length (2), type
    (1: whole, 2: first, 3: middle, 4: last part of a record), payload.
    """
    from wandb.proto.wandb_internal_pb2 import Record

    for path in sorted(folder.rglob("*.wandb")):
        content, at, parts = path.read_bytes(), 7, b""
        while at + 7 <= len(content):
            if 32768 - at % 32768 < 7:
                at += 32768 - at % 32768
                continue
            length, kind = struct.unpack_from("<HB", content, at + 4)
            parts += content[at + 7 : at + 7 + length]
            at += 7 + length
            if kind in (1, 4):
                yield Record.FromString(parts)
                parts = b""


@cache
def mlflow_run(folder: Path) -> dict[str, Any]:
    """The only run of a local store, by MLflow's own client, in a process that holds its switch."""
    done = subprocess.run(
        [sys.executable, "-c", _ASK_MLFLOW, folder.resolve().as_uri()],
        env={**outside(), "MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


_ASK_MLFLOW = """
import json, sys
from mlflow.tracking import MlflowClient
client = MlflowClient(tracking_uri=sys.argv[1])
experiments = [one for one in client.search_experiments() if one.name != "Default"]
(run,) = client.search_runs([one.experiment_id for one in experiments])
def files(path=None):
    for one in client.list_artifacts(run.info.run_id, path):
        yield from files(one.path) if one.is_dir else [one.path]
history = {name: [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, name)]
           for name in run.data.metrics}
print(json.dumps({"experiment": experiments[0].name, "name": run.info.run_name, "status": run.info.status,
                  "metrics": run.data.metrics, "history": history, "params": run.data.params,
                  "tags": run.data.tags, "files": sorted(files()),
                  "times": [run.info.start_time, run.info.end_time]}))
"""


def _csv(folder: Path, name: str) -> list[dict[str, str]]:
    import csv

    with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def _parquet(folder: Path, name: str) -> list[dict[str, Any]]:
    from pyarrow import parquet

    rows: list[dict[str, Any]] = parquet.read_table(folder / f"{name}.parquet").to_pylist()
    return rows


def _spread(rows: list[dict[str, Any]]) -> dict[str, float]:
    return {
        row["name"] + ending: float(row[key])
        for row in rows
        for key, ending in (("value", ""), ("low", "/low"), ("high", "/high"))
        if row[key] not in (None, "")
    }


def _joined(rows: list[dict[str, Any]]) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        found.setdefault(row["curve"], []).append((float(row["step"]), float(row["value"])))
    return found


def _event_scalars(folder: Path) -> Iterator[tuple[str, float, float]]:
    for event in events(folder):
        for value in event.summary.value:
            if value.HasField("simple_value"):
                yield value.tag, float(event.step), float(value.simple_value)


def _event_texts(folder: Path) -> dict[str, str]:
    found = {}
    for event in events(folder):
        for value in event.summary.value:
            if value.HasField("tensor"):
                found[value.tag] = value.tensor.string_val[0].decode()
    return found


def _event_curves(folder: Path) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {}
    for tag, step, value in _event_scalars(folder):
        if tag.startswith("curves/"):
            found.setdefault(tag.removeprefix("curves/"), []).append((step, value))
    return found


def _event_parameters(folder: Path) -> dict[str, str]:
    lines = _event_texts(folder)["parameters/text_summary"].splitlines()
    return dict(line.removeprefix("- ").split(": ", 1) for line in lines)


def _wandb_summary(folder: Path) -> dict[str, float]:
    found: dict[str, Any] = {}
    for record in wandb_records(folder):
        for item in record.summary.update:
            found[item.key or "/".join(item.nested_key)] = json.loads(item.value_json)
    kept = {name: value for name, value in found.items() if isinstance(value, int | float)}
    return {
        name: float(value) for name, value in kept.items() if not name.startswith(("curves/", "tables/", "_"))
    }


def _wandb_curves(folder: Path) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {}
    for record in wandb_records(folder):
        row = {
            item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item
        }
        for name, value in row.items():
            if name.startswith("curves/") and not name.endswith("/step"):
                point = (float(row[f"{name}/step"]), float(value))
                found.setdefault(name.removeprefix("curves/"), []).append(point)
    return found


def _wandb_config(folder: Path) -> dict[str, str]:
    found: dict[str, Any] = {}
    for record in wandb_records(folder):
        for item in (*record.run.config.update, *record.config.update):
            found[item.key or "/".join(item.nested_key)] = json.loads(item.value_json)
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in found.items()}


def _mlflow_numbers(folder: Path) -> dict[str, float]:
    found = mlflow_run(folder)["metrics"]
    ends = {
        name: f"{name[: -len(end) - 1]}/{end}"
        for name in found
        for end in ("low", "high")
        if name.endswith(f".{end}")
    }
    return {ends.get(name, name): value for name, value in found.items() if not name.startswith("curves/")}


def _mlflow_curves(folder: Path) -> dict[str, list[tuple[float, float]]]:
    history = mlflow_run(folder)["history"]
    return {
        name.removeprefix("curves/"): [(float(step), value) for step, value in points]
        for name, points in history.items()
        if name.startswith("curves/")
    }


_NUMBERS = {
    "csv": lambda folder: _spread(_csv(folder, "metrics")),
    "parquet": lambda folder: _spread(_parquet(folder, "metrics")),
    "tensorboard": lambda folder: {
        tag: value for tag, _, value in _event_scalars(folder) if not tag.startswith("curves/")
    },
    "mlflow": _mlflow_numbers,
    "wandb": _wandb_summary,
}
_CURVES = {
    "csv": lambda folder: _joined(_csv(folder, "curves")),
    "parquet": lambda folder: _joined(_parquet(folder, "curves")),
    "tensorboard": _event_curves,
    "mlflow": _mlflow_curves,
    "wandb": _wandb_curves,
}
_PARAMETERS = {
    "csv": lambda folder: {row["name"]: row["value"] for row in _csv(folder, "parameters")},
    "parquet": lambda folder: {row["name"]: row["value"] for row in _parquet(folder, "parameters")},
    "tensorboard": _event_parameters,
    "mlflow": lambda folder: mlflow_run(folder)["params"],
    "wandb": _wandb_config,
}
