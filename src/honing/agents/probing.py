"""Trying an agent out on the smallest task there is, so that what is wrong shows before it matters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from honing.agents.base import Agent, AgentOutcome, AgentRun, AgentTask, Trouble
from honing.agents.installed import AgentSettings, find
from honing.agents.inventory import package_of
from honing.agents.launch import contained, version_of
from honing.sandbox import remove_tree

FILE = "honing-probe.txt"
WORD = "ready"
BRIEF = (
    f"Write the file {FILE} into the current folder. Its only content is the word {WORD}. Do nothing else, "
    "and then say that you are done."
)


class Support(StrEnum):
    """How far an agent was shown to work here. Each level holds the ones before it."""

    NONE = "none"
    LAUNCHES = "launches"
    """Its program starts and says its version."""
    WRITES = "writes"
    """It did what it was asked to do, and the file is there."""
    VALIDATED = "validated"
    """It made a harness better: a benchmark says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """Whether an agent's program starts, which costs nothing to find out."""

    ok: bool
    version: str = ""
    """Empty for an agent that is no program of its own."""
    trouble: Trouble = Trouble.NONE
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What an agent turned out to be able to do."""

    launches: bool
    """Its program starts and says its version."""
    answers: bool
    """Its model answered it."""
    writes: bool
    """It wrote what it was asked to write."""
    trouble: Trouble
    reason: str
    run: AgentRun

    @property
    def ok(self) -> bool:
        return self.writes


def launched(name: str, settings: AgentSettings, task: AgentTask) -> Launch:
    """Start an agent's program as far as its version. No model is asked.

    Args:
        name: The agent's.
        settings: Where programs are looked for.
        task: Its sandbox and home are used.

    Raises:
        MissingToolError: The sandbox lacks a protection.
        SandboxError: The sandbox itself failed.
    """
    package = package_of(name)
    if package is None:
        return Launch(ok=True)
    installed = find(package, settings)
    if installed is None:
        return Launch(
            ok=False, trouble=Trouble.PROGRAM, reason=f"the program {package.command!r} was not found"
        )
    contained(task, package.agent)
    try:
        version = version_of(installed, task, ("--version",))
    finally:
        remove_tree(task.home)
    if not version:
        said = f"`{installed.program} --version` names no version"
        return Launch(ok=False, trouble=Trouble.VERSION, reason=said)
    return Launch(ok=True, version=version)


def probe(agent: Agent, task: AgentTask) -> Probe:
    """Ask an agent to write one small file.

    Args:
        agent: Who is tried.
        task: Where and with which model; its brief is replaced, its workspace must be empty.
    """
    run = agent.run(replace(task, brief=BRIEF))
    path = task.workspace / FILE
    wrote = path.is_file() and not path.is_symlink() and path.read_text(errors="replace").strip() == WORD
    trouble, reason = run.trouble, run.reason
    if run.outcome is AgentOutcome.FINISHED and not wrote:
        trouble, reason = _nothing_written(run)
    return Probe(
        launches=trouble not in (Trouble.PROGRAM, Trouble.VERSION),
        answers=run.usage.calls > run.usage.failed,
        writes=wrote,
        trouble=Trouble.NONE if wrote else trouble,
        reason="" if wrote else reason,
        run=run,
    )


def _nothing_written(run: AgentRun) -> tuple[Trouble, str]:
    """Why an agent that ended well left no file: its tools did nothing, or its model asked for none."""
    gone = f"it ended well and {FILE} is not there"
    if not run.usage.calls:
        return Trouble.OTHER, f"{gone}: it asked no model"
    if any(event.kind == "tool" for event in run.events):
        return Trouble.PERMISSION, f"{gone}: it used its tools, which may not write there"
    return Trouble.MODEL, f"{gone}: its model answered and used no tool that writes"


_NEXT = {
    Trouble.VERSION: "Install the version that its adapter is tested with: `make agents`.",
    Trouble.AUTHENTICATION: (
        "Set the key of the model's provider (OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY) or write it "
        "in .env; `hone doctor` shows which are set. The agent itself needs none: the gateway holds it."
    ),
    Trouble.MODEL: (
        "Name a model that the server has and that can use tools: --agent-model MODEL. Of a local server: "
        "`ollama pull MODEL`, and the agent option oss."
    ),
    Trouble.PERMISSION: (
        "Something kept it from writing: a folder that it may not write, or a tool that it is not let use. "
        "Try `hone doctor`, the tested version (`make agents`), and another sandbox."
    ),
    Trouble.RATE_LIMIT: "Wait, or raise the limits that the provider has set for this key.",
    Trouble.SERVER: "The model's server failed: try again later, or ask whoever runs it.",
    Trouble.UNREACHABLE: (
        "Check that the server runs and its address (OPENAI_BASE_URL, ANTHROPIC_BASE_URL, "
        "GOOGLE_GEMINI_BASE_URL, OLLAMA_HOST); for Ollama: `ollama serve`."
    ),
    Trouble.BUDGET: "Give it more to spend: --token-limit, --cost-limit.",
    Trouble.LIMIT: "It needs more memory or disk than there is for it: close other programs, or free space.",
    Trouble.TIME: "Give it more time: --agent-timeout SECONDS; a local model may need minutes.",
    Trouble.OTHER: "Read what it printed (--json: run.stderr, run.stdout).",
}


def next_step(name: str, trouble: Trouble) -> str:
    """What to do about a trouble, in one or two sentences; empty where there is none."""
    package = package_of(name)
    if trouble is Trouble.PROGRAM:
        install = f", or `npm install -g {package.npm}@{package.version}`" if package is not None else ""
        return f"Install it: `make agents`{install}. It is looked for in HONING_AGENTS, then on PATH."
    return _NEXT.get(trouble, "")
