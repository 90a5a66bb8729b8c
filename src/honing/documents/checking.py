"""A document checked against its schema, with errors that name the line and the nearest key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError

from honing.documents.lines import Lines, Where
from honing.errors import HoningError

Model = TypeVar("Model", bound=BaseModel)


def checked(
    model: type[Model], value: Any, lines: Lines, *, source: str, error: type[HoningError], what: str
) -> Model:
    """The record that a document's value makes.

    Args:
        model: The schema.
        value: As parsed.
        lines: Where its parts stand.
        source: What errors call the document.
        error: What is raised where something is wrong.
        what: What a fault of the whole document is said of ("the contract").

    Raises:
        HoningError: Of that kind; one line for every problem, not just for the first.
    """
    try:
        return model.model_validate(value)
    except ValidationError as found:
        problems = [_explain(problem, model, lines, (source, what)) for problem in found.errors()]
        raise error("\n".join(problems)) from None


def _explain(problem: Mapping[str, Any], model: type[BaseModel], lines: Lines, names: tuple[str, str]) -> str:
    source, what = names
    way, _ = _walk(model, tuple(problem["loc"]))
    where = f"{source}:{lines.line_of(way)}"
    name = ".".join(str(part) for part in way) or what
    if problem["type"] == "extra_forbidden":
        known = known_keys(model, tuple(problem["loc"][:-1]))
        near = get_close_matches(str(way[-1]), known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}."
        return f"{where}: unknown key {name!r}; {hint}"
    if problem["type"] == "union_tag_invalid":
        return f"{where}: {name}: {_no_such_kind(problem['ctx'])}"
    if problem["type"] == "union_tag_not_found":
        key = problem["ctx"]["discriminator"]
        return f"{where}: {name}: there is no {key}, which says what it is."
    message = problem["msg"].removeprefix("Value error, ")
    found = problem.get("input")
    shown = "" if isinstance(found, dict) or "got" in message else f", got {_short(found)}"
    return f"{where}: {name}: {message[:1].lower() + message[1:]}{shown}."


def _no_such_kind(context: Mapping[str, Any]) -> str:
    known = [word.strip("' ") for word in context["expected_tags"].split(",")]
    near = get_close_matches(context["tag"], known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}."
    return f"there is no {context['discriminator'].strip(chr(39))} {context['tag']!r}; {hint}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def known_keys(model: type[BaseModel], location: Where) -> list[str]:
    """The keys that a schema knows at a place, sorted; empty where no record stands there.

    Args:
        model: The schema.
        location: Keys and positions that lead to the place, as a validator names them: with the tag of the
            kind that it chose among several.
    """
    _, end = _walk(model, location)
    return sorted({field.alias or name for one in _records(end) for name, field in one.model_fields.items()})


def _walk(model: type[BaseModel], location: Where) -> tuple[Where, Any]:
    """The way through the document alone, without a validator's tags, and the annotation at its end."""
    here: Any = model
    way: list[str | int] = []
    for part in location:
        kinds = _kinds(here)
        if len(kinds) > 1:
            here = next((kind for labels, kind in kinds if part in labels), None)
            continue
        way.append(part)
        here = _step(kinds[0][1], part)
    return tuple(way), here


def _kinds(annotation: Any) -> list[tuple[set[str], Any]]:
    """The kinds of value that may stand at a place, each with what a validator may call it."""
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        tags = {one.tag for one in inside[1:] if isinstance(one, Tag)}
        return [(labels | tags, kind) for labels, kind in _kinds(inside[0])]
    if origin in (Union, UnionType):
        return [found for one in inside if one is not NoneType for found in _kinds(one)]
    return [(_labels(annotation), annotation)]


def _labels(annotation: Any) -> set[str]:
    """A kind's name, and the words that its literal fields stand for."""
    names = {getattr(annotation, "__name__", ""), str(annotation)}
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return names
    words = (word for field in annotation.model_fields.values() for word in get_args(field.annotation))
    return names | {word for word in words if isinstance(word, str)}


def _step(annotation: Any, part: str | int) -> Any:
    """The annotation one step further; None where it is not known."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields.items()
        return next((field.annotation for name, field in fields if part in (name, field.alias)), None)
    inside = get_args(annotation)
    if not inside:
        return None
    # list[X], tuple[X, ...]: X; dict[K, V]: V.
    return inside[0] if isinstance(part, int) else inside[-1]


def _records(annotation: Any) -> Iterator[type[BaseModel]]:
    for _, kind in _kinds(annotation):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield kind
