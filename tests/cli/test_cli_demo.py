"""`hone demo`: what it shows, and what it says where a student cannot be made."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from honing.cli.demo import NEEDED, WITHOUT, missing_packages


def test_the_packages_that_a_student_needs_are_looked_for_and_not_imported() -> None:
    asked: list[str] = []

    def find(name: str) -> object:
        asked.append(name)
        return None if name in ("peft", "trl") else object()

    assert missing_packages(find) == ("peft", "trl")
    assert tuple(asked) == NEEDED
    assert missing_packages(lambda _: object()) == ()


def test_the_sentence_says_what_installing_the_extra_gives() -> None:
    assert "pip install 'honing[teach]'" in WITHOUT
    assert "harness is rewritten, then its weights are taught" in WITHOUT


@pytest.mark.slow
@pytest.mark.teach
@pytest.mark.timeout(1800)
def test_the_quick_demo_measures_every_version_on_sealed_tasks_and_goes_on(tmp_path: Path) -> None:
    assert find_spec("torch") is not None
    command = [sys.executable, "-m", "honing", "--home", str(tmp_path), "-q", "demo", "--quick", "--json"]
    first, again = (subprocess.run(command, capture_output=True, check=False) for _ in range(2))
    found = json.loads(first.stdout)

    assert (first.returncode, again.returncode) == (0, 0)
    assert json.loads(again.stdout) == found
    assert [row["name"] for row in found["rows"] if row["ending"] != "control"] == [
        "baseline",
        "+ harness",
        "+ weights",
    ]
    assert found["panel"]["tasks"] == {"search": 320, "check": 256, "held_out": 256}
    assert found["panel"]["certificate"]["expert"]["success"] == 1.0
    assert Path(found["page"]).read_text().startswith("<!")
