"""What the documents tell a reader to type works as it stands there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from honing.contract.spec_file import parse_contract
from honing.demo import word_problems
from honing.llm import ScriptedModel, ScriptedServer

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MEASURING_PAGES = [ROOT / "README.md", ROOT / "docs" / "contract.md"]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]+\]\(([^)#]+)(?:#[^)]*)?\)")


def blocks(page: Path, language: str) -> list[str]:
    return [text for found, text in _BLOCK.findall(page.read_text()) if found == language]


def hone_lines(page: Path) -> list[str]:
    lines = [line.split(" #")[0].strip() for text in blocks(page, "sh") for line in text.splitlines()]
    return [line for line in lines if line.startswith("hone ")]


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A reader's folder: data, a benchmark with commands, and a model server; yields the environment."""
    shutil.copytree(word_problems(), tmp_path / "my-data")
    shutil.copytree(tmp_path / "my-data", tmp_path / "FOLDER")
    (tmp_path / "my-benchmark").mkdir()
    (tmp_path / "my-benchmark" / "test.jsonl").write_text(
        "".join(f'{{"question": "What is {i} + 1?", "answer": "#### {i + 1}"}}\n' for i in range(20))
    )
    with ScriptedServer(ScriptedModel(lambda _: "#### 4")) as server:
        scripts = str(Path(sys.executable).parent)
        yield {
            "PATH": f"{scripts}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "OPENAI_BASE_URL": f"{server.base_url}/v1",
            "OPENAI_API_KEY": "none",
        }


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", MEASURING_PAGES, ids=lambda page: page.name)
def test_every_hone_command_of_a_page_runs(page: Path, reader: dict[str, str], tmp_path: Path) -> None:
    endings = {}
    for line in hone_lines(page):
        done = subprocess.run(
            shlex.split(line.split(" > ")[0]), cwd=tmp_path, env=reader, capture_output=True, text=True
        )
        endings[line] = (done.returncode, done.stderr[-500:] if done.returncode else "")

    assert len(endings) >= 4
    assert endings == dict.fromkeys(endings, (0, ""))


def test_the_python_of_the_readme_runs(reader: dict[str, str], tmp_path: Path) -> None:
    (code,) = blocks(ROOT / "README.md", "python")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=reader, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout.split()[0]) == (0, "1.0"), done.stderr


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.name)
def test_an_example_runs(example: Path, reader: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(example)], cwd=tmp_path, env=reader, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert len(example.read_text().splitlines()) <= 80


@pytest.mark.parametrize("page", MEASURING_PAGES, ids=lambda page: page.name)
def test_the_contracts_of_a_page_are_valid(page: Path) -> None:
    found = [text for text in blocks(page, "yaml") if "schema: 1" in text]
    runnable = [text for text in found if "commands: []" not in text]

    assert found
    assert [parse_contract(text.encode(), source=page.name).metric.name for text in runnable] == [
        "accuracy"
    ] * len(runnable)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    links = [link for link in _LINK.findall(page.read_text()) if "://" not in link]

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150
