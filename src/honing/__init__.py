"""Honing makes an LLM agent better at any benchmark and proves it.

The public names load lazily, so `import honing` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from honing._version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from honing.contract import Session, SetupOptions
    from honing.store import Run

__all__ = ["__version__", "load_run", "setup"]


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


def load_run(path: str | Path) -> Run:
    """Open a run folder.

    Raises:
        StoreError: There is no run, it is damaged, or another version of Honing wrote it.
    """
    from honing.store import load_run as load

    return load(path)
