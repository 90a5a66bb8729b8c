"""A run looks at the surroundings of its agent once, and only where a brief will say what was seen."""

from __future__ import annotations

from pathlib import Path

from harness_words import one_more_word, words_project

from honing.agents import AgentTask, ScriptedAgent
from honing.harness import Asked, OptimizeOptions, optimize_project
from honing.harness.project import Control
from honing.store import read_journal


def looks_and_briefs(folder: Path, *, reads_brief: bool) -> tuple[int, list[str]]:
    """How often a run of two proposals looked, and the briefs that its agent got."""
    briefs: list[str] = []

    def noting(task: AgentTask) -> dict[str, str]:
        briefs.append(task.brief)
        return one_more_word(task)

    options = OptimizeOptions(
        agent=ScriptedAgent(noting, name="noting", reads_brief=reads_brief),
        asked=Asked(sandbox="unconfined"),
        home=folder / "runs",
        workers=1,
    )
    result = optimize_project(words_project(folder / "p", proposals=2, control=Control.NONE), options)
    with read_journal(result.run.path / "journal.sqlite") as journal:
        return len(journal.results("surroundings")), briefs


def test_an_agent_that_reads_its_brief_is_told_where_it_works_after_one_look(tmp_path: Path) -> None:
    looks, briefs = looks_and_briefs(tmp_path, reads_brief=True)

    assert looks == 1
    assert ["Linux" in brief.partition("Surroundings")[2] for brief in briefs] == [True, True]


def test_nothing_is_looked_at_for_an_agent_without_a_brief(tmp_path: Path) -> None:
    assert looks_and_briefs(tmp_path, reads_brief=False) == (0, ["hold the right words"] * 2)
