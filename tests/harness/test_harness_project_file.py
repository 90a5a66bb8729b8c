"""honing.yaml is read whole, or refused with the line of every fault; nothing is run, nothing written."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from honing.errors import ProjectError
from honing.harness import find_project, load_project, project_schema
from honing.harness.project import (
    TRANSIENT,
    AgentChoice,
    Control,
    Judging,
    KeepRule,
    Project,
    Rules,
    Scope,
    SearchSettings,
    Spending,
)
from honing.harness.tasks.base import Cascade
from honing.harness.tasks.command import CommandTask
from honing.harness.tasks.file_phrase import FilePhraseTask

SHORT = """\
schema: 1
name: short
objective: better
tasks:
  - {id: t, type: command, command: ./check}
"""
FULL = """\
schema: 1
name: sums
objective: Add up without mistakes.
constraints: [stay short, no network]
baseline: ./agent/
scope:
  - ./AGENTS.md
  - {path: tools/, class: tool_impl}
single_class: true
required: [AGENTS.md]
transient: [build, "!.cache"]
leakage: false
forbidden: [forty-two]
largest_bytes: 1000
tasks:
  - {id: says, type: file_phrase, path: AGENTS.md, required: [sum]}
  - id: adds
    type: command
    command: ./add 1 2
    weight: 2
    shares: one
held_out: sealed.yaml
search: {name: islands, in_flight: 4, control: none, options: {islands: 2}}
judging:
  repeats: 3
  retest_repeats: 6
  final_repeats: 9
  thresholds: {smoke: 0.5}
  racing: false
  rule: bound
  margin: 0.01
  level: 0.9
  task_timeout_s: 30
agent: {name: claude_code, model: m-1, timeout_s: 420, options: {max_turns: 3}}
agents:
  codex: {model: gpt-oss:20b, options: {oss: ollama}}
budget: {proposals: 7, task_runs: 100, tokens: 9000, cost_usd: 1.5, wall_s: 60}
trace: traces.md
solution: answer
seed: 5
settings:
  output.quiet: true
"""


def made(folder: Path, text: str, **files: str) -> Path:
    """A project with a baseline in `agent` and `baseline`."""
    for name in ("agent", "baseline", "answer"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "AGENTS.md").write_text("Add.\n")
    (folder / "traces.md").write_text("- failed at 2 + 2\n")
    (folder / "sealed.yaml").write_text("- {id: sealed, type: command, command: ./add 3 4}\n")
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content)
    (folder / "honing.yaml").write_text(text)
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(ProjectError) as caught:
        load_project(folder)
    return str(caught.value).replace(f"{folder}/", "")


def test_a_project_is_read_as_it_is_written(tmp_path: Path) -> None:
    assert load_project(made(tmp_path, FULL)) == Project(
        folder=tmp_path,
        file=tmp_path / "honing.yaml",
        name="sums",
        objective="Add up without mistakes.",
        constraints=("stay short", "no network"),
        baseline=tmp_path / "agent",
        rules=Rules(
            scope=(Scope("AGENTS.md"), Scope("tools", "tool_impl")),
            single_class=True,
            required=("AGENTS.md",),
            transient=(*(name for name in TRANSIENT if name != ".cache"), "build"),
            leakage=False,
            forbidden=("forty-two",),
            largest_bytes=1000,
        ),
        tasks=(
            FilePhraseTask(id="says", cascade=Cascade.STATIC, path="AGENTS.md", required=("sum",)),
            CommandTask(id="adds", weight=2, cascade=Cascade.SMOKE, shares="one", command="./add 1 2"),
        ),
        held_out=(CommandTask(id="sealed", cascade=Cascade.SMOKE, command="./add 3 4"),),
        search=SearchSettings(name="islands", in_flight=4, control=Control.NONE, options={"islands": 2}),
        judging=Judging(
            repeats=3,
            retest_repeats=6,
            final_repeats=9,
            thresholds={"smoke": 0.5},
            racing=False,
            rule=KeepRule.BOUND,
            margin=0.01,
            level=0.9,
            task_timeout_s=30,
        ),
        agent=AgentChoice(name="claude_code", model="m-1", timeout_s=420, options={"max_turns": 3}),
        agents={"codex": AgentChoice(name="codex", model="gpt-oss:20b", options={"oss": "ollama"})},
        spending=Spending(proposals=7, task_runs=100, tokens=9000, cost_usd=1.5, wall_s=60),
        trace=tmp_path / "traces.md",
        solution=tmp_path / "answer",
        seed=5,
    )


def test_what_is_not_said_is_as_usual(tmp_path: Path) -> None:
    assert load_project(made(tmp_path, SHORT)) == Project(
        folder=tmp_path,
        file=tmp_path / "honing.yaml",
        name="short",
        objective="better",
        baseline=tmp_path / "baseline",
        tasks=(CommandTask(id="t", cascade=Cascade.SMOKE, command="./check"),),
    )


def test_one_word_stands_for_a_search_an_agent_and_a_budget(tmp_path: Path) -> None:
    found = load_project(made(tmp_path, SHORT + "search: restarts\nagent: nop\nbudget: 12\n"))

    assert (found.search, found.agent, found.spending) == (
        SearchSettings(name="restarts"),
        AgentChoice(name="nop"),
        Spending(proposals=12),
    )


def test_a_run_finds_what_the_project_says_about_its_agent(tmp_path: Path) -> None:
    found = load_project(made(tmp_path, FULL))

    assert found.choice_of("") is found.agent
    assert found.choice_of("claude_code") is found.agent
    assert found.choice_of("codex").model == "gpt-oss:20b"
    assert found.choice_of("pi") == AgentChoice(name="pi")


FAULTS = [
    ("name: sums", "nam: sums", "honing.yaml:2: unknown key 'nam'; did you mean 'name'?"),
    ("schema: 1", "schema: 2", "honing.yaml:1: schema: input should be less than or equal to 1, got 2."),
    (
        "objective: Add up without mistakes.",
        "objective: ''",
        "honing.yaml:3: objective: string should have at",
    ),
    ("name: sums", "name: ../x", "honing.yaml:2: name: string should match pattern"),
    ("baseline: ./agent/", "baseline: nowhere", "honing.yaml:5: baseline: nowhere is not a folder."),
    ("./AGENTS.md", "/etc/passwd", "honing.yaml:7: scope.0.path: must be a path inside the working copy"),
    (
        "class: tool_impl",
        "clas: tool_impl",
        "honing.yaml:8: unknown key 'scope.1.clas'; did you mean 'class'?",
    ),
    ("required: [AGENTS.md]", "required: [../x]", "honing.yaml:10: required.0: must be a path inside"),
    (
        '"!.cache"',
        '"!.cash"',
        "honing.yaml:11: transient: '!.cash' takes back a name that is not among the usual",
    ),
    ("forty-two", "x", "honing.yaml:13: forbidden: 'x' is too short to forbid"),
    (
        "type: file_phrase",
        "type: file_phrases",
        "tasks.0: there is no type 'file_phrases'; did you mean 'file_phrase'?",
    ),
    (
        "required: [sum]",
        "require: [sum]",
        "honing.yaml:16: unknown key 'tasks.0.require'; did you mean 'required'?",
    ),
    ("weight: 2", "weight: 0", "honing.yaml:20: tasks.1.weight: input should be greater than 0, got 0."),
    (
        "command: ./add 1 2",
        "comand: ./add",
        "honing.yaml:19: unknown key 'tasks.1.comand'; did you mean 'command'?",
    ),
    ("id: adds", "id: says", "honing.yaml:17: the task 'says' stands at honing.yaml:16 as well."),
    ("held_out: sealed.yaml", "held_out: gone.yaml", "honing.yaml:22: held_out: gone.yaml is not a file."),
    ("name: islands", "name: isles", "honing.yaml:23: search: there is no 'isles'"),
    (
        "options: {islands: 2}",
        "options: {isles: 2}",
        "honing.yaml:23: search.options.isles: the search 'islands' takes",
    ),
    (
        "in_flight: 4",
        "in_flight: 0",
        "honing.yaml:23: search.in_flight: input should be greater than or equal to 1",
    ),
    (
        "control: none",
        "control: random",
        "honing.yaml:23: search.control: input should be 'best_of_n' or 'none'",
    ),
    (
        "thresholds: {smoke: 0.5}",
        "thresholds: {smoke: 5}",
        "honing.yaml:28: judging.thresholds.smoke: input should be",
    ),
    ("racing: false", "racing: maybe", "honing.yaml:29: judging.racing: input should be a valid boolean"),
    (
        "margin: 0.01",
        "margins: 0.01",
        "honing.yaml:31: unknown key 'judging.margins'; did you mean 'margin'?",
    ),
    (
        "timeout_s: 420",
        "timeout: 420",
        "honing.yaml:34: unknown key 'agent.timeout'; did you mean 'timeout_s'?",
    ),
    ("proposals: 7", "proposals: some", "honing.yaml:37: budget.proposals: input should be a valid integer"),
    ("cost_usd: 1.5", "cost_usd: .inf", "honing.yaml:37: budget.cost_usd: input should be a finite number"),
    ("trace: traces.md", "trace: none.md", "honing.yaml:38: trace: none.md is not a file."),
    ("solution: answer", "solution: none", "honing.yaml:39: solution: none is not a folder."),
    ("solution: answer", "solution: agent/in", "honing.yaml:39: 'solution' lies inside the baseline agent"),
    ("baseline: ./agent/", "baseline: .", "honing.yaml:5: the project's own file lies inside the baseline"),
    (
        "held_out: sealed.yaml",
        "held_out: agent/s.yaml",
        "honing.yaml:22: 'held_out' lies inside the baseline agent",
    ),
    ("seed: 5", "seed: 5\nseed: 6", "honing.yaml:41: not a harness project: the key 'seed' stands twice."),
]


@pytest.mark.parametrize(("good", "bad", "said"), FAULTS, ids=[said for _, _, said in FAULTS])
def test_every_fault_names_its_line(tmp_path: Path, good: str, bad: str, said: str) -> None:
    assert good in FULL
    folder = made(tmp_path, FULL.replace(good, bad, 1))
    (folder / "agent" / "in").mkdir()
    (folder / "agent" / "s.yaml").write_text("- {id: sealed, type: command, command: x}\n")

    assert said in refusal(folder)


def test_every_fault_of_the_schema_is_listed(tmp_path: Path) -> None:
    said = refusal(made(tmp_path, FULL.replace("seed: 5", "seed: x").replace("margin: 0.01", "margin: 2")))

    assert [line.split(":")[1] for line in said.splitlines()] == ["31", "40"]


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    assert refusal(made(tmp_path, "schema: 1\n")).splitlines() == [
        "honing.yaml:1: name: field required.",
        "honing.yaml:1: objective: field required.",
        "honing.yaml:1: tasks: field required.",
    ]


def test_a_document_that_is_no_mapping_is_refused(tmp_path: Path) -> None:
    assert refusal(made(tmp_path, "- a\n")).startswith("honing.yaml:1: a harness project is a mapping")


def test_a_project_without_tasks_is_refused(tmp_path: Path) -> None:
    text = SHORT.partition("tasks:")[0] + "tasks: []\n"

    assert refusal(made(tmp_path, text)) == "honing.yaml:4: tasks: at least one task is needed."


TASK_FILES = [
    ("tasks.yaml", "tasks:\n  - {id: t, type: command, command: ./check}\n"),
    ("tasks.yaml", "- {id: t, type: command, command: ./check}\n"),
    ("tasks.json", '[{"id": "t", "type": "command", "command": "./check"}]'),
]


@pytest.mark.parametrize(("name", "text"), TASK_FILES)
def test_tasks_may_stand_in_a_file_of_their_own(tmp_path: Path, name: str, text: str) -> None:
    folder = made(tmp_path, SHORT.partition("tasks:")[0] + f"tasks: {name}\n")
    (folder / name).write_text(text)

    assert load_project(folder).tasks == (CommandTask(id="t", cascade=Cascade.SMOKE, command="./check"),)


def test_a_fault_in_a_file_of_tasks_names_that_file(tmp_path: Path) -> None:
    folder = made(tmp_path, SHORT.partition("tasks:")[0] + "tasks: t.yaml\n")
    (folder / "t.yaml").write_text("- id: a\n  type: command\n  comand: x\n")

    assert (
        refusal(folder).splitlines()[-1] == "t.yaml:3: unknown key 'tasks.0.comand'; did you mean 'command'?"
    )


def test_held_out_tasks_may_lie_anywhere_and_their_graders_beside_them(tmp_path: Path) -> None:
    elsewhere = tmp_path / "vault"
    elsewhere.mkdir()
    (elsewhere / "grader.py").write_text("def score(folder):\n    return 1.0\n")
    (elsewhere / "sealed.yaml").write_text("- {id: s, type: python, grader: grader.py:score}\n")
    folder = made(tmp_path / "project", SHORT + f"held_out: {elsewhere / 'sealed.yaml'}\n")

    assert [task.id for task in load_project(folder).held_out] == ["s"]


def test_a_grader_that_is_not_there_is_refused_with_the_line_of_its_task(tmp_path: Path) -> None:
    folder = made(tmp_path, SHORT + "held_out:\n  - {id: s, type: python, grader: none.py:score}\n")

    assert refusal(folder).startswith("honing.yaml:7: task 's': ")


def test_a_required_file_that_the_baseline_lacks_is_noted(tmp_path: Path) -> None:
    found = load_project(made(tmp_path, SHORT + "required:\n  - AGENTS.md\n  - GEMINI.md\n"))

    assert found.notes == (
        f"{tmp_path}/honing.yaml:8: the baseline has no GEMINI.md, so every candidate has to add it.",
    )


def test_a_folder_named_solution_is_the_solution(tmp_path: Path) -> None:
    (tmp_path / "solution").mkdir()

    assert load_project(made(tmp_path, SHORT)).solution == tmp_path / "solution"


def test_a_project_is_found_by_its_folder_or_its_file(tmp_path: Path) -> None:
    made(tmp_path, SHORT)

    assert find_project(tmp_path) == tmp_path / "honing.yaml"
    assert find_project(tmp_path / "honing.yaml") == tmp_path / "honing.yaml"


def test_a_honing_yaml_with_nothing_but_settings_is_no_project(tmp_path: Path) -> None:
    (tmp_path / "honing.yaml").write_text("settings:\n  output.quiet: true\n")
    (tmp_path / "metaharness.json").write_text("{}")

    assert find_project(tmp_path) == tmp_path / "metaharness.json"


def test_where_no_project_lies_the_next_step_is_said(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"neither honing\.yaml nor metaharness\.json lies here"):
        load_project(tmp_path)
    with pytest.raises(ProjectError, match="there is no such folder or file"):
        load_project(tmp_path / "none")


def test_opening_a_project_writes_nothing(tmp_path: Path) -> None:
    folder = made(tmp_path, FULL)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}

    load_project(folder)

    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_the_json_schema_accepts_what_opens_and_refuses_what_does_not() -> None:
    schema = project_schema()

    assert schema["properties"]["scope"]["description"] == "What a candidate may change; empty: everything."
    jsonschema.validate(yaml.safe_load(FULL), schema)
    jsonschema.validate(yaml.safe_load(SHORT + "search: restarts\nagent: nop\nbudget: 12\n"), schema)
    for bad in ("nam: x\n", "scope: [{class: prompt}]\n", "budget: none\n"):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(yaml.safe_load(SHORT + bad), schema)
