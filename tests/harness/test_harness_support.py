"""How far an agent works: launched, asked for a file, and judged by what it makes of a tiny project."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from honing.agents import AgentSettings, Support, Trouble
from honing.errors import UsageError
from honing.harness import SupportRequest, support_of
from honing.llm import Fault, FaultKind, ScriptedServer, ToolScript, ToolStep

IMPROVES = """
if [ -d scripts ]; then
  printf '# Guide for coding agents\\n\\nRun `scripts/validate.sh`; look at `git status`.\\n' > AGENTS.md
  printf '# Context\\n\\nRead AGENTS.md.\\n' > GEMINI.md
  printf '#!/usr/bin/env bash\\ntest -s AGENTS.md\\n' > scripts/validate.sh
else
  echo ready > honing-probe.txt
fi
"""
"""Does what either level asks for."""
WRITES_ONLY = "[ -d scripts ] || echo ready > honing-probe.txt"
INSTALLED = Path(
    os.environ.get("HONING_AGENTS")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "honing", "agents")
)
"""Where scripts/agents installs."""
KEY = "sk-of-the-user-0123456789abcdef"


def program(folder: Path, text: str) -> str:
    """The name of an agent that is a program with that text."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "my-agent"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return f"command:{path}"


def test_a_program_that_improves_a_harness_is_validated_by_its_score(tmp_path: Path) -> None:
    report = support_of(SupportRequest(agent=program(tmp_path, IMPROVES)))

    found = report.as_document()
    run = found.pop("run")
    assert found == {
        "agent": f"command:{tmp_path}/my-agent",
        "model": None,
        "support": "validated",
        "ok": True,
        "version": None,
        "tested_version": None,
        "launches": True,
        "answers": False,
        "writes": True,
        "validated": True,
        "score_before": 0.2,
        "score_after": 1.0,
        "outcome": "keep",
        "trouble": None,
        "reason": None,
        "next_step": None,
        "sandbox": report.sandbox,
    }
    assert json.loads(json.dumps(run))["outcome"] == "finished"


def test_one_that_writes_and_improves_nothing_is_told_from_one_that_does(tmp_path: Path) -> None:
    report = support_of(SupportRequest(agent=program(tmp_path, WRITES_ONLY)))

    found = report.as_document()
    assert (report.support, report.ok, found["validated"], found["outcome"]) == (
        Support.WRITES, False, False, "no-change",
    )  # fmt: skip
    assert "made the project local-oss-smoke no better; no-change" in report.reason
    assert "Try a stronger model" in report.next_step


@pytest.mark.parametrize(("level", "ok"), [(Support.LAUNCHES, True), (Support.WRITES, True)])
def test_it_is_tried_no_further_than_asked(tmp_path: Path, level: Support, *, ok: bool) -> None:
    report = support_of(SupportRequest(agent=program(tmp_path, WRITES_ONLY), level=level))

    assert (report.support, report.ok, report.validation) == (level, ok, None)


@pytest.mark.parametrize(("name", "support"), [("oracle", Support.VALIDATED), ("nop", Support.LAUNCHES)])
def test_the_controls_bracket_the_tiny_project(name: str, support: Support) -> None:
    report = support_of(SupportRequest(agent=name))

    assert (report.support, report.writes_nothing, report.probe) == (support, True, None)


def test_the_cheat_does_not_pass_for_an_agent_that_works() -> None:
    report = support_of(SupportRequest(agent="cheat"))

    assert (report.support, report.ok) == (Support.LAUNCHES, False)


def codex(folder: Path, script: str = "exit 0") -> AgentSettings:
    """Settings under which `codex` is a small program."""
    path = folder / "codex"
    path.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then echo codex 9.8.7; exit 0; fi\n{script}\n')
    path.chmod(0o755)
    return AgentSettings(path=str(folder))


@pytest.mark.parametrize(
    ("model", "options", "endpoints", "trouble", "said"),
    [
        ("", {}, {}, Trouble.MODEL, "no model is configured"),
        ("openai/gpt-5", {}, {}, Trouble.AUTHENTICATION, "Set OPENAI_API_KEY"),
        ("my-model", {}, {}, Trouble.AUTHENTICATION, "nothing says where it is"),
        ("", {"oss": "somewhere"}, {}, Trouble.MODEL, "is no local server"),
    ],
    ids=["no model", "no key", "no server", "no such local server"],
)
def test_what_is_missing_to_ask_a_model_is_said_before_it_is_asked(
    tmp_path: Path,
    model: str,
    options: dict[str, str],
    endpoints: dict[str, str],
    trouble: Trouble,
    said: str,
) -> None:
    request = SupportRequest(
        agent="codex", model=model, options=options, endpoints=endpoints, installed=codex(tmp_path)
    )

    report = support_of(request)

    assert (report.support, report.ok, report.trouble, report.probe) == (
        Support.LAUNCHES, False, trouble, None,
    )  # fmt: skip
    assert said in report.reason
    assert report.as_document()["version"] == "9.8.7"


def test_an_agent_that_is_not_installed_says_how_to_install_it(tmp_path: Path) -> None:
    report = support_of(SupportRequest(agent="codex", installed=AgentSettings(path=str(tmp_path))))

    assert (report.support, report.trouble) == (Support.NONE, Trouble.PROGRAM)
    assert "npm install -g @openai/codex@0.169.0" in report.next_step


def test_an_agent_that_does_not_exist_is_the_callers_mistake() -> None:
    with pytest.raises(UsageError, match="there is no such agent"):
        support_of(SupportRequest(agent="codecs"))


STEPS = {
    "codex": ToolStep([("exec_command", {"cmd": IMPROVES})]),
    "claude_code": ToolStep([("Bash", {"command": IMPROVES, "description": "as told"})]),
}


def real(name: str, server: ScriptedServer, **options: object) -> SupportRequest:
    """The real program, its model on a loopback server."""
    assert (INSTALLED / ".installed").is_file(), f"no agents in {INSTALLED}: run `make agents`"
    return SupportRequest(
        agent=name,
        model="scripted",
        installed=AgentSettings(folder=INSTALLED),
        endpoints={"OPENAI_BASE_URL": f"{server.base_url}/v1", "OPENAI_API_KEY": KEY},
        **options,  # type: ignore[arg-type]
    )


@pytest.mark.agent_cli
@pytest.mark.parametrize("name", STEPS)
def test_the_real_programs_are_validated(name: str) -> None:
    with ScriptedServer(ToolScript([STEPS[name], "Done."]), key=KEY) as server:
        report = support_of(real(name, server))

        found = report.as_document()
        assert (report.support, found["score_before"], found["score_after"]) == (Support.VALIDATED, 0.2, 1.0)
        assert found["version"] == found["tested_version"]
        assert len(server.requests) == 4


@pytest.mark.agent_cli
@pytest.mark.parametrize(
    ("kind", "text", "trouble"),
    [
        (FaultKind.UNAUTHORIZED, "", Trouble.AUTHENTICATION),
        (FaultKind.BAD_REQUEST, "the model `scripted` does not exist", Trouble.MODEL),
    ],
)
def test_a_real_programs_trouble_with_its_model_is_named(
    kind: FaultKind, text: str, trouble: Trouble
) -> None:
    faults = [Fault(kind=kind, text=text)] * 50
    with ScriptedServer(ToolScript(["Done."]), faults=faults, key=KEY) as server:
        report = support_of(real("codex", server, level=Support.WRITES))

        assert (report.support, report.trouble) == (Support.LAUNCHES, trouble)
        assert report.next_step


@pytest.mark.agent_cli
def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    with ScriptedServer(ToolScript(["Done."]), key=KEY) as server:
        request = real("codex", server)

    report = support_of(request)

    assert (report.support, report.trouble) == (Support.LAUNCHES, Trouble.UNREACHABLE)
    assert "OLLAMA_HOST" in report.next_step
