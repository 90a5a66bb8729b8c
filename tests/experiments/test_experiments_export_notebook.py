"""The notebook of the examples: valid, without outputs, and true when its cells run in order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import honing
from honing.errors import StoreError
from honing.store import load_run
from made_runs import made_run

NOTEBOOK = Path(honing.__file__).parents[2] / "examples" / "analyse_run.ipynb"
_RUN_CELLS = """
import json, sys
notebook, blocked = sys.argv[1], sys.argv[2:]
for name in blocked:
    sys.modules[name] = None
cells = [cell for cell in json.load(open(notebook))["cells"] if cell["cell_type"] == "code"]
names = {}
for number, cell in enumerate(cells):
    exec(compile("".join(cell["source"]), f"cell {number}", "exec"), names)
"""


def ran(tmp_path: Path, *, blocked: tuple[str, ...] = ()) -> list[str]:
    """What the cells print over two made runs, in a process without jupyter."""
    rewards = [1.0, 0.0, 1.0, 0.0, None, 1.0, 0.0, 0.0]
    first = made_run(tmp_path, rewards, epochs=1)
    second = made_run(tmp_path, [1.0, 1.0, 1.0, 0.0, None, 1.0, 0.0, 1.0])
    env = {**os.environ, "RUN": str(first.path), "OTHER": str(second.path), "MPLBACKEND": "agg"}
    done = subprocess.run(
        [sys.executable, "-c", _RUN_CELLS, str(NOTEBOOK), *blocked],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return found


def test_the_cells_run_in_order_and_print_what_is_in_the_runs(tmp_path: Path) -> None:
    lines = ran(tmp_path, blocked=("matplotlib",))

    assert "accuracy 0.429, 95% interval 0.200 to 0.800" in lines
    assert "4 not right, 1 lost" in lines
    assert "r001: 'What is 1 plus 1?', expected '2', got '#### 2'" in lines
    assert "7 pairs, 2 better, 0 worse" in lines
    assert [line[:4] for line in lines if line.startswith("0 |")] == ["0 | ", "0 | "]


@pytest.mark.teach
def test_the_figure_is_drawn_where_matplotlib_is_there(tmp_path: Path) -> None:
    lines = ran(tmp_path)

    assert [line for line in lines if line.startswith("0 |")] == []
    assert "7 pairs, 2 better, 0 worse" in lines


def test_it_is_a_notebook_of_the_fourth_format_without_outputs() -> None:
    found = document()

    assert (found["nbformat"], found["nbformat_minor"], set(found)) == (
        4, 5, {"cells", "metadata", "nbformat", "nbformat_minor"},
    )  # fmt: skip
    shapes = {
        "code": {"cell_type", "id", "execution_count", "metadata", "outputs", "source"},
        "markdown": {"cell_type", "id", "metadata", "source"},
    }
    assert [cell["id"] for cell in found["cells"] if set(cell) != shapes[cell["cell_type"]]] == []
    stored = [(cell["outputs"], cell["execution_count"]) for cell in found["cells"] if "outputs" in cell]
    assert set(map(str, stored)) == {"([], None)"}
    assert len({cell["id"] for cell in found["cells"]}) == len(found["cells"])


def test_a_run_gives_samples_tables_and_report_as_plain_rows(tmp_path: Path) -> None:
    run = made_run(tmp_path, [1.0, None])
    run.write_tsv("rows.tsv", ["a", "b"], [{"a": 1, "b": "x\ty"}, {"a": None, "b": ""}])
    opened = load_run(run.path)

    assert [row["reward"] for row in opened.samples()] == [1.0, None]
    assert opened.samples("no.jsonl") == []
    assert opened.table("rows.tsv") == [{"a": "1", "b": "x\\ty"}, {"a": "", "b": ""}]
    with pytest.raises(StoreError, match=r"report\.json"):
        opened.report()
