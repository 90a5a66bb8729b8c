"""The simple end of Jinja: texts with `{{column}}`, and nothing that computes."""

from __future__ import annotations

import re
from dataclasses import dataclass

_EXPRESSION = re.compile(r"\{\{-?(.*?)-?\}\}", re.DOTALL)
_TRIMMED = re.compile(r"(?:\.strip\(\)|\s*\|\s*trim)$")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MEMBER = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:\.text|\[['\"]text['\"]\])?\[(\d)\]")
_ANSWER_PART = re.compile(r"([A-Za-z_]\w*)\.split\((?:'[^']*'|\"[^\"]*\")\)\[-1\]")
_INDEX_OF = re.compile(r"(?:\[[^\]]*\]|[A-Za-z_]\w*(?:\.label|\[['\"]label['\"]\]))\.index\(([A-Za-z_]\w*)\)")
_CHOICE_LINE = re.compile(r"^[ \t]*\(?([A-H])[.):][ \t]*\{\{(.+?)\}\}[ \t]*$", re.MULTILINE)


class NotSimpleError(ValueError):
    """A template computes something; the text is the expression."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt template in simple terms."""

    text: str
    """With `{{column}}` where a column stands, and `{choices}` where the choices are listed."""
    columns: tuple[str, ...]
    """Columns that are shown, in order; those of the choices left out."""
    choices: tuple[str, ...]
    """The column that lists the choices, or one column for each; empty where none are shown."""


def read_prompt(template: str) -> Prompt:
    """The prompt a template writes.

    Raises:
        NotSimpleError: It does more than show columns.
    """
    if "{%" in template or "{#" in template:
        raise NotSimpleError(template[template.index("{") :][:60])
    text, choices = _without_choices(template)
    columns = []
    for match in _EXPRESSION.finditer(text):
        columns.append(column_of(match.group(1)))
    plain = _EXPRESSION.sub(lambda match: "{{" + column_of(match.group(1)) + "}}", text)
    return Prompt(plain, tuple(dict.fromkeys(columns)), choices)


def column_of(expression: str) -> str:
    """The column that an expression shows, perhaps trimmed.

    Raises:
        NotSimpleError: It is another expression.
    """
    name = _TRIMMED.sub("", expression.strip())
    if not _NAME.fullmatch(name):
        raise NotSimpleError(expression.strip())
    return name


def answer_column(template: str) -> str:
    """The column that holds the right answer: named alone, whole, after a mark, or as an index.

    Raises:
        NotSimpleError: It is something else.
    """
    match = _EXPRESSION.fullmatch(template.strip())
    if match is None:
        if _NAME.fullmatch(template.strip()):
            return template.strip()
        raise NotSimpleError(template)
    expression = _TRIMMED.sub("", match.group(1).strip())
    for pattern in (_ANSWER_PART, _INDEX_OF):
        if found := pattern.fullmatch(expression):
            return found.group(1)
    return column_of(expression)


def choice_columns(template: str) -> tuple[str, ...]:
    """The column that lists the choices (`choices`, `{{choices.text}}`), or those of `{{[a, b, c]}}`.

    Raises:
        NotSimpleError: It is something else.
    """
    match = _EXPRESSION.fullmatch(template.strip())
    expression = match.group(1).strip() if match else template.strip()
    listed = re.fullmatch(r"\[(.+)\]", expression)
    if listed:
        return tuple(column_of(one) for one in listed.group(1).split(","))
    return (column_of(re.sub(r"(?:\.text|\[['\"]text['\"]\])$", "", expression)),)


def _without_choices(template: str) -> tuple[str, tuple[str, ...]]:
    """The template with its lines `A. {{choices[0]}}` replaced by one placeholder, and the columns."""
    lines = list(_CHOICE_LINE.finditer(template))
    letters = [match.group(1) for match in lines]
    if len(lines) < 2 or letters != list("ABCDEFGH"[: len(lines)]):
        return template, ()
    members = [_MEMBER.fullmatch(match.group(2).strip()) for match in lines]
    if all(member is not None for member in members):
        names = {member.group(1) for member in members if member}
        order = [int(member.group(2)) for member in members if member]
        if len(names) != 1 or order != list(range(len(lines))):
            raise NotSimpleError(lines[0].group())
        columns: tuple[str, ...] = (names.pop(),)
    else:
        columns = tuple(column_of(match.group(2)) for match in lines)
    between = template[lines[0].start() : lines[-1].end()]
    return template.replace(between, "{choices}", 1), columns
