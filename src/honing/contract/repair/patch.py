"""A patch as the gates see it: the contract before and after, and the text of every program it would run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from honing.contract.repair.base import Refusal
from honing.contract.repair.workspace import FOLDER, Workspace
from honing.contract.spec import ContractSpec, StageSpec
from honing.contract.spec_file import CONTRACT_PATH
from honing.store import TreeDiff

_SCRIPT = re.compile(rf"{re.escape(FOLDER)}/[\w./-]+")
_WORD = re.compile(r"[\w.][\w./-]*")
_MODULE = re.compile(r"(?:-m\s+|\bimport\s+|\bfrom\s+)([A-Za-z_][\w.]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """What an agent proposes."""

    folder: Path
    names: frozenset[str]
    """Files of the target."""
    before: ContractSpec | None
    """The contract it was given."""
    after: ContractSpec
    original: ContractSpec | None
    """The contract before any repair."""
    paths: tuple[str, ...]
    """Files of the contract that it changed."""
    programs: frozenset[str]
    """Programs that the target's own files name for judging."""

    @classmethod
    def of(
        cls,
        workspace: Workspace,
        after: ContractSpec,
        original: ContractSpec | None,
        diff: TreeDiff,
        programs: frozenset[str],
    ) -> Patch:
        return cls(
            folder=workspace.folder,
            names=workspace.names,
            before=workspace.spec,
            after=after,
            original=original,
            paths=tuple(path.decode(errors="replace") for path in diff.paths),
            programs=programs,
        )

    @property
    def parts(self) -> tuple[str, ...]:
        """Dotted paths of everything in the contract that is not as it was given."""
        before = {} if self.before is None else self.before.as_document()
        return tuple(sorted(_differing(before, self.after.as_document())))

    def stages(self) -> Iterator[tuple[str, StageSpec]]:
        """Every stage by its dotted name."""
        yield from stages_of(self.after)

    def changed_stages(self) -> Iterator[tuple[str, StageSpec]]:
        """Those that would run anything else than before; the target's own commands are not ours to judge."""
        scripts = [path for path in self.paths if path != CONTRACT_PATH]
        for name, stage in self.stages():
            place = f"stages.{name}"
            is_other = any(part == place or part.startswith(f"{place}.") for part in self.parts)
            if is_other or any(script in self.text(stage.commands) for script in scripts):
                yield name, stage

    def text(self, commands: tuple[str, ...]) -> str:
        """Commands with the contract's own scripts that they run, and those that these run."""
        read: dict[str, str] = {}
        waiting = list(commands)
        while waiting:
            for name in _SCRIPT.findall(waiting.pop()):
                path = self.folder / name
                if name not in read and path.is_file() and not path.is_symlink():
                    read[name] = path.read_text(encoding="utf-8", errors="replace")
                    waiting.append(read[name])
        return "\n".join([*commands, *read.values()])

    def uses_target(self, text: str) -> bool:
        """Whether a text names a file or module of the target, or a program that it is judged with."""
        words = {word.removeprefix("./").rstrip(".,") for word in _WORD.findall(text)}
        tails = {PurePosixPath(name).name for name in self.names if "." in name}
        folders = {parent.as_posix() for name in self.names for parent in PurePosixPath(name).parents} - {"."}
        return bool(
            words & (self.names | tails | folders | self.programs)
            or any(self._is_module(name) for name in _MODULE.findall(text))
        )

    def _is_module(self, dotted: str) -> bool:
        place = dotted.replace(".", "/")
        ends = (f"{place}.py", f"{place}/__init__.py", f"{place}/__main__.py")
        return any(name == end or name.endswith(f"/{end}") for name in self.names for end in ends)


def stages_of(spec: ContractSpec) -> Iterator[tuple[str, StageSpec]]:
    """Every stage of a contract by its dotted name, in the order in which they run."""
    stages = spec.stages
    yield from (("auth", stages.auth), ("bootstrap", stages.bootstrap), ("tests", stages.tests))
    deploy = stages.deploy
    yield from (
        ("deploy.setup", deploy.setup),
        ("deploy.health", deploy.health),
        ("deploy.teardown", deploy.teardown),
    )
    yield from (
        ("rollout", stages.rollout),
        ("evaluate", stages.evaluate),
        ("benchmark", stages.benchmark),
    )


def is_declared(spec: ContractSpec) -> bool:
    """Whether the target or the user wrote a contract, rather than derivation."""
    return any(part.by in ("target", "user") for part in spec.provenance)


def refusal(gate: str, where: str, text: str) -> Refusal:
    return Refusal(gate=gate, where=where, text=text)


def _differing(before: Any, after: Any, path: str = "") -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {*before, *after} - ({"provenance"} if not path else set()):
            yield from _differing(before.get(key), after.get(key), f"{path}.{key}" if path else key)
    elif isinstance(after, dict) and after and before is None:
        for key, value in after.items():
            yield from _differing(None, value, f"{path}.{key}")
    elif before != after:
        yield path
