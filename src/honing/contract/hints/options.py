"""The options of the programs that a hint runs, read from the target's own source."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

from honing.contract.hints.base import Hint, Placeholder, Trap, TrapFound
from honing.contract.hints.declared import declared_options
from honing.contract.hints.files import TargetFiles
from honing.contract.hints.invocations import Form, Invocation, invocations
from honing.contract.hints.kinds import option_kind
from honing.contract.hints.option import Option
from honing.contract.hints.places import module_file
from honing.contract.hints.python_source import parsed
from honing.contract.hints.sources.projects import Project, read_project
from honing.contract.spec import HoleKind

_MAX_MODULES = 12
"""Modules of the target that one program's options may be spread over."""
_MAX_CONFIG_BYTES = 32 * 1024
_PER_TASK = ("per problem", "per task", "for each", "per prompt", "per question")


def options_of(folder: Path, hint: Hint) -> tuple[Option, ...]:
    """The options of every program of the target that a hint runs.

    Console scripts, `python -m` and scripts are followed into the target's source, and from there into the
    modules of the target that it imports. Nothing is run. Programs that are not the target's own have none.
    """
    files = TargetFiles(folder)
    return Sources(files, read_project(files)).options(invocations(hint.command), hint.workdir)


def modules_of(folder: Path, hint: Hint, *, deep: bool) -> tuple[str, ...]:
    """The Python files of the target that a hint's programs run, and those that they import: paths below it.

    Args:
        folder: The target.
        hint: The command.
        deep: Whether imports are followed further than from the program itself (to so many files).
    """
    files = TargetFiles(folder)
    sources = Sources(files, read_project(files))
    return tuple(sources.modules(invocations(hint.command), hint.workdir, deep=deep))


@dataclass(slots=True)
class Sources:
    """The target's Python source, parsed once."""

    files: TargetFiles
    project: Project
    _trees: dict[str, ast.Module | None] = field(default_factory=dict)
    _options: dict[str, tuple[Option, ...]] = field(default_factory=dict)

    def options(self, started: list[Invocation], folder: str) -> tuple[Option, ...]:
        """The options of the programs that are the target's own."""
        found: list[Option] = []
        for invocation in started:
            path = self.file_of(invocation, folder)
            if path is not None:
                found += self._options_in(path, folder)
        return tuple(dict.fromkeys(found))

    def file_of(self, invocation: Invocation, folder: str) -> str | None:
        """The Python file that a program runs; None where it is not the target's own."""
        if invocation.form is Form.MODULE:
            return module_file(self.files, folder, invocation.program)
        if invocation.form is Form.SCRIPT:
            path = f"{folder}/{invocation.program}" if folder != "." else invocation.program
            return path if path.endswith(".py") and self.files.is_file(path) else None
        script = self.project.scripts.get(invocation.program)
        return module_file(self.files, ".", script.module) if script is not None else None

    def modules(self, started: list[Invocation], folder: str, *, deep: bool) -> Iterator[str]:
        """The files that programs run, each followed by those of the target that it imports."""
        for invocation in started:
            path = self.file_of(invocation, folder)
            if path is not None:
                yield from self._reach(path, folder, deep=deep)

    def asks_model(self, started: list[Invocation], folder: str) -> bool:
        """Whether one of the programs can be told where a model is, or its key."""
        kinds = {option_kind(option.name) for option in self.options(started, folder)}
        return bool(kinds & {HoleKind.BASE_URL, HoleKind.KEY})

    def traps(self, started: list[Invocation], folder: str) -> Iterator[TrapFound]:
        """What the source of the programs shows: it waits for somebody to type."""
        for invocation in started:
            path = self.file_of(invocation, folder)
            tree = self._tree(path) if path is not None else None
            if tree is not None and _waits_for_input(tree):
                yield TrapFound(Trap.INTERACTIVE, f"It waits for somebody to type: {path} calls `input()`.")

    def _options_in(self, path: str, folder: str) -> tuple[Option, ...]:
        if path not in self._options:
            found: list[Option] = []
            for module in self._reach(path, folder):
                tree = self._tree(module)
                if tree is not None:
                    found += self._declared(tree, module)
            self._options[path] = tuple(found)
        return self._options[path]

    def _declared(self, tree: ast.Module, path: str) -> list[Option]:
        try:
            return [*declared_options(tree, file=path), *self._configured(tree, path)]
        except RecursionError:
            self.files.notes.append(f"{path}: nested too deeply to read its options")
            return []

    def _reach(self, path: str, folder: str, *, deep: bool = True) -> list[str]:
        """The file itself and the modules of the target that it imports."""
        found = [path]
        for known in found if deep else (path,):
            tree = self._tree(known)
            for module in _imported(tree, known) if tree is not None else ():
                below = module_file(self.files, ".", module) or module_file(self.files, folder, module)
                if below is not None and below not in found and len(found) < _MAX_MODULES:
                    found.append(below)
            if len(found) >= _MAX_MODULES:
                break
        return found

    def _tree(self, path: str) -> ast.Module | None:
        if path not in self._trees:
            text = self.files.text(path)
            try:
                self._trees[path] = parsed(text) if text is not None else None
            except ValueError:
                self._trees[path] = None
        return self._trees[path]

    def _configured(self, tree: ast.Module, path: str) -> Iterator[Option]:
        """The keys of the YAML file that `hydra.main` names: they are options `key.key=value`."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "hydra.main":
                given = {key.arg: key.value for key in node.keywords}
                parts = [_string(given.get("config_path")), _string(given.get("config_name"))]
                base = "" if "/" not in path else path.rsplit("/", 1)[0]
                name = parts[1].removesuffix(".yaml")
                yield from self._keys("/".join(filter(None, (base, parts[0], f"{name}.yaml"))))

    def _keys(self, path: str) -> Iterator[Option]:
        text = self.files.text(path)
        if text is None or len(text) > _MAX_CONFIG_BYTES:
            return
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
        except (yaml.YAMLError, RecursionError):
            return
        yield from _flattened(node, "", path, depth=0)


def _flattened(node: yaml.Node | None, prefix: str, path: str, *, depth: int) -> Iterator[Option]:
    if not isinstance(node, yaml.MappingNode) or depth > 4:
        return
    for key, value in node.value[:200]:
        name = f"{prefix}{key.value}"
        if isinstance(value, yaml.ScalarNode):
            yield Option(name=name, default=value.value, anchor=f"{path}:{key.start_mark.line + 1}")
        else:
            yield from _flattened(value, f"{name}.", path, depth=depth + 1)


def _string(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _waits_for_input(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "input"
        for node in ast.walk(tree)
    )


def _imported(tree: ast.Module, path: str) -> Iterator[str]:
    """The modules that a module imports, relative ones resolved against its path."""
    package = path.removesuffix(".py").removesuffix("/__init__").split("/")
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level] if node.level else []
            module = ".".join(filter(None, (*above, node.module)))
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def typed(placeholders: tuple[Placeholder, ...], options: tuple[Option, ...]) -> tuple[Placeholder, ...]:
    """Placeholders with what the options they belong to declare: their choices, and a number's meaning."""
    by_name = {name: option for option in options for name in (option.name, *option.aliases)}
    by_name |= {name.replace("-", "_"): option for name, option in by_name.items()}
    return tuple(_typed(one, by_name) for one in placeholders)


def _typed(one: Placeholder, by_name: Mapping[str, Option]) -> Placeholder:
    option = by_name.get(one.option) or by_name.get(one.option.replace("-", "_")) if one.option else None
    if option is None:
        return one
    if option.choices and one.kind is HoleKind.MODEL:
        return replace(one, choices=option.choices)
    if option.choices and one.kind in (HoleKind.TEXT, HoleKind.CHOICE, HoleKind.NUMBER):
        return replace(one, kind=HoleKind.CHOICE, choices=one.choices or option.choices)
    if one.kind is HoleKind.LIMIT and any(words in option.help.lower() for words in _PER_TASK):
        return replace(one, kind=HoleKind.NUMBER)
    if one.kind is HoleKind.TEXT and option.type in ("int", "float"):
        return replace(one, kind=HoleKind.NUMBER)
    return replace(one, kind=HoleKind.PATH) if one.kind is HoleKind.TEXT and option.type == "path" else one
