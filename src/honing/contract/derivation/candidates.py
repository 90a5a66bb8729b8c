"""Which of the commands that a target names should run: those that can, and that reach the gateway."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from honing.contract.derivation.filling import Filled
from honing.contract.derivation.passed_over import Rejected
from honing.contract.hints import Hint, Role, Trap
from honing.contract.spec import HoleKind

_BLOCKING = {
    Trap.GPU: "it needs a GPU",
    Trap.DOCKER: "it needs a container engine",
    Trap.SUDO: "it needs root",
    Trap.PIPED_INSTALLER: "it runs what the network answers",
    Trap.DISPLAY: "it opens a window",
}
LEAST_CONFIDENCE = 0.5
_OURS = re.compile(r"OPENAI_[A-Z_]*|LLM_API_KEY|API_KEY")
_KEY_NAME = re.compile(r"\b([A-Z][A-Z0-9_]*_(?:API_KEY|TOKEN|ROLE_ARN|CREDENTIALS)|API_KEY)\b")
_ENGINE = re.compile(
    r"--?(?:backend|provider|engine|server|client|api[-_]type|model[-_]type|llm[-_]type|model[-_]backend)"
    r"[ =]['\"]?([\w.-]+)"
)
_OPEN_ENGINES = re.compile(r"(?i)openai|oai|gateway|litellm|chat|api")
_HELP = re.compile(r"(?<!\S)(?:--help|-h)\b|--version\b|--resume\b|--continue")
_MODEL_SIGNS = re.compile(rb"openai|OPENAI_|base_url|chat/completions|anthropic|litellm")
_MAX_SOURCE = 1024 * 1024


def split_by_traps(hints: Sequence[Hint]) -> tuple[list[Hint], list[Rejected]]:
    """Commands that could run here, and those that could not, with the reason."""
    usable: list[Hint] = []
    rejected: list[Rejected] = []
    for hint in hints:
        why = why_not(hint)
        if why:
            rejected.append(Rejected(hint, why))
        else:
            usable.append(hint)
    return usable, rejected


def why_not(hint: Hint) -> str:
    """Why a command cannot run here; empty where it can."""
    for found in hint.traps:
        if found.trap in _BLOCKING:
            return f"{_BLOCKING[found.trap]} ({found.why})"
    if _HELP.search(hint.command):
        return "it shows help, or goes on with earlier work"
    if hint.confidence < LEAST_CONFIDENCE:
        return "too little shows that it runs the benchmark" + (
            f" ({hint.why.rstrip('.')})" if hint.why else ""
        )
    return ""


def asks_model(hint: Hint, folder: Path) -> bool:
    """Whether a command talks to a model: it says so, or its program's source does."""
    if hint.asks_model:
        return True
    for word in hint.command.split():
        path = folder / hint.workdir / word.strip("'\"")
        if word.endswith(".py") and path.is_file() and not path.is_symlink():
            with path.open("rb") as stream:
                if _MODEL_SIGNS.search(stream.read(_MAX_SOURCE)):
                    return True
    return False


def worth(filled: Filled, options: frozenset[str]) -> float:
    """How much speaks for a command that asks a model, the greater the better."""
    hint = filled.hint
    value = hint.confidence - 2.0 * len(filled.holes)
    if any(one.kind is HoleKind.BASE_URL for one in hint.placeholders):
        value += 2.5
    elif "OPENAI_BASE_URL" in filled.command:
        value += 1.5
    engine = _ENGINE.search(filled.command)
    if engine is not None:
        value += 1.5 if _OPEN_ENGINES.search(engine[1]) else -3.0
    others = other_keys(hint.env, hint.command)
    if others and "$OPENAI_API_KEY" not in filled.command and not {"--api-key", "--api_key"} & options:
        value -= 3.0
    value -= 0.3 if hint.source not in ("readme", "docs") else 0.2 if hint.source == "docs" else 0.0
    # A question somewhere in the source may never be asked: nobody is there, so it fails where it is.
    value -= 0.75 if any(found.trap is Trap.INTERACTIVE for found in hint.traps) else 0.0
    return value - 0.1 * len(filled.choices)


def main_programs(hints: Sequence[Hint]) -> Mapping[str, float]:
    """Share of the commands that each program has: what a target's pages show most is its main one."""
    counts = Counter(program for hint in hints for program in set(hint.programs))
    return {program: count / len(hints) for program, count in counts.items()}


def other_keys(env: Mapping[str, str], command: str) -> list[str]:
    """Keys of other providers that a command or the text around it sets."""
    named = [*(name for name in env if _KEY_NAME.fullmatch(name)), *_KEY_NAME.findall(command)]
    return [name for name in named if not _OURS.fullmatch(name)]


def of_role(hints: Sequence[Hint], *roles: Role) -> list[Hint]:
    """The hints of a role, in their order."""
    return [hint for hint in hints if hint.role in roles]
