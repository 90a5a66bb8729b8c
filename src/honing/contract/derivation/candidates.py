"""Which of the commands that a target names should run: those that can, and that reach the gateway."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from honing.contract.derivation.filling import Filled
from honing.contract.derivation.passed_over import Rejected
from honing.contract.hints import Hint, Option, Role, Trap, modules_of
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
_SDK = re.compile(
    rb"(?m)^[ \t]*(?:import|from)[ \t]+(?:openai|anthropic|litellm|llm|google\.gen(?:erative)?ai|vllm|"
    rb"langchain\w*|mistralai|cohere|together)\b|^[ \t]*from[ \t]+transformers[ \t]+import[^\n]*\b"
    rb"(?:pipeline|AutoModelForCausalLM)\b|transformers\.(?:pipeline|AutoModelForCausalLM)\b"
)
"""Imports of what asks a model. In a module that a program imports only these count, not single words."""
_NAMES_MODEL = re.compile(r"--(?:model|agent|llm)(?:[-_](?:name|id))?")
"""Options of a program that asks, however deep in its package it does so."""
_SELECTOR = re.compile(
    r"--?(?!(?:num|n|max|min|per|list|all|no)[-_])(?:[a-z]+[-_])?(?:tasks?|suites?|envs?|environments?|scenarios?|"
    r"subsets?|subjects?|categor(?:y|ies)|problems?|questions?|games?|instances?)(?:[-_](?:ids?|names?|list))?"
)
"""Options that choose some of a benchmark's tasks."""
_PART_COSTS = 0.05
"""Of what speaks for a command, for each option that leaves tasks out: more than its place on the page."""
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
    files = [word.strip("'\"") for word in hint.command.split() if word.strip("'\"").endswith(".py")]
    paths = [folder / hint.workdir / file for file in files]
    if any(_shows(path, _MODEL_SIGNS) or _shows(path, _SDK) for path in paths):
        return True
    if len(files) > 1 or any(one.kind is HoleKind.SAMPLES for one in hint.placeholders):
        # It runs the file that it is given, or judges answers: what its package can do besides is not done.
        return False
    deep = any(_NAMES_MODEL.fullmatch(word.split("=", 1)[0]) for word in hint.command.split())
    return any(_shows(folder / module, _SDK) for module in modules_of(folder, hint, deep=deep))


def _shows(path: Path, signs: re.Pattern[bytes]) -> bool:
    if not path.is_file() or path.is_symlink():
        return False
    with path.open("rb") as stream:
        return signs.search(stream.read(_MAX_SOURCE)) is not None


def selectors(hint: Hint, options: Sequence[Option]) -> tuple[str, ...]:
    """The options of a command by which it takes only some of the tasks, as they are written."""
    long = {name: (one.name, *one.aliases) for one in options for name in (one.name, *one.aliases)}
    words = [word.split("=", 1)[0] for word in hint.command.split() if word.startswith("-")]
    chosen = [word for word in words if any(_SELECTOR.fullmatch(name) for name in long.get(word, (word,)))]
    return tuple(dict.fromkeys(chosen))


def part_costs(hint: Hint, chosen: Sequence[str], others: Sequence[Hint]) -> float:
    """What speaks against a command that takes some tasks, where the same program is shown more often."""
    again = any(one is not hint and set(one.programs) & set(hint.programs) for one in others)
    return _PART_COSTS * len(chosen) if again else 0.0


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
    value += 0.3 if any(one.kind is HoleKind.MODEL for one in hint.placeholders) else 0.0
    return value - 0.1 * len(filled.choices)


def judging_too(hints: Sequence[Hint], rollouts: Sequence[Hint]) -> list[Hint]:
    """Commands that ask, by programs of which the target says elsewhere that they evaluate."""
    programs = {
        hint.programs[-1] for hint in of_role(hints, Role.EVALUATE) if hint.asks_model and hint.programs
    }
    return [hint for hint in rollouts if hint.asks_model and hint.programs and hint.programs[-1] in programs]


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
