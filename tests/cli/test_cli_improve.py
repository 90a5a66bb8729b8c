"""`hone improve` as a user meets it: refusals, the plan, the table, exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hone_process import Ended, Hone

from honing.llm import ModelRequest, Role, ScriptedModel, ScriptedServer

COUNT = 40


def answer(request: ModelRequest) -> str:
    """Right where it was told to add, and about every third question."""
    number = int(request.messages[-1].text.split("Ann has ")[1].split()[0])
    told = any("add" in one.text for one in request.messages if one.role is Role.SYSTEM)
    return f"#### {2 * number + 1 if told or number % 3 == 0 else -1}"


@pytest.fixture
def folder(hone: Hone) -> Path:
    """Questions, a harness at temperature 0, and a project with a solution."""
    rows = (
        {"question": f"Ann has {i} and gets {i + 1} more. How many?", "answer": f"Add.\n#### {2 * i + 1}"}
        for i in range(COUNT)
    )
    for name, text in {
        "data/test.jsonl": "".join(json.dumps(row) + "\n" for row in rows),
        "prompts/system.md": "Guess.\n",
        "prompts/harness.yaml": "temperature: 0\n",
        "edits.json": json.dumps([{"system.md": "Always add.\n"}]),
        "poor.json": json.dumps([{"system.md": "Guess again.\n"}]),
    }.items():
        (hone.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (hone.folder / name).write_text(text)
    return hone.folder


@pytest.fixture
def model() -> Iterator[dict[str, str]]:
    """The variables of a model on the loopback."""
    with ScriptedServer(ScriptedModel(answer)) as server:
        yield {"OPENAI_BASE_URL": f"{server.base_url}/v1", "OPENAI_API_KEY": "k"}


ASKED = ("improve", "--target", "data", "--harness", "prompts", "--model", "careful", "--budget", "1")


def test_the_table_says_what_each_step_gained_and_the_code_is_0(
    hone: Hone, folder: Path, model: dict[str, str]
) -> None:
    ended = hone(*ASKED, "--agent", "scripted:edits.json", "--run-name", "one", environ=model)
    again = hone(*ASKED, "--agent", "scripted:edits.json", "--run-name", "one", "--json", environ=model)

    found = json.loads(again.out)
    assert (ended.code, again.code) == (0, 0)
    assert "budget, held-out: 50 attempts at tasks at most" not in again.err
    assert "+ harness" in ended.out
    assert "yes, on held-out tasks" in ended.out
    assert (found["ok"], found["improved"], found["run"]) == (True, True, str(hone.runs / "one"))
    assert found["steps"][0]["verdict"]["deterministic"]
    assert Path(found["page"]).is_file()


def test_not_improved_is_code_1(hone: Hone, folder: Path, model: dict[str, str]) -> None:
    ended = hone(*ASKED, "--agent", "scripted:poor.json", "--json", environ=model)

    found = json.loads(ended.out)
    assert (ended.code, found["improved"]) == (1, False)
    assert [row["ending"] for row in found["rows"]] == ["baseline", "nothing", "nothing"]


def test_a_budget_that_does_not_pay_for_the_proof_is_code_2_and_nothing_is_asked(
    hone: Hone, folder: Path
) -> None:
    ended = hone(*ASKED, "--agent", "scripted:edits.json", "--task-runs", "60", "--json")

    assert ended.code == 2
    assert "attempts at tasks at least" in json.loads(ended.out)["reason"]


def test_a_plan_spends_nothing(hone: Hone, folder: Path) -> None:
    ended = hone(*ASKED, "--agent", "scripted:edits.json", "--dry-run", "--json")

    found = json.loads(ended.out)
    assert ended.code == 0
    assert found["budget"]["shares"]["search"]["task_runs"] == 60
    assert not hone.runs.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--model", "m"), "--harness: which prompts are improved?"),
        (("--harness", "prompts"), "--model: who is asked?"),
        (("--harness", "nowhere", "--model", "m"), "is not a folder"),
        (("--harness", "prompts", "--model", "m", "--check-tasks", "400"), "there are 40 different ones"),
        (("--harness", "prompts", "--model", "m", "--retention-limit", "0"), "must lie in (0, 1]"),
    ],
    ids=["no harness", "no model", "no such harness", "too few tasks", "no such limit"],
)
def test_what_cannot_be_done_is_code_2(
    hone: Hone, folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    ended: Ended = hone("improve", "--target", "data", *arguments, "--dry-run")

    assert ended.code == 2
    assert said in ended.err


def test_a_project_brings_its_own_rules_and_solution(hone: Hone, folder: Path, model: dict[str, str]) -> None:
    (folder / "solution").mkdir()
    (folder / "solution" / "prompt.md").write_text("Always add. Be brief.\n")
    (folder / "baseline").mkdir()
    (folder / "baseline" / "prompt.md").write_text("Guess. Be brief.\n")
    (folder / "honing.yaml").write_text(
        "schema: 1\nname: sums\nobjective: Answer right.\nagent: {name: scripted}\nscope: [prompt.md]\n"
        "tasks:\n"
        "  - {id: measured, type: contract, target: data, model: careful, system: prompt.md}\n"
        "  - {id: brief, type: file_phrase, path: prompt.md, required: [Be brief]}\n"
    )
    asked = ("improve", "--target", "data", "--harness", "honing.yaml", "--model", "careful", "--budget", "1")
    ended = hone(*asked, "--json", environ=model)

    found = json.loads(ended.out)
    assert ended.code == 0
    assert found["steps"][0]["verdict"]["ending"] == "kept"
    final = Path(found["run"]) / "final" / "harness"
    assert (final / "prompt.md").read_text() == "Always add. Be brief.\n"
