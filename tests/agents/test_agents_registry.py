"""Agents by name, and where their programs are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from honing.agents import AGENT_NAMES, AgentSettings, AgentTask, Installed, NopAgent, agent_named
from honing.agents.codex import PACKAGE
from honing.agents.installed import find
from honing.agents.launch import version_of
from honing.errors import UsageError
from honing.sandbox import Mount, Scripted, ScriptedSandbox


def made(settings: AgentSettings) -> NopAgent:
    """What `test_agents_registry:made` names."""
    return NopAgent()


def nothing(settings: AgentSettings) -> None:
    """Returns no agent."""


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_every_name_gives_the_agent_of_that_name() -> None:
    told = {"command": AgentSettings(options={"argv": "true"})}

    assert tuple(agent_named(name, told.get(name)).name for name in AGENT_NAMES) == AGENT_NAMES
    assert agent_named("claude-code").name == "claude_code"


def test_an_agent_of_ones_own_is_named_by_module_and_callable() -> None:
    assert isinstance(agent_named(f"{__name__}:made"), NopAgent)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("codecs", "known are codex, claude_code"),
        ("claude", "Did you mean 'claude_code'"),
        ("gemini", "Did you mean 'gemini_cli'"),
        ("nop:now", "takes nothing after its name"),
        ("no_such_module:made", "No module named 'no_such_module'"),
        (f"{__name__}:absent", "no attribute 'absent'"),
        (f"{__name__}:nothing", "it gave NoneType"),
    ],
)
def test_a_name_that_means_no_agent_is_refused(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        agent_named(name)


def test_the_native_program_is_found_below_npms_prefix(tmp_path: Path) -> None:
    package = tmp_path / "node_modules" / "@openai" / "codex-linux-x64"
    native = program(package / "vendor" / "x86_64" / "bin" / "codex")
    program(tmp_path / "node_modules" / ".bin" / "codex")

    found = find(PACKAGE, AgentSettings(folder=tmp_path))

    assert found == Installed(program=native, mounts=(Mount(package),))


def test_npms_wrapper_on_path_leads_to_the_native_program(tmp_path: Path) -> None:
    modules = tmp_path / "lib" / "node_modules"
    wrapper = program(modules / "@openai" / "codex" / "bin" / "codex.js")
    package = modules / "@openai" / "codex" / "node_modules" / "@openai" / "codex-linux-x64"
    native = program(package / "vendor" / "x86_64" / "bin" / "codex")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "codex").symlink_to(wrapper)

    found = find(PACKAGE, AgentSettings(path=str(tmp_path / "bin")))

    assert found == Installed(program=native, mounts=(Mount(package),))


def test_a_program_given_by_name_counts_before_all_others(tmp_path: Path) -> None:
    program(tmp_path / "node_modules" / "@openai" / "codex-linux-x64" / "vendor" / "x" / "bin" / "codex")
    own = program(tmp_path / "own")

    found = find(PACKAGE, AgentSettings(folder=tmp_path, programs={"codex": own}))

    assert found == Installed(program=own, mounts=(Mount(own),))


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    assert find(PACKAGE, AgentSettings(folder=tmp_path, path=str(tmp_path))) is None


def test_a_version_is_asked_for_once_until_the_program_changes(tmp_path: Path) -> None:
    found = Installed(program=program(tmp_path / "codex"), mounts=())
    sandbox = ScriptedSandbox({}, default=Scripted(stdout="codex 1.2.3"))
    task = AgentTask(workspace=tmp_path / "w", brief="", home=tmp_path / "home", sandbox=sandbox)

    first = [version_of(found, task, ("--version",)) for _ in range(3)]
    asked = len(sandbox.commands)
    found.program.write_text("#!/bin/sh\n# another release\n")
    version_of(found, task, ("--version",))

    assert (first, asked, len(sandbox.commands)) == (["1.2.3"] * 3, 1, 2)


def test_a_program_that_says_no_version_is_asked_again(tmp_path: Path) -> None:
    found = Installed(program=program(tmp_path / "codex"), mounts=())
    sandbox = ScriptedSandbox({}, default=Scripted(stdout="what?"))
    task = AgentTask(workspace=tmp_path / "w", brief="", home=tmp_path / "home", sandbox=sandbox)

    assert [version_of(found, task, ("--version",)) for _ in range(2)] == ["", ""]
    assert len(sandbox.commands) == 2
