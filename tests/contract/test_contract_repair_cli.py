"""A broken target is mended by the real Codex and the real Claude Code, on a scripted model."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from repair_scene import FULL, INSTALLED, MENDED, PATH, README, Measured, measured_with

from honing.agents import AgentSettings
from honing.contract import RepairRequest
from honing.llm import ScriptedServer, ToolScript, ToolStep

Write = Callable[..., Path]

pytestmark = [pytest.mark.agent_cli, pytest.mark.parametrize("name", ["codex", "claude_code"])]

WANTS_A_FLAG = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--questions", required=True, help="the file to ask from")
parser.parse_args()
"""
VERSIONS = {"codex": "0.169.0", "claude_code": "2.1.329"}


def mended_by(name: str, target: Path, home: Path, steps: Sequence[ToolStep | str], **more: int) -> Measured:
    """Measure a target that a real agent mends whose model plays `steps`."""
    assert (INSTALLED / ".installed").is_file(), f"no agents in {INSTALLED}: run `make agents`"
    with ScriptedServer(ToolScript(steps)) as server:
        endpoints = {"OPENAI_BASE_URL": f"{server.base_url}/v1", "OPENAI_API_KEY": "sk-0123456789abcdef"}
        installed = AgentSettings(folder=INSTALLED)
        request = RepairRequest(agent=name, model="scripted", installed=installed, **more)
        options = request.options("scripted/perfect", FULL, endpoints)
        assert options is not None
        return measured_with(target, home, options)


def shell(name: str, command: str) -> ToolStep:
    if name == "codex":
        return ToolStep([("exec_command", {"cmd": command})])
    return ToolStep([("Bash", {"command": command, "description": "as told"})])


def test_a_missing_flag_is_found_and_added(write_target: Write, tmp_path: Path, name: str) -> None:
    target = write_target(MENDED, README__md=README)
    (target / "run.py").write_text(WANTS_A_FLAG + (target / "run.py").read_text())
    steps = [
        shell(name, "cat .honing/contract.yaml; python3 run.py --help"),
        shell(name, f"sed -i 's/run.py/run.py --questions questions.jsonl/' {PATH}"),
        "I added the flag that run.py asks for.",
    ]

    found = mended_by(name, target, tmp_path / "runs", steps)

    first, (iteration,) = found.repair["first_failure"], found.repair["iterations"]
    assert (found.result.ok, found.result.score, found.repair["ending"]) == (True, 1.0, "repaired")
    assert (first["kind"], first["stage"], first["names"]) == ("arguments", "rollout", ["--questions"])
    assert iteration["paths"] == [PATH]
    assert (iteration["agent"]["version"], iteration["agent"]["usage"]["calls"]) == (VERSIONS[name], 3)
    assert found.contract.stages.rollout.commands == ("python3 run.py --questions questions.jsonl",)
    signed = [part.part for part in found.contract.provenance if part.by == "agent"]
    assert signed == ["stages.rollout.commands", PATH]


def test_a_patch_of_the_grader_is_refused_and_reported(
    write_target: Write, tmp_path: Path, name: str
) -> None:
    target = write_target(MENDED.replace("run.py", "ask.py"), README__md=README)
    cheat = "import json; json.dump({'ok': True, 'score': 1.0}, open('metrics.json', 'w'))"
    steps = [
        shell(name, f"sed -i 's/ask.py/run.py/' {PATH}; echo {json.dumps(cheat)} > grade.py"),
        "I made the score 1.0.",
    ]

    found = mended_by(name, target, tmp_path / "runs", steps, iterations=1)

    (iteration,) = found.repair["iterations"]
    assert (found.result.ok, found.result.score, iteration["verdict"]) == (False, None, "refused")
    assert [one["where"] for one in iteration["refusals"]] == ["grade.py"]
    assert "+import json; json.dump(" in iteration["patch"]
    assert "only contract files may be changed" in iteration["reason"]
    assert found.contract.stages.rollout.commands == ("python3 ask.py",)
