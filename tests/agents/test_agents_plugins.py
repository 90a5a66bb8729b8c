"""Agents of other people: entry points, module:callable, and back ends written for the predecessor."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from agent_scene import scene

from honing.agents import (
    AgentEvent,
    AgentOutcome,
    AgentRun,
    AgentSettings,
    NopAgent,
    ScriptedAgent,
    Trouble,
    agent_named,
)
from honing.errors import UsageError


def with_settings(settings: AgentSettings) -> ScriptedAgent:
    return ScriptedAgent({"told.txt": str(settings.options["word"])}, name="mine")


class Plain:
    """A class that needs nothing is its own maker."""

    name = "plain"

    def run(self, task: object, *, cancel: object = None) -> object:
        raise NotImplementedError


class Makers:
    """Makers may be nested."""

    @staticmethod
    def nop(settings: AgentSettings) -> NopAgent:
        return NopAgent()


READY = NopAgent()


def broken(settings: AgentSettings) -> None:
    raise ValueError("no such licence")


@dataclass
class Execution:
    """What the predecessor's `invoke` gives."""

    cwd: Path
    stdout_path: Path
    stderr_path: Path
    returncode: int | None = 0
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass
class Event:
    kind: str
    text: str | None = None
    command: str | None = None
    tool_name: str | None = None


@dataclass
class Result:
    """What its `collect` gives."""

    applied: bool
    summary: str
    final_text: str = ""
    changed_files: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


class OldBackEnd:
    """A back end as the predecessor's own documents describe one."""

    name = "old"

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options

    def prepare(self, request: Any) -> Any:
        return request

    def invoke(self, request: Any) -> Execution:
        time.sleep(self._options.get("sleep_s", 0))
        if "raises" in self._options:
            raise RuntimeError(self._options["raises"])
        prompt = request.prompt_path.read_text()
        (request.workspace_dir / "AGENTS.md").write_text(f"{request.candidate_id}: {prompt}")
        out = request.candidate_dir / "proposal" / "stdout.jsonl"
        out.write_text("printed\n")
        return Execution(
            cwd=request.workspace_dir,
            stdout_path=out,
            stderr_path=request.candidate_dir / "none.txt",
            returncode=self._options.get("returncode", 0),
            metadata={"timed_out": self._options.get("late", False)},
        )

    def collect(self, execution: Execution) -> Result:
        events = [Event("message", text="hm"), Event("command", command="ls")]
        return Result(applied=True, summary="it was done", final_text="bye", events=events)


def old_back_end(backend_name: str, project: Any, options: dict[str, Any]) -> OldBackEnd:
    assert backend_name == "plugin"
    return OldBackEnd(options)


def older_back_end(**given: Any) -> OldBackEnd:
    return OldBackEnd(given["options"])


def test_a_callable_is_given_the_settings(tmp_path: Path) -> None:
    agent = agent_named(f"{__name__}:with_settings", AgentSettings(options={"word": "yes"}))
    with scene(tmp_path) as here:
        run = agent.run(here.task)

        assert (agent.name, run.agent, here.left) == ("mine", "mine", {"told.txt": "yes"})


@pytest.mark.parametrize(("path", "name"), [("Plain", "plain"), ("Makers.nop", "nop"), ("READY", "nop")])
def test_a_class_a_nested_maker_and_a_ready_agent_do(path: str, name: str) -> None:
    assert agent_named(f"{__name__}:{path}").name == name


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("broken", "no such licence"),
        ("Event", "gave Event, which has no `name` and `run`"),
        ("pytest", "has no `name` and `run`"),
    ],
)
def test_a_maker_that_gives_no_agent_is_refused(path: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        agent_named(f"{__name__}:{path}")


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Path]:
    """A folder of packages on the import path, as pip would leave them."""
    folder = tmp_path / "site"
    folder.mkdir()
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


def package(folder: Path, name: str, entries: str) -> None:
    """A distribution that offers agents."""
    meta = folder / f"{name}-1.0.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (meta / "entry_points.txt").write_text(f"[honing.agents]\n{entries}\n")


def test_an_installed_plugin_is_found_by_its_name(installed: Path, tmp_path: Path) -> None:
    package(installed, "mine", f"my-agent = {__name__}:with_settings")

    agent = agent_named("my-agent", AgentSettings(options={"word": "x"}))

    assert agent.name == "mine"
    with pytest.raises(UsageError, match="installed plugins: my-agent"):
        agent_named("my-agnet")


def test_our_own_agents_cannot_be_replaced_by_a_plugin(installed: Path) -> None:
    package(installed, "evil", f"codex = {__name__}:with_settings")

    assert agent_named("codex").name == "codex"


def test_two_plugins_of_one_name_are_told_apart_by_the_user(installed: Path) -> None:
    package(installed, "one", f"same = {__name__}:with_settings")
    package(installed, "two", f"same = {__name__}:READY")

    with pytest.raises(UsageError, match=r"several plugins have that name \(.*READY.*with_settings\)"):
        agent_named("same")


def test_a_plugin_that_cannot_be_loaded_says_which_one(installed: Path) -> None:
    package(installed, "gone", "gone = no_such_module:made")

    with pytest.raises(UsageError, match=r"plugin no_such_module:made.*No module named"):
        agent_named("gone")


def ran(
    folder: Path, maker: str = "old_back_end", *, limit_s: float = 30.0, **options: Any
) -> tuple[AgentRun, dict[str, str]]:
    agent = agent_named(f"{__name__}:{maker}", AgentSettings(options=options))
    with scene(folder, limit_s=limit_s) as here:
        run = agent.run(replace(here.task, brief="Be good.", slot=3))
        return run, here.left


@pytest.mark.parametrize("maker", ["old_back_end", "older_back_end"])
def test_a_back_end_of_the_predecessor_proposes(tmp_path: Path, maker: str) -> None:
    run, left = ran(tmp_path, maker)

    assert (run.agent, run.outcome, run.message) == ("old", AgentOutcome.FINISHED, "bye")
    assert (run.stdout, run.exit_code) == ("printed\n", 0)
    assert run.events == (AgentEvent("note", "hm"), AgentEvent("tool", "ls"))
    assert left == {"AGENTS.md": "c0003: Be good."}
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("options", "expected", "said"),
    [
        ({"returncode": 2}, (AgentOutcome.CRASH, Trouble.OTHER), "it was done"),
        ({"returncode": 124, "late": True}, (AgentOutcome.TIMEOUT, Trouble.TIME), "it was done"),
        ({"raises": "no key"}, (AgentOutcome.CRASH, Trouble.OTHER), "the plugin raised RuntimeError: no key"),
    ],
)
def test_its_endings_are_told_apart(
    tmp_path: Path, options: dict[str, Any], expected: tuple[AgentOutcome, Trouble], said: str
) -> None:
    run, _ = ran(tmp_path, **options)

    assert ((run.outcome, run.trouble), run.reason) == (expected, said)


def test_one_that_does_not_return_is_not_waited_for(tmp_path: Path) -> None:
    run, left = ran(tmp_path, limit_s=0.3, sleep_s=2)

    assert (run.outcome, run.trouble, left) == (AgentOutcome.TIMEOUT, Trouble.TIME, {})
