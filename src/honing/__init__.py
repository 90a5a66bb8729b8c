"""Honing makes an LLM agent better at any benchmark and proves it.

The public names load lazily, so `import honing` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from honing._version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from honing.contract import RepairOptions, RolloutOptions, Session, SetupOptions
    from honing.store import Run

__all__ = ["__version__", "load_run", "repair_with", "setup"]


def setup(
    target: str | Path | Mapping[str, Any], options: SetupOptions | None = None, **more: Any
) -> Session:
    """Make a target ready to roll out, with the models that the environment names (`OPENAI_API_KEY`, ...).

    Args:
        target: A folder; or a mapping with the key "target" and any field of `SetupOptions`.
        options: How to set it up.
        **more: Passed on to `honing.contract.setup`.

    Raises:
        HoningError: See `honing.contract.setup`.
    """
    import os
    from collections.abc import Mapping
    from dataclasses import replace

    from honing.contract import SetupOptions, SourceOptions
    from honing.contract import setup as set_up
    from honing.settings import load_settings

    settings = load_settings(environ=os.environ)
    source = SourceOptions(**settings.fetching(os.environ))
    if isinstance(target, Mapping):
        target = {"source": source, **target}
    elif options is None or options.source == SourceOptions():
        options = replace(options or SetupOptions(), source=source)
    session = set_up(target, options, **more)
    session.models = settings.models.endpoints()
    return session


def repair_with(
    agent: str = "",
    *,
    model: str = "",
    iterations: int | None = None,
    measured: str = "",
    asked: RolloutOptions | None = None,
) -> RepairOptions | None:
    """Who may write or mend a contract, for `setup(..., repair=...)`; agents and models as the environment
    names them.

    Args:
        agent: Its name, or `module:callable`; HONING_AGENT where empty.
        model: The agent's model; HONING_AGENT_MODEL where empty, then the measured one.
        iterations: Patches to ask for at most; 0 for none.
        measured: The model that will be measured.
        asked: How it will be asked.

    Raises:
        UsageError: There is no such agent, or it needs a model and none is named.
    """
    import os

    from honing.agents import AgentSettings
    from honing.contract import RepairRequest, RolloutOptions
    from honing.settings import load_settings

    settings = load_settings(environ=os.environ)
    request = RepairRequest(
        agent=agent or settings.agents.default or "",
        model=model or settings.agents.model or "",
        iterations=iterations,
        installed=AgentSettings(**settings.installed_agents(os.environ)),
    )
    return request.options(measured, asked or RolloutOptions(), settings.models.endpoints())


def load_run(path: str | Path) -> Run:
    """Open a run folder.

    Raises:
        StoreError: There is no run, it is damaged, or another version of Honing wrote it.
    """
    from honing.store import load_run as load

    return load(path)
