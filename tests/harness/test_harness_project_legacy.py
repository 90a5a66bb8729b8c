"""Projects of the predecessor open as they are; what its files said means the same here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from honing.errors import ProjectError
from honing.harness import load_project
from honing.harness.project import TRANSIENT, AgentChoice, Judging, Rules, Scope, SearchSettings, Spending
from honing.harness.tasks.base import Cascade
from honing.harness.tasks.command import CommandTask
from honing.harness.tasks.file_phrase import FilePhraseTask

PHRASE = {
    "id": "says",
    "type": "file_phrase",
    "path": "AGENTS.md",
    "required_phrases": ["sum"],
    "weight": 0.5,
}
COMMAND = {"id": "runs", "type": "command", "command": "bash scripts/test.sh"}
LEAST: dict[str, Any] = {"objective": "Be better."}


def made(folder: Path, config: dict[str, Any], tasks: list[Any] | None = None) -> Path:
    (folder / "baseline").mkdir(parents=True, exist_ok=True)
    (folder / "metaharness.json").write_text(json.dumps({**LEAST, **config}, indent=1))
    (folder / "tasks.json").write_text(json.dumps([PHRASE, COMMAND] if tasks is None else tasks, indent=1))
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(ProjectError) as caught:
        load_project(folder)
    return str(caught.value).replace(f"{folder}/", "")


def shared(**more: Any) -> dict[str, Any]:
    return {"shares": "workspace", "cascade": Cascade.FULL, **more}


def test_the_least_project_opens_with_the_predecessors_places(tmp_path: Path) -> None:
    found = load_project(made(tmp_path / "sums", {}))

    assert (found.name, found.legacy, found.notes) == ("sums", True, ())
    assert (found.baseline, found.runs) == (tmp_path / "sums" / "baseline", tmp_path / "sums" / "runs")
    assert (found.spending, found.search) == (Spending(proposals=1), SearchSettings())
    assert found.held_out == ()


def test_all_tasks_share_one_copy_in_their_order(tmp_path: Path) -> None:
    later = {"id": "later", "type": "command", "command": "test -e .venv", "expect_exit_code": 3, "weight": 2}

    assert load_project(made(tmp_path, {}, [COMMAND, PHRASE, later])).tasks == (
        CommandTask(id="runs", command="bash scripts/test.sh", **shared()),
        FilePhraseTask(id="says", path="AGENTS.md", required=("sum",), **shared(weight=0.5)),
        CommandTask(id="later", command="test -e .venv", expected_exit_code=3, **shared(weight=2.0)),
    )


def value_of(found: Any, way: str) -> Any:
    for name in way.split("."):
        found = getattr(found, name)
    return found


CODEX = {"model": "gpt-oss:20b", "proposal_timeout_seconds": 420}
LOCAL = {**CODEX, "use_oss": True, "local_provider": "lmstudio"}
KEYS: list[tuple[dict[str, Any], str, Any]] = [
    ({"name": "sums"}, "name", "sums"),
    ({"objective": "Add up."}, "objective", "Add up."),
    ({"constraints": ["short", "offline"]}, "constraints", ("short", "offline")),
    ({"workspace_layout": ["src holds code"]}, "constraints", ("Layout: src holds code",)),
    (
        {"required_files": ["AGENTS.md", "scripts/test.sh"]},
        "rules.required",
        ("AGENTS.md", "scripts/test.sh"),
    ),
    (
        {"allowed_write_paths": ["AGENTS.md", "scripts/", {"path": "tools", "class": "tool_impl"}]},
        "rules.scope",
        (Scope("AGENTS.md"), Scope("scripts"), Scope("tools", "tool_impl")),
    ),
    ({}, "rules", Rules(leakage=False)),
    ({"single_class": True}, "rules.single_class", True),
    ({"leakage_gate": True}, "rules.leakage", True),
    ({"leakage_forbidden": ["forty-two"]}, "rules.forbidden", ("forty-two",)),
    ({"transient_paths": ["build"]}, "rules.transient", (*TRANSIENT, "build")),
    ({"proposal_timeout_seconds": 180}, "agent.timeout_s", 180.0),
    ({}, "judging", Judging()),
    ({"evaluation_timeout_seconds": 90}, "judging.task_timeout_s", 90.0),
    ({"default_budget": 4}, "spending.proposals", 4),
    ({"search_mode": "hill-climb"}, "search", SearchSettings(name="greedy")),
    ({"search_mode": "hill-climb", "proposal_batch_size": 3}, "search.in_flight", 3),
    ({"search_mode": "frontier"}, "search", SearchSettings(name="frontier", in_flight=2)),
    ({"search_mode": "frontier", "proposal_batch_size": 5}, "search.in_flight", 5),
    # An iteration of `frontier` evaluated as many candidates as its batch has.
    ({"search_mode": "frontier", "proposal_batch_size": 3, "default_budget": 2}, "spending.proposals", 6),
    ({"selection_policy": "single"}, "search.name", "greedy"),
    ({"selection_policy": "pareto"}, "search.name", "frontier"),
    ({"seed": 3}, "seed", 3),
    ({}, "agent", AgentChoice(name="codex")),
    ({"backends": {"codex": CODEX}}, "agent", AgentChoice(name="codex", model="gpt-oss:20b", timeout_s=420)),
    ({"backends": {"codex": LOCAL}}, "agent.options", {"oss": "lmstudio"}),
    ({"backends": {"codex": {"use_oss": True}}}, "agent.options", {"oss": "ollama"}),
    ({"backends": {"gemini": {"model": "g"}}}, "agent", AgentChoice(name="gemini_cli", model="g")),
    ({"backends": {"opencode": {"model": "o/m"}}}, "agent", AgentChoice(name="opencode", model="o/m")),
    ({"backends": {"pi": {}}}, "agent", AgentChoice(name="pi")),
    ({"backends": {"fake": {}}}, "agent", AgentChoice(name="scripted")),
    (
        {"backends": {"codex": CODEX, "pi": {}}, "default_backend": "pi"},
        "agent",
        AgentChoice(name="pi"),
    ),
    (
        {"backend_plugins": {"mine": {"factory": "pkg.mod:make", "options": {"depth": 2}}}},
        "agent",
        AgentChoice(name="pkg.mod:make", options={"depth": 2}),
    ),
    ({"example_profile": "coding-tool-scaffold"}, "notes", ()),
]


@pytest.mark.parametrize(("config", "way", "expected"), KEYS, ids=[f"{c} -> {way}" for c, way, _ in KEYS])
def test_a_key_means_what_it_meant(tmp_path: Path, config: dict[str, Any], way: str, expected: Any) -> None:
    assert value_of(load_project(made(tmp_path, config)), way) == expected


def test_a_run_may_choose_an_agent_by_the_name_it_had(tmp_path: Path) -> None:
    plugin = {"factory": "pkg.mod:make", "options": {"depth": 2}}
    backends = {"codex": CODEX, "gemini": {"model": "g"}}
    config = {"backends": backends, "backend_plugins": {"mine": plugin}, "proposal_timeout_seconds": 60}
    found = load_project(made(tmp_path, config))

    names = ("", "gemini", "gemini-cli", "fake", "claude", "mine", "pi")
    assert {name: found.choice_of(name) for name in names} == {
        "": AgentChoice(name="codex", model="gpt-oss:20b", timeout_s=420),
        "gemini": AgentChoice(name="gemini_cli", model="g", timeout_s=60),
        "gemini-cli": AgentChoice(name="gemini_cli", model="g", timeout_s=60),
        "fake": AgentChoice(name="scripted", timeout_s=60),
        "claude": AgentChoice(name="claude_code", timeout_s=60),
        "mine": AgentChoice(name="pkg.mod:make", timeout_s=60, options={"depth": 2}),
        "pi": AgentChoice(name="pi"),
    }


def test_places_may_have_other_names(tmp_path: Path) -> None:
    folder = made(
        tmp_path,
        {
            "baseline_dir": "harness",
            "runs_dir": "out/runs",
            "tasks_file": "t/search.json",
            "test_tasks_file": "t/sealed.json",
            "trace_evidence_path": "traces.md",
        },
    )
    (folder / "harness").mkdir()
    (folder / "t").mkdir()
    (folder / "t" / "search.json").write_text(json.dumps([PHRASE]))
    (folder / "t" / "sealed.json").write_text(json.dumps([COMMAND]))
    (folder / "traces.md").write_text("it failed\n")

    found = load_project(folder)

    assert (found.baseline, found.runs) == (folder / "harness", folder / "out" / "runs")
    assert [task.id for task in (*found.tasks, *found.held_out)] == ["says", "runs"]
    assert found.trace == folder / "traces.md"


def test_what_is_not_known_is_noted_with_its_line_and_passed_over(tmp_path: Path) -> None:
    odd = {**COMMAND, "retries": 2}
    backends = {"codex": {"sandbox_mode": "workspace-write", "approval_policy": "never"}}
    config = {"default_buget": 3, "backends": backends}

    found = load_project(made(tmp_path, config, [odd]))

    assert [note.replace(f"{tmp_path}/", "").split("; ")[0] for note in found.notes] == [
        "metaharness.json:3: unknown key 'default_buget'",
        "tasks.json:6: unknown key 'tasks.0.retries'",
        "metaharness.json:7: 'approval_policy' of the back end 'codex' is passed over: here an agent runs in "
        "Honing's own sandbox, without questions.",
        "metaharness.json:6: 'sandbox_mode' of the back end 'codex' is passed over: here an agent runs in "
        "Honing's own sandbox, without questions.",
    ]
    assert "did you mean 'default_budget'?" in found.notes[0]


def test_keys_that_say_nothing_are_no_news(tmp_path: Path) -> None:
    whole = {**COMMAND, "path": None, "required_phrases": []}

    assert load_project(made(tmp_path, {}, [whole])).notes == ()


def test_a_task_without_phrases_asks_for_the_file(tmp_path: Path) -> None:
    empty = {"id": "there", "type": "file_phrase", "path": "a b.md", "required_phrases": []}

    assert load_project(made(tmp_path, {}, [empty])).tasks == (
        CommandTask(id="there", command="test -f 'a b.md'", **shared()),
    )


def test_a_phrase_may_be_a_whole_paragraph(tmp_path: Path) -> None:
    (task,) = load_project(made(tmp_path, {}, [{**PHRASE, "required_phrases": ["sum " * 1000]}])).tasks

    assert task == FilePhraseTask(
        id="says", path="AGENTS.md", required=("sum " * 1000,), **shared(weight=0.5)
    )


def test_a_weight_of_nothing_prepares_the_copy_and_counts_for_nothing(tmp_path: Path) -> None:
    found = load_project(made(tmp_path, {}, [{**COMMAND, "weight": 0}, PHRASE]))

    assert [task.weight for task in found.tasks] == [1e-12, 0.5]
    assert [note.rpartition(": ")[2] for note in found.notes] == ["a weight of 0 counts as 1e-12 here."]


FAULTS: list[tuple[dict[str, Any], list[Any] | None, str]] = [
    ({"objective": ""}, None, "metaharness.json:1: 'objective' is missing"),
    ({"constraints": 3}, None, "metaharness.json:3: constraints must be a text or a list of texts, got 3."),
    ({"baseline_dir": "none"}, None, "metaharness.json:3: baseline_dir: none is not a folder."),
    ({"tasks_file": "none.json"}, None, "metaharness.json:3: tasks_file: none.json is not a file."),
    (
        {"search_mode": "beam"},
        None,
        "metaharness.json:3: search_mode must be hill-climb or frontier, got 'beam'.",
    ),
    ({"allowed_write_paths": "scripts"}, None, "metaharness.json:3: allowed_write_paths must be a list"),
    ({"allowed_write_paths": [3]}, None, "metaharness.json:4: allowed_write_paths.0 must be a path"),
    ({"default_budget": -1}, None, "metaharness.json:3: default_budget must be a whole number of 0 or more"),
    ({"leakage_gate": "yes"}, None, "metaharness.json:3: leakage_gate must be true or false, got 'yes'."),
    ({"backends": {"codex": 1}}, None, "metaharness.json:4: backends.codex must be a mapping, got 1."),
    ({"backend_plugins": {"x": {"factory": "f"}}}, None, "backend_plugins.x.factory must be module:callable"),
    ({}, [], "tasks.json:1: a file of tasks is a list of at least one task."),
    (
        {},
        [{"id": "a", "type": "judge"}],
        "tasks.json:4: a task's type must be file_phrase or command, got 'judge'.",
    ),
    ({}, [{**COMMAND, "weight": -1}], "tasks.json:6: tasks.0.weight must be a number above 0, got -1."),
    ({}, [{**COMMAND, "id": None}], "tasks.json:2: task None: id: "),
    ({}, [COMMAND, COMMAND], "tasks.json:7: the task 'runs' stands at tasks.json:2 as well."),
    ({}, [{**PHRASE, "path": "../x"}], "tasks.json:2: task 'says': path: "),
]


@pytest.mark.parametrize(("config", "tasks", "said"), FAULTS, ids=[said for _, _, said in FAULTS])
def test_every_fault_names_its_line(
    tmp_path: Path, config: dict[str, Any], tasks: list[Any] | None, said: str
) -> None:
    assert said in refusal(made(tmp_path, config, tasks))
