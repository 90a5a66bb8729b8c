"""YAML without its pitfalls: no key twice, `on` and `yes` are words, no aliases that blow up."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import yaml

from honing.documents.lines import Lines, yaml_lines
from honing.errors import HoningError


@dataclass(frozen=True, slots=True)
class Tagged:
    """A value that its own tool would compute (`!function module.name`)."""

    tag: str
    text: str


class _Unique(yaml.SafeLoader):
    """Refuses keys that stand twice, and keys that are no plain words."""

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


class _Own(_Unique):
    """For our own formats: keeps `on`, `yes`, `no` as text (YAML 1.2) and refuses aliases (YAML bombs)."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.events.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.constructor.ConstructorError(
                None, None, "aliases (*name) are not used here", event.start_mark
            )
        return super().compose_node(parent, index)


_Own.yaml_implicit_resolvers = {
    first: [
        (tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool" or first in "tTfF"
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Foreign(_Unique):
    """For other tools' formats: keeps unknown tags as `Tagged`."""


def _tagged(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Tagged:
    return Tagged(f"!{suffix}", str(node.value) if isinstance(node, yaml.ScalarNode) else "")


_Foreign.add_multi_constructor("!", _tagged)


def parse_yaml(
    content: bytes, *, source: str, error: type[HoningError], foreign: bool = False, what: str = "YAML"
) -> tuple[Any, Lines]:
    """The value of a YAML document, and where its parts stand.

    Args:
        content: The document; empty for None.
        source: What errors call it.
        error: What is raised where something is wrong.
        foreign: Whether it is another tool's format: YAML 1.1 with aliases, unknown tags kept.
        what: What the document should have been, for errors.

    Raises:
        HoningError: Of that kind: not YAML, or a key that stands twice; the text names the line.
    """
    try:
        loader = (_Foreign if foreign else _Own)(content)
        try:
            node = loader.get_single_node()
            if node is None:
                return None, Lines(1)
            return loader.construct_document(node), yaml_lines(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as found:
        line = found.problem_mark.line + 1 if found.problem_mark else 1
        raise error(f"{source}:{line}: not {what}: {found.problem}.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as found:
        raise error(f"{source}: not YAML ({found}).") from None
