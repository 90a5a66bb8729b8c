"""How the words of `hone measure` are read: lists, pairs, modes, and names that earlier tools used."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from honing.errors import UsageError

if TYPE_CHECKING:
    from honing.contract import Translated


def warn_of_unknown(translation: Translated) -> None:
    """Say on stderr which variables of an earlier tool mean nothing to Honing itself."""
    for name in translation.unknown:
        typer.echo(f"--env {name}: no option of ours stands for it; the commands are given it.", err=True)


def number(translation: Translated, option: str, given: float | None) -> float | None:
    """An option that is a number: as given, else as a variable says it.

    Raises:
        UsageError: The variable holds no positive number.
    """
    text = translation.options.get(option)
    if given is not None or text is None:
        return given
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        flag = option.replace("_", "-")
        raise UsageError(f"--env: the variable for --{flag} needs a number, got {text!r}.")
    return found


def whole(translation: Translated, option: str, given: int | None) -> int | None:
    """Like `number`, without decimals."""
    found = number(translation, option, given)
    return None if found is None else int(found)


def pairs(texts: Sequence[str], option: str = "--env", form: str = "KEY=VALUE") -> dict[str, str]:
    """KEY=VALUE texts as a mapping.

    Raises:
        UsageError: A text has no key.
    """
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"{option} takes {form}, got {text!r}.")
        found[name] = value
    return found


def listed(texts: Sequence[str]) -> list[str]:
    """The entries of comma-separated lists, in order."""
    return [entry.strip() for text in texts for entry in text.split(",") if entry.strip()]


def targets_of(given: Sequence[str], lists: Sequence[str], file: Path | None) -> list[str]:
    """Every target that is named, in order.

    Args:
        given: One each.
        lists: Comma-separated.
        file: One a line; empty lines and lines that begin with # are left out.

    Raises:
        UsageError: None is named, or the file cannot be read.
    """
    found = [*given, *listed(lists)]
    if file is not None:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--targets-file {file}: cannot be read ({error}).") from None
        found += [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    if not found:
        raise UsageError(
            "no target is named. Give a folder or an address, --targets A,B or --targets-file FILE."
        )
    return found


def answering(models: Sequence[str], default: str | None, samples: Path | None) -> list[str]:
    """Who answers: the models that are named, else the one that settings name; nobody where samples are
    given.

    Raises:
        UsageError: Nobody would.
    """
    if samples is not None:
        return []
    if not models and default is None:
        raise UsageError(
            "no model is named. Give --llm MODEL (or set HONING_MODEL), --samples FILE to judge answers you "
            "have, or --llm scripted/perfect to try without a server."
        )
    if len(set(models)) < len(models):
        raise UsageError(f"--llm names a model twice: {', '.join(models)}.")
    return list(models) or [str(default)]


def mode_of(text: str, modes: Any) -> Any:
    """The mode by its name.

    Raises:
        UsageError: There is none of that name.
    """
    try:
        return modes(text)
    except ValueError:
        raise UsageError(
            f"--mode is smoke or full, got {text!r}. For another number of rows give --limit N."
        ) from None


def oracle_of(text: str | None, cwd: Path) -> Any:
    """A file of right answers, or a callable of the user's own by `module:name`.

    Raises:
        UsageError: There is no such file, and it names no callable either.
    """
    if text is None:
        return None
    path = cwd / text
    module, colon, name = text.partition(":")
    if path.is_file() or not colon:
        if not path.is_file():
            raise UsageError(f"--oracle {text}: no such file, and not of the form module:callable.")
        return path
    if str(cwd) not in sys.path:
        # As `python -m` does: the user's own module lies where the command is given.
        sys.path.insert(0, str(cwd))
    try:
        found = getattr(import_module(module), name, None)
    except ImportError as error:
        raise UsageError(f"--oracle {text}: cannot import {module!r} ({error}).") from None
    if not callable(found):
        raise UsageError(f"--oracle {text}: {module!r} has no callable {name!r}.")
    return found
