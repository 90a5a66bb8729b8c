"""A package with a verifiers v1 taskset: the rows, their prompts, and a reward that judges as ours does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from honing.contract.exports.base import Exported, Form, Rows, facts_of, plain_row, slug
from honing.contract.exports.judge_bundle import bundle
from honing.contract.exports.writing import toml_text, write_files
from honing.contract.results.measured import Measured

_PROGRAMS = Path(__file__).parent / "programs"


def write_verifiers(measured: Measured, rows: Rows, out: Path) -> Exported:
    """Write the package into a new folder; `pip install` of that folder makes its taskset known by name."""
    title = measured.contract.name or Path(str(measured.run.config.get("target", ""))).name
    name = f"honing-{slug(title)}"
    package = re.sub(r"[^a-z0-9]", "_", name)
    facts = facts_of(measured)
    lines = [
        json.dumps({"row": plain_row(row), "prompt": rows.task.prompt(row)}, ensure_ascii=False) + "\n"
        for row in rows.rows
    ]
    taskset = (_PROGRAMS / "taskset.txt").read_text(encoding="utf-8").replace("PACKAGE", package)
    files = {
        "pyproject.toml": _project(name, package, facts),
        "README.md": _readme(name, facts, len(lines)),
        f"{package}/__init__.py": (
            f'from {package}.taskset import HoningTaskset\n\n__all__ = ["HoningTaskset"]\n'
        ),
        f"{package}/taskset.py": taskset,
        f"{package}/rows.jsonl": "".join(lines),
        f"{package}/parameters.json": json.dumps(dict(rows.task.parameters)) + "\n",
        f"{package}/honing.json": json.dumps(facts, indent=2, ensure_ascii=False) + "\n",
    }
    for path, text in bundle(rows.task.scorer, f"{package}.judging").items():
        files[f"{package}/judging/{path}"] = text
    return Exported(form=Form.VERIFIERS, path=out, files=write_files(out, files))


def _project(name: str, package: str, facts: dict[str, Any]) -> str:
    document = {
        "project": {
            "name": name,
            "version": "0.1.0",
            "description": f"Tasks measured by Honing, contract {facts['contract_hash'][:16]}",
            "requires-python": ">=3.11",
            "dependencies": ["verifiers>=0.4"],
        },
        "build-system": {"requires": ["hatchling"], "build-backend": "hatchling.build"},
        "tool": {
            "hatch": {"build": {"targets": {"wheel": {"packages": [package]}}}},
            "honing": {key: facts[key] for key in ("run_id", "contract_hash", "level", "label", "target")},
        },
    }
    return toml_text(document)


def _readme(name: str, facts: dict[str, Any], count: int) -> str:
    return (
        f"# {name}\n\n{count} tasks, written by Honing from run {facts['run_id']}, contract "
        f"{facts['contract_hash'][:16]}, level {facts['level']} ({facts['label']}). The reward is Honing's "
        "own scorer, which stands in `judging/`; `honing.json` holds what was measured.\n\n"
        f"```sh\npip install .\nvf-eval {name}\n```\n"
    )
