"""One option of a program, as its source declares it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option or argument that a program takes."""

    name: str
    """As it is written on the command line (`--dataset`), or the bare name of a positional argument."""
    aliases: tuple[str, ...] = ()
    """Its other spellings."""
    choices: tuple[str, ...] = ()
    default: str | None = None
    """As Python would print it; None where there is none."""
    required: bool = False
    flag: bool = False
    """Whether it takes no value."""
    type: str = ""
    """`int`, `float`, `str`, `bool`, `path`; empty where the source does not say."""
    help: str = ""
    anchor: str = ""
    """file:line of its declaration."""
