"""Where the programs of Gemini CLI, OpenCode and Pi are found, and what runs them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from agent_scene import replaying, scene

from honing.agents import AgentSettings, GeminiCliAgent, Installed, OpenCodeAgent, PiAgent, agent_named
from honing.agents.gemini_cli import PACKAGE as GEMINI
from honing.agents.installed import Package, find
from honing.agents.opencode import PACKAGE as OPENCODE
from honing.agents.pi import PACKAGE as PI
from honing.errors import UsageError
from honing.sandbox import Mount


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/usr/bin/env node\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("name", "kind"), [("gemini-cli", GeminiCliAgent), ("opencode", OpenCodeAgent), ("pi", PiAgent)]
)
def test_each_has_its_name(name: str, kind: type) -> None:
    assert type(agent_named(name)) is kind


@pytest.mark.parametrize("package", [GEMINI, PI], ids=["gemini_cli", "pi"])
def test_a_script_for_node_is_shown_all_modules_around_it(tmp_path: Path, package: Package) -> None:
    script = program(tmp_path / "node_modules" / package.native[0] / package.native[1])

    found = find(package, AgentSettings(folder=tmp_path))

    assert found == Installed(program=script, mounts=(Mount(tmp_path / "node_modules"),))
    assert found.argv == (str(script),)


def test_a_node_of_the_users_own_runs_the_script_and_is_shown_as_well(tmp_path: Path) -> None:
    modules = tmp_path / "lib" / "node_modules"
    script = program(modules / "@mariozechner/pi-coding-agent/dist/cli.js")
    node = program(tmp_path / "bin" / "node")
    (tmp_path / "bin" / "pi").symlink_to(script)

    found = find(PI, AgentSettings(path=str(tmp_path / "bin")))

    assert found == Installed(program=script, mounts=(Mount(modules), Mount(node)), interpreter=node)
    assert found.argv == (str(node), str(script))


def test_a_program_of_another_kind_is_not_given_to_node(tmp_path: Path) -> None:
    program(tmp_path / "node")
    own = program(tmp_path / "pi")

    assert find(PI, AgentSettings(path=str(tmp_path))) == Installed(program=own, mounts=(Mount(own),))


def test_of_opencodes_two_binaries_the_usual_one_is_started_where_both_are(tmp_path: Path) -> None:
    modules = tmp_path / "node_modules"
    stub = program(modules / "opencode-ai/bin/opencode.exe")
    baseline = program(modules / "opencode-linux-x64-baseline/bin/opencode")

    only = find(OPENCODE, AgentSettings(folder=tmp_path))
    usual = program(modules / "opencode-linux-x64/bin/opencode")
    both = find(OPENCODE, AgentSettings(folder=tmp_path))

    assert stub.is_file()
    assert only == Installed(program=baseline, mounts=(Mount(baseline.parents[1]),))
    assert both == Installed(program=usual, mounts=(Mount(usual.parents[1]),))


@pytest.mark.parametrize("name", ["opencode", "pi"])
def test_the_sizes_of_a_model_are_options(name: str) -> None:
    agent_named(name, AgentSettings(options={"context_tokens": 32_000, "output_tokens": 4_096}))

    with pytest.raises(UsageError, match="Did you mean 'context_tokens'"):
        agent_named(name, AgentSettings(options={"context_token": 32_000}))
    with pytest.raises(UsageError, match="option 'output_tokens' must be int, got 'many'"):
        agent_named(name, AgentSettings(options={"output_tokens": "many"}))


@pytest.mark.parametrize(
    ("kind", "program_name", "look", "shown"),
    [
        (OpenCodeAgent, "opencode", 'echo "$OPENCODE_CONFIG_CONTENT"', '{"context": 32000, "output": 4096}'),
        (PiAgent, "pi", "cat ~/pi/models.json", '"contextWindow": 32000, "maxTokens": 4096'),
    ],
    ids=["opencode", "pi"],
)
def test_the_sizes_of_a_model_reach_the_program(
    tmp_path: Path, kind: type[OpenCodeAgent | PiAgent], program_name: str, look: str, shown: str
) -> None:
    sizes = {"context_tokens": 32_000, "output_tokens": 4_096}
    settings = replace(replaying(tmp_path / "bin", program_name, f"{look} > seen.txt"), options=sizes)
    with scene(tmp_path) as here:
        kind(settings).run(here.task)

        assert shown in here.left["seen.txt"]
