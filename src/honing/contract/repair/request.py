"""From what a user says (an agent's name, its model, how often) to the options of a repair."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from honing.agents import AgentSettings, agent_named, needs_model
from honing.contract.options import RolloutOptions
from honing.contract.repair.base import Iteration, RepairOptions
from honing.errors import UsageError
from honing.llm import Source, Upstream, resolve

DEFAULT_AGENT = "codex"
DEFAULT_ITERATIONS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairRequest:
    """Who shall repair contracts, as a user says it."""

    agent: str = ""
    """Name, or `module:callable`; the default where empty."""
    model: str = ""
    """The agent's model; the one that is measured where empty."""
    iterations: int | None = None
    """Patches to ask for; 0 for none."""
    installed: AgentSettings = field(default_factory=AgentSettings)
    told: Callable[[Iteration], None] = lambda _: None
    """Is told how each iteration ended."""

    def options(
        self, measured: str, asked: RolloutOptions, endpoints: Mapping[str, str]
    ) -> RepairOptions | None:
        """The options of a repair; None where none is asked for.

        Args:
            measured: The model that will be measured.
            asked: How it will be asked.
            endpoints: Addresses and keys of models by their usual variable names.

        Raises:
            UsageError: There is no such agent, or it needs a model and none is named.
            ModelAuthenticationError: Its model's provider needs a key that is not set.
        """
        if self.iterations == 0 or not (self.agent or self.iterations):
            return None
        name = self.agent or DEFAULT_AGENT
        model = self.model or ("" if _is_played(measured) else measured)
        if needs_model(name) and not model:
            raise UsageError(
                f"--agent {name}: which model is it to use? Give --agent-model MODEL (or set "
                "HONING_AGENT_MODEL)."
            )
        asks = needs_model(name) or bool(self.model)
        return RepairOptions(
            agent=agent_named(name, self.installed),
            model=model if asks else "",
            source=_source(model, endpoints) if asks else None,
            iterations=DEFAULT_ITERATIONS if self.iterations is None else self.iterations,
            measured=measured,
            asked=asked,
            told=self.told,
        )


def _is_played(model: str) -> bool:
    """Whether a name stands for no server: a scripted model, or a file of samples."""
    return not model or model.startswith(("scripted/", "samples:"))


def _source(model: str, endpoints: Mapping[str, str]) -> Callable[[], Source]:
    """Makes what answers for the agent's model: anew for every run of it, since each has its own gateway."""
    found = resolve(model, endpoints)
    return lambda: Upstream(found.endpoint, model=found.model)
