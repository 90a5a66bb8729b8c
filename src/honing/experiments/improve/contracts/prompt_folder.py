"""A harness as a folder: what a model is told beside the question, and how it is sampled.

    system.md      system prompt; the contract's own where there is none
    template.txt   text around each prompt, with `{prompt}` once
    harness.yaml   temperature, top_p, max_tokens

A proposer writes these files, so they are read strictly: whatever cannot be used has a reason, and never ends
the search.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from honing.documents import Described, checked, parse_yaml
from honing.errors import UsageError
from honing.llm import Sampling

SYSTEM = "system.md"
TEMPLATE = "template.txt"
SETTINGS = "harness.yaml"
FILES = (SYSTEM, TEMPLATE, SETTINGS)
LARGEST_BYTES = 200_000
"""Of one file."""

ReadText = Callable[[str], str | None]
"""The text of a file of a harness by its name; None where there is no plain file of that name and size."""


class SamplingSettings(Described):
    """harness.yaml. What is left out is not sent, and the server decides."""

    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    """0 for the likeliest answer every time."""
    top_p: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=200_000)] | None = None
    """Of a reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Which files of a harness are what; empty for none."""

    system: str = SYSTEM
    template: str = TEMPLATE
    settings: str = SETTINGS

    def all(self) -> tuple[str, ...]:
        """The files that there are names for."""
        return tuple(name for name in (self.system, self.template, self.settings) if name)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptHarness:
    """A harness, read."""

    system: str = ""
    template: str = ""
    sampling: Sampling = field(default_factory=Sampling)


def read_harness(read: ReadText, names: Names) -> PromptHarness:
    """The harness that files make.

    Raises:
        UsageError: A file cannot be used; the text says which and why.
    """
    template = read(names.template) if names.template else None
    if template is not None and template.count("{prompt}") != 1:
        raise UsageError(
            f"{names.template} must hold {{prompt}} exactly once, found {template.count('{prompt}')}."
        )
    return PromptHarness(
        system=(read(names.system) or "") if names.system else "",
        template=template or "",
        sampling=_sampling(read(names.settings) if names.settings else None, names.settings),
    )


def _sampling(text: str | None, name: str) -> Sampling:
    if text is None or not text.strip():
        return Sampling()
    value, lines = parse_yaml(
        text.encode("utf-8", "replace"), source=name, error=UsageError, what="harness settings"
    )
    found = checked(SamplingSettings, value, lines, source=name, error=UsageError, what="the settings")
    return Sampling(temperature=found.temperature, top_p=found.top_p, max_tokens=found.max_tokens)
