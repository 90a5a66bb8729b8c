"""A naive runner, for comparison: it runs rollout and evaluate, and where both exit with 0 it takes the first
number it finds, or 1.0 where there is none."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from case import Case

from honing.llm import ScriptedServer

LIMIT_S = 20.0


def naive_score(case: Case) -> float | str | None:
    """The number it would report; "no command" for a target without commands; None where a command
    failed."""
    stages = (case.contract or {}).get("stages", {})
    commands = [
        (stage, text)
        for stage in ("bootstrap", "rollout", "benchmark", "evaluate")
        for text in stages.get(stage, {}).get("commands", [])
    ]
    if not commands:
        return "no command"
    with tempfile.TemporaryDirectory(prefix="naive-") as scratch, ScriptedServer(case.pupil()) as server:
        folder = case.write(Path(scratch) / "target")
        printed = ""
        for stage, text in commands:
            spec = stages[stage]
            done = run(text, folder / spec.get("workdir", "."), server.base_url, spec.get("env", {}))
            if done is None or done.returncode != 0:
                return None
            printed = done.stdout
        evaluate = stages.get("evaluate", {})
        path = folder / evaluate.get("workdir", ".") / evaluate.get("metrics_path", "metrics.json")
        return found_in_file(path) if found_in_file(path) is not None else found_in_text(printed)


def run(
    text: str, folder: Path, address: str, more: dict[str, str]
) -> subprocess.CompletedProcess[str] | None:
    env = {
        "PATH": os.pathsep.join([str(Path(sys.base_prefix) / "bin"), "/usr/local/bin", "/usr/bin", "/bin"]),
        "OPENAI_BASE_URL": f"{address}/v1",
        "OPENAI_API_KEY": "none",
        "HONING_MODEL": "a-model",
        "PYTHONDONTWRITEBYTECODE": "1",
        **more,
    }
    try:
        return subprocess.run(
            ["bash", "-c", text],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LIMIT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return None


def found_in_file(path: Path) -> float | None:
    """The score in a file, or the first number in it."""
    if not path.is_file() or path.stat().st_size > 1_000_000:
        return None
    try:
        document = json.loads(path.read_text())
    except ValueError:
        return None
    return first_number(document.get("score", document) if isinstance(document, dict) else document)


def first_number(value: Any) -> float | None:
    if isinstance(value, bool | int | float | str):
        try:
            return float(value)
        except ValueError:
            return None
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((number for one in inner if (number := first_number(one)) is not None), None)


def found_in_text(printed: str) -> float:
    numbers = re.findall(r"\d+\.\d+", printed)
    return float(numbers[-1]) if numbers else 1.0
