"""The command line `hone`: arguments, printing, exit codes. `docs/cli.md` says how to add a command."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        argv: Arguments without the program's name; those of the process when None.
    """
    from honing.cli.app import run

    return run(argv)
