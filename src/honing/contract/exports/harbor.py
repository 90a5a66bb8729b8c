"""Harbor task folders: one for each row, with a solution and tests that judge as Honing's scorer does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from honing.contract.exports.base import Exported, Form, Rows, facts_of, plain_row, slug
from honing.contract.exports.judge_bundle import bundle
from honing.contract.exports.writing import toml_text, write_files
from honing.contract.results.measured import Measured
from honing.contract.scorers import Row

_PACKAGE = "honing_judge"
_PROGRAMS = Path(__file__).parent / "programs"
_ANSWER = "/app/answer.txt"
_DOCKERFILE = "FROM python:3.11-slim\nWORKDIR /app\n"
_TEST = f"""#!/bin/bash
# Usage: test.sh [ANSWER] [LOGS]; without arguments, the places of a Harbor container.
here="$(cd "$(dirname "${{BASH_SOURCE[0]}}")" && pwd)"
exec python3 -I "$here/judge.py" "${{1:-{_ANSWER}}}" "${{2:-/logs/verifier}}"
"""


def write_harbor(measured: Measured, rows: Rows, out: Path) -> Exported:
    """Write a task folder for each row into a new folder."""
    names: dict[str, str] = {}
    files: dict[str, str] = {}
    facts = facts_of(measured)
    judging = bundle(rows.task.scorer, _PACKAGE)
    for row in rows.rows:
        name = slug(row.id, names)
        names[name] = row.id
        for path, text in _task(measured, rows, row, name, facts):
            files[f"{name}/{path}"] = text
        for path, text in judging.items():
            files[f"{name}/tests/{_PACKAGE}/{path}"] = text
    files["honing.json"] = json.dumps({**facts, "rows": names}, indent=2, ensure_ascii=False) + "\n"
    files["README.md"] = _readme(measured, facts, len(names))
    written = write_files(out, files, executable=("solve.sh", "test.sh"))
    notes = () if rows.task.has_gold() else ("some rows have no gold: their tasks have no solution",)
    return Exported(form=Form.HARBOR, path=out, files=written, notes=notes)


def _task(
    measured: Measured, rows: Rows, row: Row, name: str, facts: dict[str, Any]
) -> Iterator[tuple[str, str]]:
    """The files of one task, tests' package left out."""
    prompt = rows.task.prompt(row)
    judged = {"row": plain_row(row), "parameters": dict(rows.task.parameters)}
    yield "instruction.md", f"{prompt}\n\nWrite your whole answer to the file {_ANSWER}.\n"
    yield "task.toml", _settings(measured, row, name, facts)
    yield "environment/Dockerfile", _DOCKERFILE
    yield "tests/test.sh", _TEST
    yield "tests/judge.py", (_PROGRAMS / "judge.py").read_text(encoding="utf-8")
    yield "tests/row.json", json.dumps(judged, indent=1, ensure_ascii=False) + "\n"
    if row.golds:
        yield "solution/solve.sh", _solution(rows.task.gold_completion(row))


def _settings(measured: Measured, row: Row, name: str, facts: dict[str, Any]) -> str:
    package = slug(measured.contract.name or Path(str(facts["target"])).name)
    document = {
        "schema_version": "1.4",
        "task": {"name": f"{package}/{name}", "description": f"Row {row.id} of {package}"},
        "metadata": {"honing": {**facts, "row": row.id, "anchor": row.anchor}},
        "agent": {"timeout_sec": 600.0},
        "verifier": {"timeout_sec": 120.0},
        "environment": {"build_timeout_sec": 600.0, "cpus": 1},
    }
    return toml_text(document)


def _solution(answer: str) -> str:
    """A script that writes the gold, whatever its text holds."""
    mark = "ANSWER"
    while mark in answer.splitlines():
        mark += "_"
    return f"#!/bin/bash\ncat > {_ANSWER} <<'{mark}'\n{answer}\n{mark}\n"


def _readme(measured: Measured, facts: dict[str, Any], count: int) -> str:
    return (
        f"# {measured.contract.name or 'A measurement'}: {count} tasks\n\n"
        f"Written by Honing from run {facts['run_id']}, contract {facts['contract_hash'][:16]}, level "
        f"{facts['level']} ({facts['label']}). Each task's tests judge the answer with Honing's own scorer, "
        "which stands in `tests/` and needs nothing but Python. `honing.json` names the row of each task.\n"
    )
