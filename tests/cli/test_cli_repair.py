"""`hone measure --agent`: contracts mended from the command line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hone_process import Hone

from honing.agents import AgentSettings, ScriptedAgent
from honing.llm import ScriptedServer, ToolScript, ToolStep

TARGET = {
    "run.py": "import json, os, urllib.request\n"
    "def ask(text):\n"
    '    said = [{"role": "user", "content": text}]\n'
    '    body = {"model": os.environ["HONING_MODEL"], "messages": said}\n'
    "    request = urllib.request.Request(\n"
    '        os.environ["OPENAI_BASE_URL"] + "/chat/completions", json.dumps(body).encode(),\n'
    '        {"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]})\n'
    '    return json.load(urllib.request.urlopen(request))["choices"][0]["message"]["content"]\n'
    'rows = [json.loads(line) for line in open("questions.jsonl")]\n'
    'json.dump([ask(row["q"]) for row in rows], open("answers.json", "w"))\n',
    "grade.py": "import json\n"
    'rows = [json.loads(line) for line in open("questions.jsonl")]\n'
    'right = sum(row["a"] == said for row, said in zip(rows, json.load(open("answers.json"))))\n'
    'json.dump({"ok": True, "score": right / len(rows)}, open("metrics.json", "w"))\n',
    ".honing/contract.yaml": "schema: 1\noracle: {file: oracle.jsonl}\nstages:\n"
    "  rollout: {commands: [python3 ask.py]}\n  evaluate: {commands: [python3 grade.py]}\n",
}
MEND = "sed -i 's/ask.py/run.py/' .honing/contract.yaml"


def cheating(settings: AgentSettings) -> ScriptedAgent:
    """An agent of the user's own that rewrites the grader."""
    return ScriptedAgent({"grade.py": "print('1.0')\n"}, name="cheating")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    rows = [{"q": f"What is {i} times {i + 2}?", "a": str(i * (i + 2))} for i in range(8)]
    oracle = [{"match": row["q"], "completion": row["a"]} for row in rows]
    made = {"questions.jsonl": rows, "oracle.jsonl": oracle}
    lines = {name: "".join(json.dumps(row) + "\n" for row in found) for name, found in made.items()}
    for name, text in {**TARGET, **lines}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def measure(hone: Hone, *more: str, **environ: str) -> tuple[int, dict[str, object], str]:
    done = hone(
        "measure", str(hone.folder / "target"), "--llm", "scripted/perfect", "--json", *more, environ=environ
    )
    return done.code, json.loads(done.out) if done.out else {}, done.err


def installed() -> str:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = os.environ.get("HONING_AGENTS") or str(cache / "honing" / "agents")
    assert Path(folder, ".installed").is_file(), f"no agents in {folder}: run `make agents`"
    return folder


@pytest.mark.agent_cli
def test_a_broken_target_is_mended_by_codex_in_one_command(hone: Hone, target: Path) -> None:
    with ScriptedServer(ToolScript([ToolStep([("exec_command", {"cmd": MEND})]), "Done."])) as server:
        code, metrics, said = measure(
            hone,
            *("--agent", "codex", "--agent-model", "scripted", "--repair-iters", "2"),
            OPENAI_BASE_URL=f"{server.base_url}/v1",
            OPENAI_API_KEY="sk-0123456789abcdef",
            HONING_AGENTS=installed(),
        )

    assert (code, metrics["ok"], metrics["score"]) == (0, True, 1.0)
    assert "repair 1: repaired" in said
    assert "ask.py" in (target / ".honing/contract.yaml").read_text()


def test_a_refused_patch_is_reported_and_gives_no_score(hone: Hone, target: Path) -> None:
    code, metrics, said = measure(hone, "--agent", f"{__name__}:cheating", "--repair-iters", "1")

    assert (code, metrics["ok"], metrics["score"]) == (1, False, None)
    assert "repair 1: refused: grade.py: only contract files may be changed" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--agent", "nobody"), "known are codex, claude_code, gemini_cli, "),
        (("--agent", "codex"), "Give --agent-model MODEL"),
        (("--repair-iters", "2"), "Give --agent-model MODEL"),
    ],
)
def test_an_agent_that_cannot_be_meant_is_a_usage_error(
    hone: Hone, target: Path, arguments: tuple[str, ...], said: str
) -> None:
    code, _, errors = measure(hone, *arguments)

    assert (code, said in errors) == (2, True)


def test_no_repair_is_asked_for_with_no_iterations(hone: Hone, target: Path) -> None:
    code, metrics, said = measure(hone, "--agent", "nobody", "--repair-iters", "0")

    assert (code, metrics["ok"], "repair" in said) == (1, False, False)
