"""A world whose package is not installed says which extra brings it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import honing

PROGRAM = """
from honing.environments import world_named
from honing.errors import MissingToolError
options = {"gymnasium_text": {"environment": "CartPole-v1"}}
try:
    world_named(%r, options.get(%r)).make()
except MissingToolError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("name", "extra"), [("babyai", "teach"), ("textworld", "textworld"), ("gymnasium_text", "teach")]
)
def test_a_world_without_its_package_names_the_extra(name: str, extra: str) -> None:
    source = str(Path(honing.__file__).parents[1])
    # -S leaves site-packages out, so no package is installed but Python's own and ours.
    done = subprocess.run(
        [sys.executable, "-S", "-c", PROGRAM % (name, name)],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": source},
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert f"The world {name} needs the package" in done.stdout
    assert f"pip install 'honing[{extra}]'" in done.stdout
