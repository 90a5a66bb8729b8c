"""A foreign YAML file whose every part knows its line."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from honing.errors import ContractError

MAX_BYTES = 1024 * 1024
Where = tuple[str | int, ...]
"""The way to a part of a document: keys and positions."""


@dataclass(frozen=True, slots=True)
class Tagged:
    """A value that its own tool would compute (`!function module.name`)."""

    tag: str
    text: str


class _Loader(yaml.SafeLoader):
    """Keeps unknown tags as `Tagged`, and refuses keys that stand twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002  (the signature is PyYAML's)
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key is a list or a mapping", key_node.start_mark
                )
            if key_node.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key_node.value!r} stands twice", key_node.start_mark
                )
            seen.add(key_node.value)
        return super().construct_mapping(node, deep)


def _tagged(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Tagged:
    return Tagged(f"!{suffix}", str(node.value) if isinstance(node, yaml.ScalarNode) else "")


_Loader.add_multi_constructor("!", _tagged)


@dataclass(frozen=True, slots=True)
class Document:
    """A mapping read from a YAML file."""

    file: str
    """Its path below the target, for anchors."""
    value: dict[str, Any]
    node: yaml.Node

    def anchor(self, *where: str | int) -> str:
        """file:line of a part, or of the deepest part on the way to it that exists."""
        node, line = self.node, self.node.start_mark.line + 1
        for part in where:
            found = _child(node, part)
            if found is None:
                break
            line, node = found
        return f"{self.file}:{line}"

    def check_keys(self, where: Where, known: Iterable[str]) -> None:
        """Refuse keys that are not known in a mapping of the document.

        Raises:
            ContractError: One is unknown, or the part is no mapping; the text names line and nearest key.
        """
        part = self.mapping(where)
        names = sorted(known)
        for key in part:
            if key in names:
                continue
            near = get_close_matches(str(key), names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(names)}."
            name = ".".join(map(str, (*where, key)))
            raise ContractError(f"{self.anchor(*where, key)}: unknown key {name!r}; {hint}")

    def at(self, where: Where) -> Any:
        """The value of a part; None where it does not exist."""
        value: Any = self.value
        for part in where:
            inside = part in value if isinstance(value, dict) else _is_position(part, value)
            if not inside:
                return None
            value = value[part]
        return value

    def mapping(self, where: Where) -> dict[str, Any]:
        """A part that must be a mapping; empty where it does not exist."""
        value = self.at(where)
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise self.wrong(where, "a mapping")
        return value

    def text(self, where: Where, default: str = "") -> str:
        """A part that must be a text."""
        value = self.at(where)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self.wrong(where, "a text")
        return value

    def number(self, where: Where) -> float | None:
        """A part that must be a number above 0; None where it does not exist."""
        value = self.at(where)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise self.wrong(where, "a number above 0")
        return float(value)

    def count(self, where: Where) -> int:
        """A part that must be a whole number of 0 or more; 0 where it does not exist."""
        value = self.at(where)
        if value is None:
            return 0
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self.wrong(where, "a whole number of 0 or more")
        return value

    def variables(self, where: Where) -> dict[str, str]:
        """A part that must map names to plain values; empty where it does not exist."""
        found = self.mapping(where)
        for name, value in found.items():
            if isinstance(value, dict | list) or value is None:
                raise self.wrong((*where, name), "a text or a number")
        return {
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in found.items()
        }

    def texts(self, where: Where) -> list[str]:
        """A part that must be a text or a list of texts; empty where it does not exist."""
        value = self.at(where)
        values = [] if value is None else [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
            raise self.wrong(where, "a text or a list of texts")
        return values

    def wrong(self, where: Where, expected: str) -> ContractError:
        """The error of a part that has the wrong kind."""
        shown = repr(self.at(where))
        shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
        return ContractError(
            f"{self.anchor(*where)}: {'.'.join(map(str, where))} must be {expected}, got {shown}."
        )


def read_document(folder: Path, file: str) -> Document | None:
    """The mapping that a YAML file holds; None where it holds something else.

    Raises:
        ContractError: It is not YAML, or too large to be a contract; the text names the line.
    """
    path = folder / file
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ContractError(f"{file}: cannot be read ({error.strerror}).") from None
    if len(content) > MAX_BYTES:
        raise ContractError(f"{file}: {len(content)} bytes; a contract has at most {MAX_BYTES}.")
    try:
        loader = _Loader(content)
        try:
            node = loader.get_single_node()
            value = loader.construct_document(node) if node is not None else None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ContractError(f"{file}:{line}: not YAML: {error.problem}.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ContractError(f"{file}: not YAML ({error}).") from None
    if not isinstance(value, dict) or node is None:
        return None
    return Document(file, value, node)


def _is_position(part: str | int, value: Any) -> bool:
    return isinstance(value, list) and isinstance(part, int) and part < len(value)


def _child(node: yaml.Node, part: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        child = node.value[part]
        return child.start_mark.line + 1, child
    return None
