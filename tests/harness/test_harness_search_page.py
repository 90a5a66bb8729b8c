from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from honing.harness.problems.registry import PROBLEM_NAMES
from honing.harness.project import Judging, KeepRule
from honing.harness.project_spec import JudgingSpec, SearchSpec
from honing.harness.search.frontier import Frontier
from honing.harness.search.islands import Islands
from honing.harness.search.registry import SEARCH_NAMES, search_named
from honing.harness.search.restarts import Restarts

PAGE = (Path(__file__).parents[2] / "docs" / "harness-search.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def row_of(name: str) -> str:
    return next(
        line for line in PAGE.splitlines() if line.startswith("|") and f"`{name}`" in line.split("|")[1]
    )


@pytest.mark.timeout(300)
def test_the_commands_of_the_page_run(tmp_path: Path) -> None:
    scripts = str(Path(sys.executable).parent)
    env = {"PATH": f"{scripts}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    endings = [
        subprocess.run(line.split(" #")[0], shell=True, cwd=tmp_path, env=env, capture_output=True).returncode
        for line in blocks("sh")[0].splitlines()
    ]

    # Five proposals find nothing that is better again, and the run says so.
    assert endings == [0, 1]
    assert (tmp_path / "runs" / "tuned" / "report.html").is_file()


def test_the_settings_of_the_page_are_settings() -> None:
    shown = yaml.safe_load(blocks("yaml")[0])
    search, judging = SearchSpec(**shown["search"]), JudgingSpec(**shown["judging"])

    assert search_named(search.name, search.options).name == "frontier"
    assert (judging.repeats, judging.rule) == (1, KeepRule.FRESH)


@pytest.mark.parametrize("search", [Restarts, Islands, Frontier], ids=lambda search: search.name)
def test_every_option_of_a_search_is_on_the_page_with_its_default(search: type) -> None:
    row = row_of(search.name)  # type: ignore[attr-defined]
    for name, option in inspect.signature(search).parameters.items():
        default = option.default
        shown = f"[{', '.join(default)}]" if isinstance(default, tuple) else str(default).lower()

        assert f"`{name}` ({shown})" in row or f"`{name}` (`{shown}`)" in row


def test_every_search_problem_and_rule_is_on_the_page() -> None:
    assert [name for name in (*SEARCH_NAMES, *PROBLEM_NAMES) if not row_of(name)] == []
    assert [rule for rule in KeepRule if f"`{rule.value}`" not in PAGE] == []


def test_the_defaults_of_judging_are_those_of_the_page() -> None:
    settings = Judging()

    assert row_of("racing").split("|")[2].strip() == f"true, {settings.racing_error}"
    assert row_of("rule").split("|")[2].strip() == f"{settings.rule.value}, 0, {settings.level}"
    assert row_of("repeats").split("|")[2].strip() == str(settings.repeats)
