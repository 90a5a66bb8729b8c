"""Tells MLflow one run. A program: `mlflow_program.py REQUEST ANSWER`, both JSON files."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

_BATCH = 100
"""Entries that the server takes in one call, at least, for each kind."""
_LONGEST = 5000
"""Characters of a tag, and of a parameter."""
_LONGEST_KEY = 200
_MARK = "honing.record"


def main(request: Path, answer: Path) -> None:
    """Write the run of a request, unless the very same one is there."""
    from mlflow.tracking import MlflowClient

    job = json.loads(request.read_text(encoding="utf-8"))
    record = job["record"]
    client = MlflowClient(tracking_uri=job["address"])
    experiment = _experiment(client, job["project"])
    mark = _mark(record)
    known = client.search_runs([experiment], f"tags.`{_MARK}` = '{mark}'", max_results=1)
    run = known[0].info.run_id if known else _write(client, experiment, record, mark)
    answer.write_text(json.dumps({"run": run, "known": bool(known)}), encoding="utf-8")


def _experiment(client: Any, name: str) -> str:
    found = client.get_experiment_by_name(name)
    return str(found.experiment_id if found else client.create_experiment(name))


def _mark(record: dict[str, Any]) -> str:
    """What tells this state of the run from another: everything but where its files lie."""
    files = {
        name: hashlib.sha256(Path(path).read_bytes()).hexdigest() for name, path in record["files"].items()
    }
    return hashlib.sha256(json.dumps({**record, "files": files}, sort_keys=True).encode()).hexdigest()


def _write(client: Any, experiment: str, record: dict[str, Any], mark: str) -> str:
    begun = round(record["created"] * 1000)
    ended = round((record["ended"] or record["created"]) * 1000)
    tags = {name: value[:_LONGEST] for name, value in record["tags"].items()}
    run = client.create_run(experiment, start_time=begun, tags=tags, run_name=record["name"])
    run_id = str(run.info.run_id)
    for entries in _batches(_metrics(record, ended)):
        client.log_batch(run_id, metrics=entries)
    for entries in _batches(_parameters(record)):
        client.log_batch(run_id, params=entries)
    _files(client, run_id, record)
    # Last: a run without the mark was not finished, and is written anew.
    client.set_tag(run_id, _MARK, mark)
    failed = record["tags"].get("honing.status") == "failed"
    client.set_terminated(run_id, "FAILED" if failed else "FINISHED", end_time=ended)
    return run_id


def _metrics(record: dict[str, Any], at: int) -> Iterator[Any]:
    from mlflow.entities import Metric

    numbers = record["numbers"]
    curves = [f"curves/{curve['name']}" for curve in record["curves"]]
    named = _names([*numbers, *curves])
    for name, value in numbers.items():
        yield Metric(named[name], value, at, 0)
    for name, curve in zip(curves, record["curves"], strict=True):
        for step, value in curve["points"]:
            yield Metric(named[name], value, at, round(step))


def _names(wanted: list[str]) -> dict[str, str]:
    """A name each, none of them a folder of another: a store of files has a file for each metric.

    The ends of an interval are `score.low` and `score.high` beside `score`.
    """
    found = {name: re.sub(r"/(low|high)$", r".\1", name) for name in wanted}
    folders = {parent.as_posix() for name in found.values() for parent in PurePosixPath(name).parents}
    return {name: f"{short}.value" if short in folders else short for name, short in found.items()}


def _parameters(record: dict[str, Any]) -> Iterator[Any]:
    from mlflow.entities import Param

    taken: set[str] = set()
    for name, value in record["parameters"].items():
        text = value if isinstance(value, str) else json.dumps(value)
        key = plain = re.sub(r"[^A-Za-z0-9_. -]", "_", name)[:_LONGEST_KEY].strip(". ") or "unnamed"
        while key in taken:
            key = f"{plain}.{len(taken)}"
        taken.add(key)
        yield Param(key, text[:_LONGEST])


def _batches(entries: Iterator[Any]) -> Iterator[list[Any]]:
    listed = list(entries)
    for begin in range(0, len(listed), _BATCH):
        yield listed[begin : begin + _BATCH]


def _files(client: Any, run_id: str, record: dict[str, Any]) -> None:
    for name, path in record["files"].items():
        folder = str(Path("files") / Path(name).parent)
        client.log_artifact(run_id, path, folder)
    with TemporaryDirectory() as scratch:
        for number, (name, table) in enumerate(record["tables"].items()):
            path = Path(scratch) / f"{number:03d}.json"
            document = {"name": name, "columns": table["columns"], "data": table["rows"]}
            path.write_text(json.dumps(document), encoding="utf-8")
            path = path.rename(path.with_name(f"{name.replace('/', '.')}.json"))
            client.log_artifact(run_id, str(path), "tables")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
