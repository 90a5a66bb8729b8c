"""Blocks of CI files: the steps of GitHub workflows and the scripts of GitLab jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import yaml

from honing.contract.hints.block import Block, Line

MAX_BYTES = 64 * 1024
"""A larger file is written by a program."""
_MAX_STEPS = 300
_SHELLS = ("", "bash", "sh", "zsh")
_GITLAB_WORDS = frozenset(
    {"stages", "variables", "default", "include", "workflow", "image", "services", "cache", "pages:deploy"}
)


@dataclass(frozen=True, slots=True)
class _Job:
    """What the steps of a job share."""

    name: str
    env: Mapping[str, str] = field(default_factory=dict)
    workdir: str = "."
    shell: str = ""
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def github_blocks(text: str, *, file: str) -> list[Block]:
    """The `run` steps of a GitHub workflow; raises ValueError for what is no YAML."""
    return list(_github(_composed(text), file))


def gitlab_blocks(text: str, *, file: str) -> list[Block]:
    """The scripts of the jobs of a GitLab file; raises ValueError for what is no YAML."""
    return list(_gitlab(_composed(text), file))


def _composed(text: str) -> yaml.Node | None:
    if len(text) > MAX_BYTES:
        raise ValueError(f"{len(text)} characters, more than {MAX_BYTES}")
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"no YAML ({type(error).__name__})") from None


def _github(document: yaml.Node | None, file: str) -> Iterator[Block]:
    top = _keys(document)
    shared = _Job("", env=_variables(top.get("env")), workdir=_default(top, "working-directory") or ".")
    steps = 0
    for name, node in _keys(top.get("jobs")).items():
        keys = _keys(node)
        job = _Job(
            name=_text(keys.get("name")) or name,
            env={**shared.env, **_variables(keys.get("env"))},
            workdir=_default(keys, "working-directory") or shared.workdir,
            shell=_default(keys, "shell") or _default(top, "shell"),
            choices=_matrix(_keys(keys.get("strategy")).get("matrix")),
        )
        for step in _items(keys.get("steps")):
            steps += 1
            if steps > _MAX_STEPS:
                return
            yield from _step(_keys(step), job, file)


def _default(keys: Mapping[str, yaml.Node], key: str) -> str:
    return _text(_keys(_keys(keys.get("defaults")).get("run")).get(key))


def _step(step: Mapping[str, yaml.Node], job: _Job, file: str) -> Iterator[Block]:
    run = step.get("run")
    shell = _text(step.get("shell")) or job.shell
    if not isinstance(run, yaml.ScalarNode) or shell.split(" ")[0] not in _SHELLS:
        return
    name = _text(step.get("name"))
    yield Block(
        file=file,
        source="ci",
        lines=_lines(run),
        headings=(job.name, name) if name else (job.name,),
        before=name,
        certain=True,
        workdir=_text(step.get("working-directory")) or job.workdir,
        env={**job.env, **_variables(step.get("env"))},
        choices=job.choices,
    )


def _gitlab(document: yaml.Node | None, file: str) -> Iterator[Block]:
    top = _keys(document)
    shared = _variables(top.get("variables"))
    for name, node in list(top.items())[:_MAX_STEPS]:
        keys = _keys(node)
        if name in _GITLAB_WORDS:
            continue
        parts = [keys.get(key) for key in ("before_script", "script", "after_script")]
        lines = [line for part in parts for item in _items(part) for line in _lines(item)] or [
            line for part in parts if isinstance(part, yaml.ScalarNode) for line in _lines(part)
        ]
        if lines:
            yield Block(
                file=file,
                source="ci",
                lines=tuple(lines),
                headings=(name,),
                before=name,
                certain=True,
                workdir=".",
                env={**shared, **_variables(keys.get("variables"))},
                choices=_matrix_list(_keys(keys.get("parallel")).get("matrix")),
            )


def _lines(node: yaml.Node) -> tuple[Line, ...]:
    """The lines of a scalar; a folded one is a single line, at the place where it begins."""
    text = _text(node)
    first = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode) and node.style == "|":
        return tuple(
            Line(first + 1 + index, line) for index, line in enumerate(text.rstrip("\n").split("\n"))
        )
    if isinstance(node, yaml.ScalarNode) and node.style == ">":
        first += 1
    return tuple(Line(first, line) for line in text.strip().split("\n") if line.strip())


def _keys(node: yaml.Node | None) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}


def _items(node: yaml.Node | None) -> list[yaml.Node]:
    return list(node.value)[: _MAX_STEPS + 1] if isinstance(node, yaml.SequenceNode) else []


def _text(node: yaml.Node | None) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def _variables(node: yaml.Node | None) -> dict[str, str]:
    return {key: _text(value) for key, value in _keys(node).items() if isinstance(value, yaml.ScalarNode)}


def _matrix(node: yaml.Node | None) -> dict[str, tuple[str, ...]]:
    """The values of each axis; those of `include` are added to them."""
    found: dict[str, list[str]] = {}
    for key, value in _keys(node).items():
        if key == "include":
            for entry in _items(value):
                for axis, text in _variables(entry).items():
                    found.setdefault(axis, []).append(text)
        elif key != "exclude":
            found.setdefault(key, []).extend(_text(item) for item in _items(value))
    return {key: tuple(dict.fromkeys(filter(None, values))) for key, values in found.items()}


def _matrix_list(node: yaml.Node | None) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for entry in _items(node):
        found |= _matrix(entry)
    return found
