"""The real Gemini CLI, OpenCode and Pi each improve a harness, and what they made of it is kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from honing.agents import AgentSettings, Support, Trouble
from honing.harness import SupportRequest, support_of
from honing.llm import ScriptedServer, ToolScript, ToolStep

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
STEPS = {
    "gemini_cli": ToolStep([("run_shell_command", {"command": IMPROVES})]),
    "opencode": ToolStep([("bash", {"command": IMPROVES, "description": "as told"})]),
    "pi": ToolStep([("bash", {"command": IMPROVES})]),
}
INSTALLED = Path(
    os.environ.get("HONING_AGENTS")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "honing", "agents")
)
"""Where scripts/agents installs."""


@pytest.mark.agent_cli
@pytest.mark.slow
@pytest.mark.parametrize("name", STEPS)
def test_each_is_validated_by_a_score_that_rises_to_the_top(name: str) -> None:
    assert (INSTALLED / ".installed").is_file(), f"no agents in {INSTALLED}: run `make agents`"
    with ScriptedServer(ToolScript([STEPS[name], "Done."])) as server:
        report = support_of(
            SupportRequest(
                agent=name,
                model="scripted",
                timeout_s=300.0,
                installed=AgentSettings(folder=INSTALLED),
                endpoints={"OPENAI_BASE_URL": f"{server.base_url}/v1", "OPENAI_API_KEY": "sk-any-key"},
            )
        )

        found = report.as_document()
        assert (report.support, report.trouble) == (Support.VALIDATED, Trouble.NONE)
        assert (found["score_before"], found["score_after"]) == (0.2, 1.0)
        assert found["version"] == found["tested_version"]
        assert len(server.requests) == 4
