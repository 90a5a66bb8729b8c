"""Where training curves go."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

MADE_UP = """
def init(project, name, config):
    print("init", project, name, config["rank"])

def log(figures, step):
    print("log", sorted(figures.items()), step)

def finish():
    print("finish")
"""
USE = """
from honing.learn import SftOptions
from honing.learn.training.tracking import tracked

with tracked(SftOptions(rank=4, wandb_project="moments"), "Q1_demo", print) as log:
    log({"loss": 0.5}, 3)
with tracked(SftOptions(), "Q2_demo", print) as log:
    log({"loss": 0.5}, 3)
"""


def test_a_named_project_gets_one_run_with_its_figures_and_no_name_gets_none(tmp_path: Path) -> None:
    (tmp_path / "wandb.py").write_text(MADE_UP)

    done = subprocess.run(
        [sys.executable, "-c", USE],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines() == ["init moments Q1_demo 4", "log [('loss', 0.5)] 3", "finish"]


def test_without_the_package_a_line_says_that_nothing_is_reported() -> None:
    done = subprocess.run(
        [sys.executable, "-c", f'import sys; sys.modules["wandb"] = None\n{USE}'],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "Q1_demo: not reported to 'moments': the package wandb is not installed\n"
