"""What a command is for, by evidence: its program, its name, its options, the words around it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from honing.contract.hints.base import Role
from honing.contract.hints.invocations import Form, Invocation
from honing.contract.hints.role_words import MODEL_OPTION, OPTIONS, PREFIXES, PROGRAMS, TOKENS

_ORDER = (Role.EVALUATE, Role.ROLLOUT, Role.SERVE, Role.TEST, Role.DATA, Role.INSTALL, Role.OTHER)
"""Of several programs in one command, the one that comes first here says what the command is for."""
_FOLDER_WEIGHT = 0.5
_ASKING = 0.6
_MAKERS = frozenset({"generate", "generating", "gen", "create", "make", "build", "write"})
_MADE = (
    (
        Role.OTHER,
        frozenset(
            [
                "config",
                "configs",
                "configuration",
                "docs",
                "doc",
                "list",
                "mds",
                "readme",
                "table",
                "report",
                "plot",
            ]
        ),
    ),
    (Role.DATA, frozenset({"data", "dataset", "datasets", "prompts", "problems", "tasks"})),
)
"""What a name that says `make` makes: `generate_config` asks no model."""
_SAMPLES_FILE = re.compile(
    r"(?:.*/)?[\w.-]*(sample|prediction|generation|completion|response|answer)\w*\.jsonl?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The words around a command."""

    headings: tuple[str, ...] = ()
    before: str = ""
    comment: str = ""
    own_names: frozenset[str] = frozenset()
    """Names of the target itself; as part of a program's name they say nothing."""
    leaning: tuple[Role, float] | None = None
    """What the kind of file speaks for, and how strongly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a command is for."""

    role: Role
    certainty: float
    """0 to 1."""
    why: str
    asks_model: bool = False


@dataclass(frozen=True, slots=True)
class _Evidence:
    role: Role
    weight: float
    why: str


def role_of(found: Sequence[Invocation], around: Surroundings) -> Verdict:
    """Judge a command by its programs and what stands around it."""
    verdicts = [_of_program(invocation, around) for invocation in found if not _is_filter(invocation, found)]
    if not verdicts:
        return Verdict(role=Role.OTHER, certainty=0.5, why="It starts no program.")
    return min(verdicts, key=lambda verdict: _ORDER.index(verdict.role))


def _is_filter(invocation: Invocation, found: Sequence[Invocation]) -> bool:
    return invocation.piped and len(found) > 1 and not _asks(invocation)


def _of_program(invocation: Invocation, around: Surroundings) -> Verdict:
    known = known_role(invocation)
    if invocation.form is Form.CODE and invocation.program != "python":
        return Verdict(role=Role.OTHER, certainty=0.4, why=f"It is a line of {invocation.program}.")
    if invocation.form is Form.CODE:
        words = " ".join(word.text for word in invocation.arguments[:1])
        named = [_Evidence(role, weight, "what it calls") for role, weight in _votes(words)]
        return _weighed(named, asks=False)
    asks = _asks(invocation)
    if known is not None:
        return Verdict(role=known, certainty=0.95, why=f"`{_start(invocation)}` is known for it.")
    evidence = [*_by_name(invocation, around.own_names), *_by_options(invocation), *_by_words(around)]
    if asks:
        evidence.append(_Evidence(Role.ROLLOUT, _ASKING, "it names a model"))
    return _weighed(evidence, asks=asks)


def _weighed(evidence: Sequence[_Evidence], *, asks: bool) -> Verdict:
    weights: dict[Role, float] = defaultdict(float)
    for one in evidence:
        weights[one.role] += one.weight
    if not weights:
        return Verdict(role=Role.OTHER, certainty=0.3, why="Nothing says what it is for.", asks_model=asks)
    role = min(weights, key=lambda role: (-round(weights[role], 3), _ORDER.index(role)))
    rest = max((weight for other, weight in weights.items() if other is not role), default=0.0)
    reasons = dict.fromkeys(
        one.why for one in sorted(evidence, key=lambda one: -one.weight) if one.role is role
    )
    return Verdict(
        role=role,
        certainty=min(0.95, 0.42 + 0.1 * weights[role] + 0.1 * (weights[role] - rest)),
        why=_sentence("; ".join(list(reasons)[:3])),
        asks_model=asks,
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def known_role(invocation: Invocation) -> Role | None:
    """What a well-known program is for; None for others."""
    start = _start(invocation)
    if invocation.form is Form.SCRIPT and not start.startswith("setup.py"):
        return None
    for role, pattern in PROGRAMS:
        if pattern.match(start):
            return role
    return None


def _start(invocation: Invocation) -> str:
    """The program and its first words without their options' values."""
    words = [word.text for word in invocation.arguments[:6]]
    return " ".join([invocation.program, *words[:4]]).strip()


def _asks(invocation: Invocation) -> bool:
    options = (word.text.split("=", 1)[0] for word in invocation.arguments)
    if invocation.form is Form.PROGRAM and known_role(invocation) is not None:
        return False
    return any(
        MODEL_OPTION.fullmatch(option) and (option.startswith("-") or "=" in word.text)
        for option, word in zip(options, invocation.arguments, strict=True)
    )


def _by_name(invocation: Invocation, own_names: frozenset[str]) -> Iterator[_Evidence]:
    name = re.sub(r"\.(py|sh|js|ts)$", "", invocation.program)
    parts = re.split(r"[./]", name) if invocation.form is not Form.CODE else []
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        share = 1.0 if last else _FOLDER_WEIGHT
        if not last and re.sub(r"[^a-z0-9]", "", part.lower()) in own_names:
            continue
        for role, weight in _votes(part):
            yield _Evidence(role, 2.0 * share * weight, f"its name says `{part}`")
    if (
        invocation.arguments
        and not invocation.arguments[0].text.startswith("-")
        and invocation.form is not Form.CODE
    ):
        first = invocation.arguments[0].text
        if re.fullmatch(r"[a-z][a-z_-]{2,20}", first):
            for role, weight in _votes(first):
                yield _Evidence(role, 1.5 * weight, f"its first word is `{first}`")


def _votes(text: str) -> list[tuple[Role, float]]:
    tokens = tokens_of(text)
    made = _MAKERS.intersection(tokens)
    for role, things in _MADE if made else ():
        if things.intersection(tokens):
            return [(role, 1.0)]
    best: dict[Role, float] = {}
    for token in tokens:
        exact = [(role, table[token]) for role, table in TOKENS.items() if token in table]
        begins = [(role, weight) for start, role, weight in PREFIXES if token.startswith(start)]
        for role, weight in exact or begins[:1]:
            best[role] = max(best.get(role, 0.0), weight)
    return list(best.items())


def tokens_of(text: str) -> list[str]:
    """The lower-case parts of a name: `EvalRunner_v2` is eval, runner, v2."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return [token.lower() for token in re.split(r"[^A-Za-z0-9]+", spaced) if token]


def _by_options(invocation: Invocation) -> Iterator[_Evidence]:
    previous = ""
    for word in invocation.arguments:
        option = word.text.split("=", 1)[0]
        for role, weight, pattern in OPTIONS:
            if pattern.fullmatch(option):
                yield _Evidence(role, weight, f"it takes `{option}`")
        if not previous.startswith("-") and not option.startswith("-") and _SAMPLES_FILE.fullmatch(option):
            yield _Evidence(Role.EVALUATE, 0.8, f"it reads `{option}`")
        previous = word.text


def _by_words(around: Surroundings) -> Iterator[_Evidence]:
    nearest = around.headings[-1:] if around.headings else ()
    above = around.headings[1:-1]
    sentence = re.split(r"(?<=[.!?])\s+", around.before.strip().rstrip(".!?: "))[-1]
    for words, share, what in (
        (" ".join(nearest), 1.0, "the heading above it says"),
        (" ".join(above), 0.4, "a heading above it says"),
        (sentence, 0.6, "the sentence above it says"),
        (around.comment, 0.8, "the comment beside it says"),
    ):
        best: dict[Role, tuple[float, str]] = {}
        for token in tokens_of(words):
            for role, weight in ((role, table[token]) for role, table in TOKENS.items() if token in table):
                best[role] = max(best.get(role, (0.0, "")), (weight, token))
        for role, (weight, token) in best.items():
            yield _Evidence(role, share * weight, f"{what} `{token}`")
    if around.leaning is not None:
        yield _Evidence(*around.leaning, "the kind of file it stands in")
