"""From a command as the target writes it to one that can run.

Known placeholders are filled, the rest become typed holes. Text is spliced in place and never quoted anew, so
pipes, redirects and variables stay as they were written.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from honing.contract.hints import Hint, Placeholder
from honing.contract.spec import HoleKind, HoleSpec

SAMPLES_NAME = "honing-samples.jsonl"
OUTPUT_NAME = "honing-output"
_ROWS = re.compile(
    r"(?:limit|max_?(?:examples|rows|tasks|problems|questions)|num_?(?:examples|rows|tasks|"
    r"problems|questions)|n_?(?:examples|rows|tasks|problems|questions)|examples|subset_?size)"
)
"""Options that count rows; `--n` and `--num-samples` more often count answers to one row."""
_WHOLE_NAME = re.compile(r"[A-Z][A-Z0-9_]+")
_ANY_MODEL = re.compile(
    r"(?i)local|custom|other|any|openai[-_]?(?:compatible|compat|like)|litellm|vllm[-_]?parsed"
)
"""Members of a fixed set of models that stand for a model of the user's."""
_OPERATORS = re.compile(r"\|\|?|&&|;|&(?!>)|\n|\d?>>?|<<?|&>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is known about how placeholders should be filled."""

    folder: Path
    """The target."""
    choices: Mapping[str, str] = field(default_factory=dict)
    """The user's own, by placeholder or decision name."""
    variables: frozenset[str] = frozenset()
    """Variables that every stage will have."""
    data_words: tuple[str, ...] = ()
    """Names of the data that are there, which decide between choices."""
    samples: str = ""
    """File that the answers must come from, where another command writes it."""
    options: frozenset[str] = frozenset()
    """Options that the program has, as `--name`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A value that was chosen where others were possible."""

    name: str
    value: str
    others: tuple[str, ...]
    why: str

    @property
    def sentence(self) -> str:
        others = f"; others: {', '.join(self.others)} (--set {self.name}=...)" if self.others else ""
        return f"{self.name} = {self.value}: {self.why}{others}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A command, ready to run but for its holes."""

    hint: Hint
    command: str
    workdir: str
    env: Mapping[str, str]
    holes: tuple[HoleSpec, ...] = ()
    choices: tuple[Choice, ...] = ()
    samples: str = ""
    """File below the working folder from which it reads answers; empty where it reads none."""
    output: str = ""
    """File or folder below the working folder to which it writes; empty where it was not asked."""
    part: tuple[str, ...] = ()
    """Its options that take some of the tasks only."""


def fill(hint: Hint, wishes: Wishes) -> Filled:
    """Fill a command's placeholders.

    Args:
        hint: The command.
        wishes: What is known.
    """
    filled = Filled(
        hint=hint, command=hint.command, workdir=workdir_of(hint, wishes.folder), env=_env_of(hint)
    )
    # From the right, so that positions to the left stay true.
    for placeholder in sorted(hint.placeholders, key=lambda one: -one.start):
        filled = _FILLERS[placeholder.kind](filled, placeholder, wishes)
    return _completed(replace(filled, holes=filled.holes[::-1]), wishes)


def workdir_of(hint: Hint, folder: Path) -> str:
    """Where a command runs: an installed program needs no folder of the docs."""
    place = folder / hint.workdir
    if hint.source == "docs" and hint.anchor.startswith(f"{hint.workdir}/"):
        named = [word for word in hint.command.split() if "/" in word or word.endswith(".py")]
        if not any((place / word.strip("'\"")).exists() for word in named):
            return "."
    return hint.workdir if place.is_dir() else "."


def _env_of(hint: Hint) -> dict[str, str]:
    """Variables that the text around sets; keys come from the gateway, placeholders from nowhere."""
    return {
        name: value
        for name, value in hint.env.items()
        if _WHOLE_NAME.fullmatch(name)
        and not re.search(r"KEY|TOKEN|SECRET|PASSWORD|BASE_URL|API_BASE|^PATH$|^PYTHONPATH$", name)
        and not re.search(r"[<{\[$]|\.\.\.|your|path/to", value)
    }


def _splice(filled: Filled, start: int, end: int, text: str) -> Filled:
    return replace(filled, command=filled.command[:start] + text + filled.command[end:])


def _put(filled: Filled, one: Placeholder, *, variable: str = "", literal: str = "") -> Filled:
    """Put a variable or a plain text where a placeholder stands, as its quotes need it."""
    quote = _quote_at(filled.command, one.start)
    start, end = one.start, one.end
    if variable:
        text = {"": f'"${variable}"', '"': f"${{{variable}}}", "'": f"'\"${variable}\"'"}[quote]
    else:
        text = literal if quote else shlex.quote(literal)
    return _splice(filled, start, end, text)


def _quote_at(command: str, position: int) -> str:
    """The quote inside which a position lies; empty outside of quotes."""
    inside = ""
    skip = False
    for sign in command[:position]:
        if skip:
            skip = False
        elif sign == "\\" and inside != "'":
            skip = True
        elif not inside and sign in "'\"":
            inside = sign
        elif sign == inside:
            inside = ""
    return inside


def _variable(name: str) -> Callable[[Filled, Placeholder, Wishes], Filled]:
    def put(filled: Filled, one: Placeholder, wishes: Wishes) -> Filled:
        if one.name in wishes.choices:
            return _put(filled, one, literal=wishes.choices[one.name])
        return _put(filled, one, variable=name)

    return put


def _model(filled: Filled, one: Placeholder, wishes: Wishes) -> Filled:
    """The model that is measured. An option with a fixed set of models takes no other: where one of them
    stands for any model and another option names it, that one; else the user must say."""
    if not one.choices or one.name in wishes.choices:
        return _variable("HONING_MODEL")(filled, one, wishes)
    open_ = next((value for value in one.choices if _ANY_MODEL.fullmatch(value)), None)
    if open_ is None or not _siblings(one, wishes):
        return _hole(filled, replace(one, kind=HoleKind.CHOICE))
    others = tuple(value for value in one.choices if value != open_)
    chosen = Choice(name=one.name, value=open_, others=others, why="it stands for any model")
    return replace(_put(filled, one, literal=open_), choices=(chosen, *filled.choices))


def _siblings(one: Placeholder, wishes: Wishes) -> tuple[str, ...]:
    """Other options of the program that name a model."""
    return tuple(name for name in _GATEWAY[-1][0] if name in wishes.options and name != one.option)


def _samples(filled: Filled, one: Placeholder, wishes: Wishes) -> Filled:
    # A second one in the same command stands for something else: only the leftmost is what it reads.
    name = wishes.choices.get(one.name) or wishes.samples
    if not name:
        given = one.default or one.text
        suffix = next((s for s in (".jsonl", ".json", ".csv") if given.endswith(s)), ".jsonl")
        plain = re.fullmatch(r"[\w.-]+(?:/[\w.-]+)*", given) and not given.startswith("/")
        is_free = plain and given.endswith(suffix) and not (wishes.folder / filled.workdir / given).exists()
        placed = is_free and "path/to" not in given and "<" not in given
        name = given if placed else SAMPLES_NAME.removesuffix(".jsonl") + suffix
    return replace(_put(filled, one, literal=name), samples=name)


def _output(filled: Filled, one: Placeholder, wishes: Wishes) -> Filled:
    given = one.default or one.text
    suffix = Path(given).suffix if re.fullmatch(r"[\w./-]+", given) else ""
    name = wishes.choices.get(one.name) or OUTPUT_NAME + suffix
    return replace(_put(filled, one, literal=name), output=name)


def _limit(filled: Filled, one: Placeholder, wishes: Wishes) -> Filled:
    if one.name in wishes.choices:
        return _put(filled, one, literal=wishes.choices[one.name])
    given = one.default if one.default is not None else one.text
    number = given if given.isdigit() else ""
    if not _ROWS.fullmatch(one.name.replace("-", "_").lower()):
        return filled if number else _hole(filled, one)
    if number:
        return _splice(filled, one.start, one.end, f"${{HONING_LIMIT:-{number}}}")
    before = (
        re.search(rf"{re.escape(one.option)}[ =]['\"]?$", filled.command[: one.start]) if one.option else None
    )
    if before is None:
        return _put(filled, one, variable="HONING_LIMIT")
    end = one.end + (1 if _quote_at(filled.command, one.start) else 0)
    return _splice(filled, before.start(), end, f'${{HONING_LIMIT:+{one.option} "$HONING_LIMIT"}}')


def _choice(filled: Filled, one: Placeholder, wishes: Wishes) -> Filled:
    values = tuple(value for value in one.choices if value.strip(". "))
    if not values:
        return _hole(filled, one)
    value, why = values[0], "the first of those that the target names"
    named = [value for value in values if any(_plain(value) in _plain(word) for word in wishes.data_words)]
    if one.name in wishes.choices:
        value, why = wishes.choices[one.name], "the user's choice"
    elif "openai" in values:
        value, why = "openai", "the gateway speaks this one"
    elif len(named) == 1:
        value, why = named[0], "its data are there"
    others = tuple(other for other in values if other != value)
    chosen = Choice(name=one.name, value=value, others=others, why=why)
    return replace(_put(filled, one, literal=value), choices=(chosen, *filled.choices))


def _path(filled: Filled, one: Placeholder, wishes: Wishes) -> Filled:
    if one.name in wishes.choices:
        return _put(filled, one, literal=wishes.choices[one.name])
    if one.option in wishes.variables:
        return _put(filled, one, variable=one.option)
    return filled if _is_there(one, filled, wishes) else _hole(filled, one)


def _is_there(one: Placeholder, filled: Filled, wishes: Wishes) -> bool:
    place = one.default or one.text
    return not place.startswith("/") and (wishes.folder / filled.workdir / place).exists()


def _value(filled: Filled, one: Placeholder, wishes: Wishes) -> Filled:
    if one.name in wishes.choices:
        return _put(filled, one, literal=wishes.choices[one.name])
    return filled if one.default is not None else _hole(filled, one)


def _hole(filled: Filled, one: Placeholder) -> Filled:
    name = re.sub(r"[^a-z0-9_]", "_", one.name.lower())
    name = name if re.match(r"[a-z]", name) else f"hole_{name}"
    hole = HoleSpec(name=name, kind=one.kind, text=one.text, anchor=filled.hint.anchor, choices=one.choices)
    return replace(_splice(filled, one.start, one.end, f"{{{{{name}}}}}"), holes=(*filled.holes, hole))


_FILLERS: Mapping[HoleKind, Callable[[Filled, Placeholder, Wishes], Filled]] = {
    HoleKind.MODEL: _model,
    HoleKind.BASE_URL: _variable("OPENAI_BASE_URL"),
    HoleKind.KEY: _variable("OPENAI_API_KEY"),
    HoleKind.SAMPLES: _samples,
    HoleKind.OUTPUT: _output,
    HoleKind.LIMIT: _limit,
    HoleKind.CHOICE: _choice,
    HoleKind.PATH: _path,
    HoleKind.NUMBER: _value,
    HoleKind.TEXT: _value,
}

_GATEWAY: Sequence[tuple[tuple[str, ...], str]] = (
    (("--base-url", "--base_url", "--api-base", "--api_base", "--openai-base-url", "--openai_base_url",
      "--endpoint", "--api-url", "--api_url"), '"$OPENAI_BASE_URL"'),
    (("--api-key", "--api_key", "--openai-api-key", "--openai_api_key"), '"$OPENAI_API_KEY"'),
    (("--model", "--model-name", "--model_name", "--model-id", "--model_id"), '"$HONING_MODEL"'),
)  # fmt: skip
_STEADY: Sequence[tuple[tuple[str, ...], str]] = ((("--greedy",), ""), (("--temperature",), "0"))
_WARM = re.compile(r"(?<!\S)--(?:greedy|temperature|temp|do[-_]sample|top[-_]p)\b")


def _completed(filled: Filled, wishes: Wishes) -> Filled:
    """Add the options that lead to the gateway and make answers steady, where the program has them."""
    if not filled.hint.asks_model:
        return filled
    for names, value in _GATEWAY:
        filled = _with_option(filled, names, value, wishes)
    for one in filled.hint.placeholders:
        if one.kind is HoleKind.MODEL and one.choices:
            filled = _with_option(filled, _siblings(one, wishes), '"$HONING_MODEL"', wishes)
    if not _WARM.search(filled.command):
        for names, value in _STEADY:
            added = _with_option(filled, names, value, wishes)
            if added is not filled:
                return added
    return filled


def _with_option(filled: Filled, names: Sequence[str], value: str, wishes: Wishes) -> Filled:
    if any(re.search(rf"(?<!\S){re.escape(name)}(?=[\s=]|$)", filled.command) for name in names):
        return filled
    known = next((name for name in names if name in wishes.options), None)
    if known is None:
        return filled
    end = end_of_command(filled.command, filled.hint.programs)
    return _splice(filled, end, end, f" {known} {value}".rstrip())


def end_of_command(command: str, programs: Sequence[str]) -> int:
    """Where the arguments of the last program end: before a pipe, a redirect or the next command."""
    start = max((command.find(program.rsplit(".", 1)[0]) for program in programs[-1:]), default=0)
    position = max(start, 0)
    for match in _OPERATORS.finditer(command, position):
        if not _quote_at(command, match.start()):
            position = match.start()
            break
    else:
        position = len(command)
    return len(command[:position].rstrip())


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
