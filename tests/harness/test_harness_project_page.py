"""What docs/harness-projects.md says holds."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

from honing.harness import load_project
from honing.harness.legacy import PROJECT_KEYS
from honing.harness.project import TRANSIENT
from honing.harness.project_spec import JudgingSpec, ProjectSpec

PAGE = (Path(__file__).parents[2] / "docs" / "harness-projects.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def rows(section: str) -> list[list[str]]:
    text = PAGE.split(f"## {section}\n")[1].split("\n## ")[0]
    return [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")][1:]


def test_the_table_has_every_key_and_no_other() -> None:
    written = [row[0].strip(" `") for row in rows("honing.yaml")]
    known = [field.alias or name for name, field in ProjectSpec.model_fields.items()]

    assert written == known


def test_the_table_has_every_key_of_judging() -> None:
    row = next(row for row in rows("honing.yaml") if "`judging`" in row[0])

    assert re.findall(r"`(\w+)`", row[2]) == list(JudgingSpec.model_fields)


def test_every_key_of_the_predecessor_in_the_table_is_known() -> None:
    words = {word for row in rows("Projects of metaharness") for word in re.findall(r"`(\w+)`", row[0])}

    assert words - set(PROJECT_KEYS) == {"path", "class"}


def test_the_usual_transient_names_are_those() -> None:
    listed = PAGE.split("Usual transient names: ")[1].split(".\n\n")[0]

    assert tuple(re.findall(r"`([^`]+)`", listed)) == TRANSIENT


def test_the_project_of_the_page_opens(tmp_path: Path) -> None:
    (tmp_path / "baseline" / "scripts").mkdir(parents=True)
    (tmp_path / "baseline" / "AGENTS.md").write_text("Add.\n")
    (tmp_path / "baseline" / "scripts" / "test.sh").write_text("exit 0\n")
    (tmp_path / "sums.yaml").write_text("- {id: sealed, type: command, command: ./add}\n")
    (text,) = blocks("yaml")
    (tmp_path / "honing.yaml").write_text(text.replace("/home/me/sealed", str(tmp_path)))

    assert [task.id for task in load_project(tmp_path).held_out] == ["sealed"]


def test_the_commands_of_the_page_run(tmp_path: Path) -> None:
    endings = {}
    for line in blocks("sh")[0].splitlines():
        words = shlex.split(line.split(" > ")[0].split(" #")[0])
        done = subprocess.run(
            [sys.executable, "-m", "honing", *words[1:]], cwd=tmp_path, capture_output=True, check=False
        )
        endings[line] = (words[0], done.returncode)

    assert endings == dict.fromkeys(endings, ("hone", 0))
    assert len(endings) == 5
