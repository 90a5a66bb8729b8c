"""Gates on what a contract's stages would run: who is asked, what is fetched, what is written by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from honing.contract.repair.base import Refusal
from honing.contract.repair.patch import Patch, is_declared, refusal, stages_of
from honing.contract.spec import Answers, MetricsSource, StageSpec
from honing.sandbox import Network

_INSTALLS = re.compile(
    r"\b(?:apt-get|apt|dnf|yum|apk|zypper|pacman|brew|conda|mamba)\s+(?:-\S+\s+)*(?:install|add|-S)\b"
    r"|\b(?:pip3?|uv|npm|yarn|cargo|gem)\s+(?:pip\s+)?(?:-\S+\s+)*(?:install|add)\b"
    r"|\bsudo\b"
)
_FROM_ELSEWHERE = re.compile(r"--(?:extra-)?index-url|--trusted-host|--find-links|(?:^|\s)-[if]\s")
_GATEWAY = re.compile(r"^(?:OPENAI|ANTHROPIC|GEMINI|GOOGLE)_\w*$|^GOOGLE_GEMINI_\w*$|^HONING_\w*$")
_SET_BY_HAND = re.compile(
    r"(?<![\w-])((?:OPENAI|ANTHROPIC|GEMINI|GOOGLE_GEMINI|HONING)_\w+)=(?![\"']?\$)|"
    r"\bunset\s+((?:OPENAI|ANTHROPIC|GEMINI|GOOGLE_GEMINI|HONING)_\w+)"
)
_LOADED_FIRST = re.compile(r"^(?:LD_\w+|PYTHONSTARTUP|PYTHONINSPECT|BASH_ENV|ENV|PYTHONHOME)$")
_MAY_FETCH = ("bootstrap", "auth")
_MAY_INSTALL = ("bootstrap",)
_ASKING = (Answers.GATEWAY, Answers.POLICY)


def command_refusals(patch: Patch) -> list[Refusal]:
    """What the contract's stages may not do."""
    return [
        *_nobody_asked(patch),
        *_open_network(patch),
        *_installing(patch),
        *_redirected(patch),
        *_constant(patch),
        *_prewritten(patch),
        *_touching_the_target(patch),
        *_emptied(patch),
    ]


def _nobody_asked(patch: Patch) -> Iterator[Refusal]:
    """A measurement of a model in which no model is asked."""
    before = Answers.GATEWAY if patch.original is None else patch.original.stages.rollout.answers
    after = patch.after.stages.rollout.answers
    if before in _ASKING and after not in _ASKING:
        text = (
            f"a model is measured, so somebody must ask it: `{after.value}` asks none; keep `{before.value}`"
        )
        yield refusal("answers", "stages.rollout.answers", text)


def _open_network(patch: Patch) -> Iterator[Refusal]:
    allowed = {name for name, stage in _original(patch) if stage.network is Network.OPEN}
    for name, stage in patch.stages():
        if stage.network is Network.OPEN and stage.commands and name not in {*_MAY_FETCH, *allowed}:
            text = "the network is open in stages.bootstrap and stages.auth only; fetch there what is needed"
            yield refusal("network", f"stages.{name}.network", text)


def _installing(patch: Patch) -> Iterator[Refusal]:
    for name, stage in patch.changed_stages():
        text = patch.text(stage.commands)
        found = _INSTALLS.search(text)
        if found is not None and name not in _MAY_INSTALL:
            said = f"`{found[0]}`: packages are installed in stages.bootstrap or by environment.install only"
            yield refusal("install", f"stages.{name}", said)
        if _FROM_ELSEWHERE.search(text) and found is not None:
            yield refusal(
                "install", f"stages.{name}", "packages come from the index that the user set, no other"
            )
    environment = patch.after.environment
    if environment is not None and any(_FROM_ELSEWHERE.search(f" {line}") for line in environment.install):
        yield refusal(
            "install", "environment.install", "packages come from the index that the user set, no other"
        )


def _redirected(patch: Patch) -> Iterator[Refusal]:
    """Calls that would go past the gateway, and variables that make programs load other code first."""
    for name, stage in patch.changed_stages():
        found = _SET_BY_HAND.search(patch.text(stage.commands))
        if found is not None:
            text = (
                f"{found[1] or found[2]} says where the measured model is; use its value, never set another"
            )
            yield refusal("redirect", f"stages.{name}.commands", text)
        for variable, value in stage.env.items():
            by_hand = _GATEWAY.match(variable) and not value.startswith("$")
            if by_hand or _LOADED_FIRST.match(variable):
                text = f"{variable} must not be set by a contract's repair"
                yield refusal("redirect", f"stages.{name}.env.{variable}", text)


def _constant(patch: Patch) -> Iterator[Refusal]:
    """A score that is written down instead of measured."""
    spec = patch.after
    names = {"score", spec.metric.name, spec.metric.path.replace("/", ".").split(".")[-1]}
    keys = "|".join(re.escape(name) for name in sorted(names) if name)
    number = re.compile(rf"(?<![\w-])[\"'\\]*(?:{keys})[\"'\\]*\s*[:=]\s*[\"']?[-+]?\.?\d", re.IGNORECASE)
    shown = spec.stages.evaluate.pattern if spec.stages.evaluate.source is MetricsSource.STDOUT else ""
    for name, stage in patch.changed_stages():
        if name not in ("evaluate", "benchmark", "rollout"):
            continue
        text = patch.text(stage.commands)
        if number.search(text) or (shown and re.search(shown, text)):
            said = "a number stands where the measured score belongs; the target's own grader gives it"
            yield refusal("constant", f"stages.{name}.commands", said)


def _prewritten(patch: Patch) -> Iterator[Refusal]:
    """Results that lie among the contract's own files."""
    stages = patch.after.stages
    places = {
        "stages.evaluate.metrics_path": stages.evaluate.metrics_path,
        "stages.evaluate.results.path": stages.evaluate.results.path if stages.evaluate.results else "",
        "stages.rollout.samples": stages.rollout.samples or "",
        "oracle.file": (patch.after.oracle.file if patch.after.oracle else "") or "",
    }
    for where, place in places.items():
        if place.startswith(".honing"):
            yield refusal("prewritten", where, "results and gold do not lie in .honing: a stage writes them")


def _touching_the_target(patch: Patch) -> Iterator[Refusal]:
    known = set() if patch.original is None else set(patch.original.stages.rollout.writes)
    for pattern in patch.after.stages.rollout.writes:
        touched = sorted(name for name in patch.names if fnmatchcase(name, pattern))
        if touched and pattern not in known:
            text = f"{pattern!r} lets the rollout change files of the target ({', '.join(touched[:3])})"
            yield refusal("writes", "stages.rollout.writes", text)


def _emptied(patch: Patch) -> Iterator[Refusal]:
    """Stages of the target or the user that a repair does away with."""
    if patch.original is None or not is_declared(patch.original):
        return
    after = dict(patch.stages())
    for name, stage in stages_of(patch.original):
        if stage.commands and not after[name].commands:
            text = "this stage had commands; mend them instead of leaving them out"
            yield refusal("emptied", f"stages.{name}.commands", text)


def _original(patch: Patch) -> Iterator[tuple[str, StageSpec]]:
    if patch.original is not None:
        yield from stages_of(patch.original)
