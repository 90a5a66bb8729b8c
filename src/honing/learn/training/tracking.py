"""Training curves on Weights & Biases, where a project is named and the package is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec

from honing.learn.training.options import SftOptions

Log = Callable[[Mapping[str, float], int], None]
"""Takes figures and the step they belong to."""


@contextmanager
def tracked(options: SftOptions, name: str, told: Callable[[str], None]) -> Iterator[Log]:
    """One run of the project for as long as the block runs; figures go nowhere where none is named.

    Args:
        options: `wandb_project` names the project.
        name: Of the run.
        told: Is told where the package is not installed.
    """
    if not options.wandb_project:
        yield lambda figures, step: None
        return
    if find_spec("wandb") is None:
        told(f"{name}: not reported to {options.wandb_project!r}: the package wandb is not installed")
        yield lambda figures, step: None
        return
    import wandb

    wandb.init(project=options.wandb_project, name=name, config=options.as_document())
    try:
        yield lambda figures, step: wandb.log(dict(figures), step=step)
    finally:
        wandb.finish()
