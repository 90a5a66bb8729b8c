"""A student's harness as a folder: `prompt.txt`, the template, and `harness.yaml`, everything else.

Whoever proposes a harness writes these files, so they are read as hostile: plain files, small, strict YAML,
known keys, values in their ranges.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from honing.documents import Described, checked, parse_yaml, read_plain_file
from honing.errors import MetricsError, UsageError
from honing.learn.acting.harness import HOTTEST, MOST_NOTES, MOST_TRIES, ActingHarness, Note
from honing.learn.prompt import Prompt

TEMPLATE_FILE = "prompt.txt"
RULES_FILE = "harness.yaml"
HARNESS_FILES = (TEMPLATE_FILE, RULES_FILE)
LARGEST_BYTES = 16_384
"""Of one file: a template is read into every decision."""

Tries = Literal["off"] | Annotated[int, Field(ge=1, le=MOST_TRIES, strict=True)]
Phrases = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(max_length=8)]


class NoteSpec(Described):
    """A line of memory."""

    say: str = Field(min_length=1, max_length=1000)
    """What is put in context, where the template has its {patch}."""
    goal: Phrases = ()
    """Phrases that all stand in the goal."""
    seen: Phrases = ()
    """Phrases that all stand in the observation."""
    unseen: Phrases = ()
    """Phrases of which none stands in the observation."""
    can: Phrases = ()
    """Phrases that each stand in some valid action."""


class RulesSpec(Described):
    """harness.yaml."""

    history: int = Field(default=4, ge=0, le=64, strict=True)
    """How many of the last actions the prompt shows."""
    temperature: float = Field(default=1.0, ge=0, le=HOTTEST, allow_inf_nan=False)
    """0 takes the likeliest action always, 1 follows the student's distribution."""
    loop_breaker: Tries = "off"
    """Times that an action may be taken in a row while nothing else is seen."""
    retry: Tries = "off"
    """Times that an action may be tried where the same is seen, in one episode."""
    notes: tuple[NoteSpec, ...] = Field(default=(), max_length=MOST_NOTES)
    """What to remember; the first whose conditions all hold is shown."""


def read_acting(folder: Path) -> ActingHarness:
    """The harness of a folder.

    Raises:
        UsageError: A file is missing, is no plain small file, or says what cannot be used; the text names
            file and line.
    """
    return acting_from_files({name: _text(folder, name) for name in HARNESS_FILES})


def acting_from_files(files: Mapping[str, str]) -> ActingHarness:
    """The harness that these texts, by file, make.

    Raises:
        UsageError: See `read_acting`.
    """
    if missing := [name for name in HARNESS_FILES if name not in files]:
        raise UsageError(f"{missing[0]}: missing; a student's harness is {' and '.join(HARNESS_FILES)}.")
    value, lines = parse_yaml(
        files[RULES_FILE].encode(), source=RULES_FILE, error=UsageError, what="a student's harness"
    )
    spec = checked(
        RulesSpec,
        {} if value is None else value,
        lines,
        source=RULES_FILE,
        error=UsageError,
        what="the harness",
    )
    # Editors end a file with a line break; an action follows the template on the same line.
    template = files[TEMPLATE_FILE].removesuffix("\n")
    return ActingHarness(
        prompt=Prompt(template=template, history=spec.history),
        temperature=spec.temperature,
        loop_breaker=0 if spec.loop_breaker == "off" else spec.loop_breaker,
        retry=0 if spec.retry == "off" else spec.retry,
        notes=tuple(Note(**dict(note)) for note in spec.notes),
    )


def acting_files(harness: ActingHarness) -> dict[str, str]:
    """The texts by file of which `acting_from_files` makes the same harness."""
    values: dict[str, Any] = {
        "history": harness.prompt.history,
        "temperature": harness.temperature,
        "loop_breaker": harness.loop_breaker or "off",
        "retry": harness.retry or "off",
    }
    written = [f"{name}: {value}" for name, value in values.items()]
    # JSON is YAML, so nothing has to be quoted by hand; one note a line makes a small diff.
    notes = [f"  - {json.dumps(note.as_document(), sort_keys=True)}" for note in harness.notes]
    written += ["notes:", *notes] if notes else ["notes: []"]
    return {TEMPLATE_FILE: harness.prompt.template + "\n", RULES_FILE: "\n".join(written) + "\n"}


def _text(folder: Path, name: str) -> str:
    try:
        return read_plain_file(folder, name, max_bytes=LARGEST_BYTES).decode()
    except (MetricsError, OSError) as error:
        raise UsageError(f"{name}: {error}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{name}: it is not UTF-8 ({error}).") from error
