"""Reading and writing contract.yaml, with errors that name the line."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from honing.contract.spec import ContractSpec
from honing.errors import ContractError

CONTRACT_PATH = ".honing/contract.yaml"
"""Where a contract lies inside a target's working copy."""
_MAX_BYTES = 1024 * 1024


class _Lines(yaml.SafeLoader):
    """Keeps `on`, `yes`, `no` as text (YAML 1.2) and refuses duplicate keys and aliases (YAML bombs)."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.events.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.constructor.ConstructorError(
                None, None, "aliases (*name) are not used in a contract", event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002  (the signature is PyYAML's)
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


_Lines.yaml_implicit_resolvers = {
    first: [
        (tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool" or first in "tTfF"
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_contract(path: Path) -> ContractSpec:
    """Read and check a contract file.

    Raises:
        ContractError: It cannot be read, is not YAML, or breaks the schema; the text names file, line and
            field, what was found, and what was expected. Every problem is listed, not just the first.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ContractError(f"{path}: cannot be read ({error.strerror}).") from None
    if len(content) > _MAX_BYTES:
        raise ContractError(f"{path}: {len(content)} bytes; a contract has at most {_MAX_BYTES}.")
    return parse_contract(content, source=str(path))


def parse_contract(content: bytes, *, source: str) -> ContractSpec:
    """The contract that a YAML document holds; `source` names it in errors (see `load_contract`)."""
    try:
        loader = _Lines(content)
        try:
            node = loader.get_single_node()
            document = loader.construct_document(node) if node is not None else None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ContractError(f"{source}:{line}: not a contract: {error.problem}.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ContractError(f"{source}: not YAML ({error}).") from None
    if not isinstance(document, dict) or node is None:
        raise ContractError(
            f"{source}:1: a contract is a mapping with 'schema: 1', got {type(document).__name__}."
        )
    if document.get("schema") != 1:
        raise ContractError(
            f"{source}:{_line_of(node, ('schema',))}: 'schema' must be 1, got {document.get('schema')!r}. "
            "This version of Honing reads schema 1; a newer contract needs a newer Honing."
        )
    try:
        return ContractSpec.model_validate(document)
    except ValidationError as error:
        problems = [_explain(problem, node, source) for problem in error.errors()]
        raise ContractError("\n".join(problems)) from None


def dump_contract(spec: ContractSpec) -> str:
    """The contract as YAML, in a stable order, block style, long shell text kept readable."""
    return yaml.dump(spec.as_document(), Dumper=_Writer, sort_keys=False, allow_unicode=True, width=100)


class _Writer(yaml.SafeDumper):
    pass


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = (
        "|" if "\n" in value and not any(line.endswith((" ", "\t")) for line in value.split("\n")) else None
    )
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Writer.add_representer(str, _text)


def _explain(problem: Mapping[str, Any], node: yaml.Node, source: str) -> str:
    location = tuple(problem["loc"])
    where = f"{source}:{_line_of(node, location)}"
    name = ".".join(str(part) for part in location) or "the contract"
    if problem["type"] == "extra_forbidden":
        known = _known_keys(location[:-1])
        near = get_close_matches(str(location[-1]), known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}."
        return f"{where}: unknown key {name!r}; {hint}"
    message = problem["msg"].removeprefix("Value error, ")
    found = problem.get("input")
    shown = "" if isinstance(found, dict) or "got" in message else f", got {_short(found)}"
    return f"{where}: {name}: {message[:1].lower() + message[1:]}{shown}."


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _known_keys(location: Sequence[Any]) -> list[str]:
    model: Any = ContractSpec
    for part in location:
        field = _field(model, part)
        if field is None:
            return []
        model = field
    return sorted(field.alias or name for name, field in model.model_fields.items())


def _field(model: type[BaseModel], part: Any) -> type[BaseModel] | None:
    """The model inside a field, where it has one."""
    if part not in model.model_fields:
        return None
    annotation = model.model_fields[part].annotation
    candidates = [annotation, *getattr(annotation, "__args__", ())]
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)


def _line_of(node: yaml.Node, location: Sequence[Any]) -> int:
    """The line of the deepest part of a location that exists in the document, counted from 1."""
    line = node.start_mark.line + 1
    for part in location:
        found = _child(node, part)
        if found is None:
            return line
        line, node = found
    return line


def _child(node: yaml.Node, part: Any) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        child = node.value[part]
        return child.start_mark.line + 1, child
    return None
