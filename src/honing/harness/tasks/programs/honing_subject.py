"""What a hidden test sees of the candidate: its modules, its commands, its files.

    import subject_module                   # any module that neither Python nor the tests' folder has
    from honing_subject import read, run
    run("bash scripts/test.sh").code        # a command in the candidate's copy
    read("AGENTS.md")                       # a file of it, or None

The candidate's code runs in another sandbox. What is here are its answers: plain values come by content,
everything else is a `Remote` that asks the other side. Nothing of the candidate's runs in this process, so it
cannot reach a test, its assertions or its results.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from honing_remote import Connection, SubjectError, connected

__all__ = ["Connection", "Ran", "SubjectError", "SubjectModule", "forget", "install", "read", "run"]


@dataclass(frozen=True)
class Ran:
    """How a command of the candidate's ended."""

    code: int
    stdout: str
    stderr: str


class SubjectModule(ModuleType):
    """A module of the candidate's, good for one connection."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._remote(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        # A module inside a package is put into it when it is imported: that is our side's business alone.
        if name.startswith("_") or isinstance(value, SubjectModule):
            super().__setattr__(name, value)
        else:
            setattr(self._remote(), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._remote(), name)

    def _remote(self) -> Any:
        connection = connected()
        return connection.decode(connection.ask("import", name=self.__name__).get("value"))


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds modules in the candidate.

    Args:
        names: Top-level modules that are looked for nowhere else; None for whatever is asked for, which then
            must stand after every other finder.
    """

    def __init__(self, names: Collection[str] | None = None) -> None:
        self._names = names

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        del path, target
        top, _, below = name.partition(".")
        if self._names is not None and top not in self._names:
            return None
        if below and not isinstance(sys.modules.get(top), SubjectModule):
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return SubjectModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Imports it where it lies, so that a module that is not there is an error at once."""
        assert isinstance(module, SubjectModule)
        module._remote()


def install(forced: Collection[str]) -> None:
    """Let `import` find the candidate's modules."""
    sys.meta_path.insert(0, Finder(forced))
    sys.meta_path.append(Finder())


def forget() -> None:
    """Drop the candidate's modules, which belong to a connection that has ended."""
    for name in [name for name, module in sys.modules.items() if isinstance(module, SubjectModule)]:
        del sys.modules[name]


def run(
    command: str | Iterable[str],
    *,
    stdin: str = "",
    timeout_s: float = 60.0,
    workdir: str = ".",
    env: dict[str, str] | None = None,
) -> Ran:
    """Run a command in the candidate's copy: shell text, or a program and its arguments.

    Raises:
        SubjectError: It did not end within the limit.
    """
    asked = command if isinstance(command, str) else list(command)
    connection = connected()
    try:
        answer = connection.ask(
            "run", command=asked, stdin=stdin, timeout_s=timeout_s, workdir=workdir, env=env or {}
        )
    except SubjectError:
        raise
    except Exception as error:  # noqa: BLE001 - TimeoutExpired and the like, as the other side names them
        raise SubjectError(f"{type(error).__name__}: {error}") from None
    found = connection.decode(answer.get("value"))
    if not (isinstance(found, tuple) and [type(one) for one in found] == [int, str, str]):
        raise SubjectError("the candidate's side answered nonsense")
    return Ran(*found)


def read(path: str) -> str | None:
    """A file of the candidate's copy as text; None where there is none."""
    connection = connected()
    found = connection.decode(connection.ask("read", path=path).get("value"))
    return found if isinstance(found, str) else None
