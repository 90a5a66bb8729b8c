"""What is not loaded: `import honing` and every `--help` stay light, and importing is silent."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from honing.cli.commands import COMMANDS

HEAVY = (
    "asyncio", "h11", "httpx2", "matplotlib", "minigrid", "numpy", "pandas", "pyarrow", "pydantic", "ray",
    "rich", "scipy", "sqlite3", "starlette", "statsmodels", "torch", "transformers", "yaml",
)  # fmt: skip
"""Top-level packages that no help text needs."""

_RUN = """
import json, sys
code = 0
try:
    {statement}
except SystemExit as stopped:
    code = stopped.code
loaded = sorted({{name.partition(".")[0] for name in sys.modules}})
sys.stderr.write("\\n" + json.dumps([code, loaded]))
"""


def loaded_by(statement: str, folder: Path) -> tuple[int, set[str]]:
    """The exit code of a statement in a fresh interpreter, and the top-level packages it loaded."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _RUN.format(statement=statement)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    code, loaded = json.loads(done.stderr.rpartition("\n")[2])
    return code, set(loaded)


def test_importing_honing_loads_nothing_heavy_and_no_typer(tmp_path: Path) -> None:
    code, loaded = loaded_by("import honing", tmp_path)

    assert (code, loaded & {*HEAVY, "typer"}) == (0, set())


@pytest.mark.parametrize(
    "arguments",
    [
        "--help",
        "--version",
        *(f"{listed.name} --help" for listed in COMMANDS),
        "runs list --help",
        "config show --help",
    ],
)
def test_no_help_text_loads_anything_heavy(arguments: str, tmp_path: Path) -> None:
    statement = f"from honing.cli import main; code = main({arguments.split()!r})"

    code, loaded = loaded_by(statement, tmp_path)

    assert (code, loaded & set(HEAVY)) == (0, set())


def test_the_check_itself_sees_what_is_loaded(tmp_path: Path) -> None:
    code, loaded = loaded_by("import yaml, sqlite3; sys.exit(3)", tmp_path)

    assert (code, loaded & set(HEAVY)) == (3, {"yaml", "sqlite3"})


@pytest.mark.parametrize(
    "module",
    [
        "honing", "honing.agents", "honing.cli", "honing.cli.app", "honing.contract", "honing.demo",
        "honing.executors", "honing.llm", "honing.sandbox", "honing.settings", "honing.stats",
        "honing.store", "honing.view",
    ],
)  # fmt: skip
def test_importing_is_silent_and_leaves_no_file(module: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import {module}"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stdout, done.stderr, list(tmp_path.iterdir())) == (0, b"", b"", [])
