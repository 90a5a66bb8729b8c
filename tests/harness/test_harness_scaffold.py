"""New projects are written whole or not at all, open at once, and start from the score they promise."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from judged_projects import Judged

from honing.errors import UsageError
from honing.harness import PROFILES, load_project, write_scaffold
from honing.harness.scaffold import write_project

SHIPPED = {
    "baseline/AGENTS.md",
    "baseline/GEMINI.md",
    "baseline/scripts/bootstrap.sh",
    "baseline/scripts/test.sh",
    "baseline/scripts/validate.sh",
    ".gitignore",
    "README.md",
    "solution/AGENTS.md",
}
FILES = {"own": {"honing.yaml"}, "legacy": {"metaharness.json", "tasks.json"}}
NAMES = [profile.name for profile in PROFILES]
BASELINES = {"standard": 0.1, "local-oss-smoke": 0.2, "local-oss-medium": 0.0625}


@pytest.mark.parametrize("form", ["own", "legacy"])
@pytest.mark.parametrize("profile", NAMES)
def test_a_profile_opens_without_a_note(tmp_path: Path, profile: str, form: str) -> None:
    files = write_scaffold(tmp_path / "new", profile, legacy=form == "legacy")

    mine, other = FILES[form], FILES["own" if form == "legacy" else "legacy"]
    assert set(files) >= SHIPPED | mine
    assert set(files) & other == set()
    assert "runs/\n" in (tmp_path / "new" / ".gitignore").read_text()
    found = load_project(tmp_path / "new")
    assert (found.legacy, found.notes) == (form == "legacy", ())


@pytest.mark.parametrize("form", ["own", "legacy"])
@pytest.mark.parametrize("profile", NAMES)
def test_a_profile_starts_from_its_baseline_and_its_solution_reaches_1(
    tmp_path: Path, profile: str, form: str
) -> None:
    write_scaffold(tmp_path / "new", profile, legacy=form == "legacy")
    judged = Judged(tmp_path / "new", tmp_path / "scratch")

    assert judged.of_baseline().score == BASELINES[profile]
    assert judged.refusal() is None
    assert judged.of_solution().score == 1.0


def test_the_standard_profile_holds_tasks_out(tmp_path: Path) -> None:
    write_scaffold(tmp_path / "new")
    judged = Judged(tmp_path / "new", tmp_path / "scratch")

    assert judged.held_out() == (0.0, 1.0)


def test_both_forms_of_a_profile_for_local_models_have_the_same_tasks(tmp_path: Path) -> None:
    for profile in ("local-oss-smoke", "local-oss-medium"):
        write_scaffold(tmp_path / profile / "own", profile)
        write_scaffold(tmp_path / profile / "legacy", profile, legacy=True)
        own, legacy = (load_project(tmp_path / profile / form) for form in ("own", "legacy"))

        assert [(t.id, t.weight) for t in own.tasks] == [(t.id, t.weight) for t in legacy.tasks]
        assert (own.agent, own.spending) == (legacy.agent, legacy.spending)
        assert replace(own.rules, leakage=False) == legacy.rules


def test_a_profile_for_local_models_asks_one_that_ollama_serves(tmp_path: Path) -> None:
    write_scaffold(tmp_path / "new", "local-oss-medium")
    agent = load_project(tmp_path / "new").agent

    assert (agent.name, agent.model, agent.timeout_s, agent.options) == (
        "codex",
        "gpt-oss:20b",
        420.0,
        {"oss": "ollama"},
    )


def test_scripts_may_be_executed_and_nothing_else(tmp_path: Path) -> None:
    files = write_scaffold(tmp_path / "new")
    executable = {name for name in files if (tmp_path / "new" / name).stat().st_mode & stat.S_IXUSR}

    assert executable == {name for name in files if name.endswith(".sh")}


def test_no_file_keeps_a_name_that_it_was_only_shipped_with(tmp_path: Path) -> None:
    for profile in NAMES:
        files = write_scaffold(tmp_path / profile, profile)

        assert [name for name in files if name.endswith(".py.txt") or "dot-" in name] == []


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()

    assert "honing.yaml" in write_scaffold(tmp_path / "new")


@pytest.mark.parametrize("kind", ["file", "filled", "link", "dangling"])
def test_where_something_lies_nothing_is_written(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "new"
    if kind == "file":
        place.write_text("mine")
    elif kind == "filled":
        place.mkdir()
        (place / "mine.txt").write_text("mine")
    else:
        (tmp_path / "elsewhere").mkdir()
        place.symlink_to(tmp_path / ("elsewhere" if kind == "link" else "none"))
    before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))

    with pytest.raises(UsageError, match="new: is not"):
        write_scaffold(place)

    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == before


def test_a_writing_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "good").mkdir()
    (tmp_path / "good" / "a.txt").write_text("first")
    (tmp_path / "bad").mkdir()
    # A file where the earlier source has a folder's name cannot be written.
    (tmp_path / "good" / "b").mkdir()
    (tmp_path / "good" / "b" / "c.txt").write_text("second")
    (tmp_path / "bad" / "b").write_text("in the way")

    with pytest.raises(UsageError, match=r"^writing "):
        write_project((tmp_path / "good", tmp_path / "bad"), tmp_path / "new")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad", "good"]


def test_an_unknown_profile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there are standard, local-oss-smoke, local-oss-medium"):
        write_scaffold(tmp_path / "new", "huge")


def test_the_form_for_the_predecessor_is_plain_json_of_its_own_keys(tmp_path: Path) -> None:
    write_scaffold(tmp_path / "new", "local-oss-smoke", legacy=True)
    config = json.loads((tmp_path / "new" / "metaharness.json").read_text())
    tasks = json.loads((tmp_path / "new" / "tasks.json").read_text())

    assert set(config) == {
        "objective",
        "constraints",
        "baseline_dir",
        "runs_dir",
        "tasks_file",
        "required_files",
        "allowed_write_paths",
        "default_budget",
        "evaluation_timeout_seconds",
        "backends",
    }
    assert {key for task in tasks for key in task} == {
        "id",
        "type",
        "weight",
        "path",
        "required_phrases",
        "command",
        "expect_exit_code",
    }
