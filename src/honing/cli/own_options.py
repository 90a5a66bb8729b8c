"""The options of `hone` itself. They may stand anywhere on the line: before the command or after it.

They are read here and not by typer, which would load pydantic to check them, also for `hone doctor --help`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from honing.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnOption:
    """One option of `hone` itself."""

    names: tuple[str, ...]
    """Long name first."""
    key: str
    """The setting it gives."""
    value: Any = None
    """What the option means, where it takes no value."""
    metavar: str = ""
    """What its value is called; empty where it takes none."""
    sentence: str
    """What `hone --help` says about it."""

    @property
    def help_row(self) -> tuple[str, str]:
        """The line of `hone --help`: shorter names first, as typer writes them."""
        return " ".join(filter(None, [", ".join(reversed(self.names)), self.metavar])), self.sentence


SETTINGS_FILE = "settings"
"""Key of the one option that is no setting but says where settings lie."""

OWN_OPTIONS = (
    OwnOption(names=("--home",), key="paths.home", metavar="FOLDER", sentence="Folder of runs."),
    OwnOption(
        names=("--settings",),
        key=SETTINGS_FILE,
        metavar="FILE",
        sentence="Config file to use instead of those found.",
    ),
    OwnOption(names=("--color",), key="output.colour", metavar="WHEN", sentence="auto, always or never."),
    OwnOption(
        names=("--quiet", "-q"), key="output.quiet", value=True, sentence="Print results and errors only."
    ),
    OwnOption(names=("--no-progress",), key="output.progress", value=False, sentence="Show no progress."),
    OwnOption(
        names=("--track",),
        key="tracking.track",
        metavar="TRACKER",
        sentence="Tell mlflow, wandb, tensorboard, csv or parquet of the run when it has ended.",
    ),
    OwnOption(
        names=("--debug",), key="output.debug", value=True, sentence="Show the stack trace of an error."
    ),
)
_BY_NAME: Mapping[str, OwnOption] = {name: option for option in OWN_OPTIONS for name in option.names}


def take_own_options(arguments: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Split the line into what `hone` itself is told, by key, and what its command is told.

    Nothing is taken after a `--`. The last of an option given twice counts.

    Raises:
        UsageError: An option lacks its value, or is given one that it does not take.
    """
    own: dict[str, Any] = {}
    rest: list[str] = []
    position = 0
    while position < len(arguments) and arguments[position] != "--":
        name, equals, value = arguments[position].partition("=")
        position += 1
        option = _BY_NAME.get(name)
        if option is None:
            rest.append(arguments[position - 1])
            continue
        if not option.metavar:
            if equals:
                raise UsageError(f"{name} takes no value; found {value!r}. Write {name} alone.")
            own[option.key] = option.value
            continue
        if not equals:
            if position == len(arguments) or arguments[position] == "--":
                raise UsageError(f"{name} needs a value: {name} {option.metavar}.")
            value = arguments[position]
            position += 1
        own[option.key] = value
    return own, [*rest, *arguments[position:]]
