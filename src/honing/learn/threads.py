"""Sums of floating numbers depend on how many threads share them: here it is always one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from honing.errors import MissingToolError


def stay_on_one_thread() -> None:
    """From here on torch computes on one thread in this process: results do not depend on the machine, and
    as many processes as there are cores do not get into each other's way.

    Raises:
        MissingToolError: torch is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingToolError("this needs the extra `teach`: pip install 'honing[teach]'") from error
    torch.set_num_threads(1)


@contextmanager
def one_thread() -> Iterator[None]:
    """The same for a while."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
