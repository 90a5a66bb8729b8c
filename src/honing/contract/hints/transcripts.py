"""Which lines of a block are typed, and which are what the machine answered."""

from __future__ import annotations

import re
from collections.abc import Sequence

from honing.contract.hints.block import Block, Line

SHELL_LANGUAGES = frozenset(
    {"bash", "sh", "shell", "zsh", "console", "terminal", "shell-session", "shellsession", "sh-session",
     "bash-session", "commandline", "command", "fish", "ksh", "cmd", "cli"}
)  # fmt: skip
PLAIN_LANGUAGES = frozenset({"", "text", "txt", "plain", "plaintext", "none", "raw", "prompt", "default"})

MAX_LINES = 400
"""Of one block. What is longer is no list of commands."""
MAX_LINE = 4_000
"""Characters."""

_PROMPT = re.compile(
    r"\s*(?:\([\w .-]{1,40}\)\s*)?(?:[\w.-]{1,40}@[\w.-]{1,60}[: ~/\w.-]{0,80})?[$%\u276f\u279c]\s+(?=\S)"
)
_SECONDARY = re.compile(r"\s*>\s")
_NOTEBOOK = re.compile(r"\s*!\s*(?=[a-z./])")
_PYTHON = re.compile(r"\s*(?:>>>|\.\.\.(?=\s+\S)|In \[\d+\]:)")
_STARTS_LIKE_SHELL = re.compile(
    r"\s*(?:[A-Z_]+=\S+\s+)?(?:python3?\s+(?:-m\s+)?[\w./-]+|pip3?\s+install|bash\s+\S+|sh\s+\S+\.sh|\./\S+|torchrun|"
    r"accelerate\s+launch|docker\s+(?:run|build|compose)|uv\s+(?:run|pip|sync)|git\s+clone|conda\s+\w+|export\s+\w+=)"
)


def typed_lines(block: Block) -> list[Line]:
    """The lines of a block that somebody types into a shell, without their prompts.

    Where one line has a prompt, only those with one count, and those that continue them. Text in another
    language counts where it says so itself: notebook lines (`!pip install x`), or a block that is marked as
    Python but begins with a shell command.
    """
    lines = [line for line in block.lines[:MAX_LINES] if len(line.text) <= MAX_LINE]
    if block.certain or block.inline:
        return _prompted(lines) or lines
    prompted = _prompted(lines)
    if prompted:
        return prompted if block.language not in ("python", "py", "pycon") else []
    if any(_PYTHON.match(line.text) for line in lines) or _is_settings(lines):
        return []
    if block.language in SHELL_LANGUAGES or block.language in PLAIN_LANGUAGES:
        return lines
    first = next(
        (line.text for line in lines if line.text.strip() and not line.text.lstrip().startswith("#")), ""
    )
    if block.language in ("python", "py") and _STARTS_LIKE_SHELL.match(first) and "(" not in first:
        return lines
    return [Line(line.number, _NOTEBOOK.sub("", line.text)) for line in lines if _NOTEBOOK.match(line.text)]


def _is_settings(lines: Sequence[Line]) -> bool:
    """Whether the first line is the head of an INI or TOML section."""
    first = next((line.text.strip() for line in lines if line.text.strip()), "")
    return re.fullmatch(r"\[{1,2}[\w. :\"-]+\]{1,2}", first) is not None


def _prompted(lines: Sequence[Line]) -> list[Line]:
    found: list[Line] = []
    continued = False
    for line in lines:
        prompt = _PROMPT.match(line.text)
        if prompt is not None:
            text = line.text[prompt.end() :]
        elif continued:
            text = _SECONDARY.sub("", line.text, count=1)
        else:
            continue
        found.append(Line(line.number, text))
        continued = text.rstrip().endswith("\\")
    return found
