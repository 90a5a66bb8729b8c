"""The picture of docs/architecture.md, held: imports point down only, and enter by the `__init__`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "honing"

ROWS: tuple[frozenset[str], ...] = (
    frozenset({"cli", "honing", "env", "__main__"}),
    frozenset({"experiments"}),
    frozenset({"contract", "harness", "teach"}),
    frozenset({"agents", "learn"}),
    frozenset({"llm", "executors", "view"}),
    frozenset({"sandbox", "store", "environments"}),
    frozenset({"stats", "demo"}),
    frozenset({"settings", "documents"}),
    frozenset({"errors", "_version"}),
)
"""From the top of the house to its ground. `honing` is the façade, `honing/__init__`."""

ONLY_FROM = {
    # Options reach every other module as arguments: a function that reads settings by itself cannot be tested
    # without them.
    "settings": frozenset({"cli", "honing", "experiments"}),
    # The data set is a target like any other; no system may know it.
    "demo": frozenset({"cli", "honing", "experiments"}),
}
"""Modules that are not open to everybody above them."""

MAY_READ_THE_ENVIRONMENT = frozenset({"cli", "honing", "__main__"})
EXCEPTIONS = {
    "contract/readers/programs/tasks_ask.py": "a program that runs as a target's command, in its sandbox",
    "contract/readers/programs/tasks_judge.py": "a program that runs as a target's command, in its sandbox",
    "sandbox/bubblewrap.py": "a counter-example without the protection 'clean environment' inherits ours",
}
"""Files below that may read the environment all the same, and why."""
_MODULE_AS_TEXT = re.compile(rf"honing\.({'|'.join(sorted(frozenset().union(*ROWS)))})(\.\w+)*")
_ENVIRONMENT = frozenset({"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"})


@dataclass(frozen=True, slots=True)
class Import:
    """One import of honing by honing."""

    line: int
    module: str
    """As written, dotted: `honing.store.run`."""
    names: tuple[str, ...]
    """What `from ... import` takes; empty for `import ...`."""


def violations(source: Path) -> list[str]:
    """Every import below `source` that the picture does not allow, and every look at the environment."""
    found: list[str] = []
    for path in sorted(source.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        owner = owner_of(path, source)
        label = path.relative_to(source).as_posix()
        found += [f"{label}:{line}: {why}" for line, why in _import_faults(tree, owner, source)]
        if owner not in MAY_READ_THE_ENVIRONMENT and label not in EXCEPTIONS:
            found += [f"{label}:{line}: reads the environment" for line in _environment_reads(tree)]
    return found


def owner_of(path: Path, source: Path) -> str:
    """The module a file belongs to: its first folder, or its own name at the top."""
    parts = path.relative_to(source).parts
    top = parts[0] if len(parts) > 1 else path.stem
    return "honing" if top == "__init__" else top


def _import_faults(tree: ast.Module, owner: str, source: Path) -> Iterator[tuple[int, str]]:
    for found in _imports(tree):
        for target in _targets(found):
            why = _fault(owner, target, found, source)
            if why:
                yield found.line, why


def _imports(tree: ast.Module) -> Iterator[Import]:
    """Imports anywhere in a file: in functions, under TYPE_CHECKING, and by `import_module`."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                for name in names:
                    yield Import(node.lineno, name.name, ())
            case ast.ImportFrom(module=module, names=names, level=level):
                # A relative import hides where it points; the picture is written in absolute names.
                yield Import(
                    node.lineno, "honing.<relative>" if level else module or "", tuple(n.name for n in names)
                )
            case ast.Constant(value=str(text)) if _MODULE_AS_TEXT.fullmatch(text):
                # `import_module`, lazy tables.
                yield Import(node.lineno, text, ())


def _targets(found: Import) -> Iterator[str]:
    head, *rest = found.module.split(".")
    if head != "honing":
        return
    if rest:
        yield rest[0]
    else:
        yield from (
            name if (SOURCE / name).is_dir() or (SOURCE / f"{name}.py").is_file() else "honing"
            for name in found.names or ("honing",)
        )


def _fault(owner: str, target: str, found: Import, source: Path) -> str:
    if target == owner:
        return ""
    if target not in {name for row in ROWS for name in row}:
        return f"{found.module} is not in the picture"
    if owner not in {name for row in ROWS for name in row}:
        return f"{owner} is not in the picture"
    if _row(target) < _row(owner):
        return f"{owner} imports {target}, which is above it"
    if _row(target) == _row(owner) and owner not in {"cli", "honing", "env", "__main__"}:
        return f"{owner} imports {target}, which stands beside it"
    if target in ONLY_FROM and owner not in ONLY_FROM[target]:
        return f"{owner} imports {target}, which is for {', '.join(sorted(ONLY_FROM[target]))} alone"
    files = [name for name in found.names if (source / target / f"{name}.py").is_file()]
    if len(found.module.split(".")) > 2 or set(files) - _exported(source / target / "__init__.py"):
        return _past_the_door(owner, target, found)
    return ""


def _past_the_door(owner: str, target: str, found: Import) -> str:
    what = " ".join([found.module, ", ".join(found.names)]).strip()
    return f"{owner} imports {what}: enter {target} through honing.{target}"


def _exported(target: Path) -> set[str]:
    """The names in a module's `__all__`: one of them may be called like a file."""
    tree = ast.parse(target.read_text(encoding="utf-8")) if target.is_file() else ast.Module([], [])
    return {
        str(name)
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and "__all__" in ast.unparse(node)
        for name in ast.literal_eval(node.value or ast.Tuple([]))
    }


def _row(module: str) -> int:
    return next(number for number, row in enumerate(ROWS) if module in row)


def _environment_reads(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr=attr) if attr in _ENVIRONMENT:
                yield node.lineno
            case ast.ImportFrom(module="os", names=names) if any(name.name in _ENVIRONMENT for name in names):
                yield node.lineno


def test_every_import_of_the_house_points_down_and_enters_by_the_door() -> None:
    assert violations(SOURCE) == []


def test_every_exception_is_still_needed() -> None:
    reads = {name: list(_environment_reads(ast.parse((SOURCE / name).read_text()))) for name in EXCEPTIONS}

    assert [name for name, lines in reads.items() if not lines] == []


def test_every_module_on_disk_is_in_the_picture() -> None:
    on_disk = {owner_of(path, SOURCE) for path in SOURCE.rglob("*.py")}

    assert on_disk <= {name for row in ROWS for name in row}


BESIDE = "which stands beside it"
ABOVE = "which is above it"
DOOR = "enter store through honing.store"
PLANTED = [
    ("store/run.py", "from honing.llm import Client", f"store imports llm, {ABOVE}"),
    ("store/run.py", "from honing.sandbox import Sandbox", f"store imports sandbox, {BESIDE}"),
    ("llm/client.py", "def f():\n    import honing.executors", f"llm imports executors, {BESIDE}"),
    ("llm/client.py", "from honing.store.run import Run", f"llm imports honing.store.run Run: {DOOR}"),
    ("llm/client.py", "import honing.store.run", f"llm imports honing.store.run: {DOOR}"),
    ("llm/client.py", "from honing.store import run", f"llm imports honing.store run: {DOOR}"),
    (
        "contract/session.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from honing.cli import main",
        f"contract imports cli, {ABOVE}",
    ),
    ("contract/session.py", "from honing import cli", f"contract imports cli, {ABOVE}"),
    ("contract/session.py", "import honing", f"contract imports honing, {ABOVE}"),
    (
        "contract/session.py",
        "from importlib import import_module\nimport_module('honing.harness')",
        f"contract imports harness, {BESIDE}",
    ),
    (
        "stats/x.py",
        "from honing.settings import load_settings",
        "stats imports settings, which is for cli, experiments, honing alone",
    ),
    ("store/run.py", "from .atomic import write", "honing.<relative> is not in the picture"),
    ("store/run.py", "import honing.gossip", "honing.gossip is not in the picture"),
    ("attic/x.py", "import honing.errors", "attic is not in the picture"),
    ("store/run.py", "import os\nHOME = os.environ['HOME']", "reads the environment"),
    ("store/run.py", "from os import getenv", "reads the environment"),
]


@pytest.mark.parametrize(("file", "code", "why"), PLANTED)
def test_a_planted_fault_is_found(tmp_path: Path, file: str, code: str, why: str) -> None:
    planted = tmp_path / file
    planted.parent.mkdir(parents=True)
    planted.write_text(code)
    (tmp_path / "store").mkdir(exist_ok=True)
    (tmp_path / "store" / "run.py").touch()

    assert violations(tmp_path) == [f"{file}:{code.count(chr(10)) + 1}: {why}"]


ALLOWED = [
    (
        "cli/a.py",
        "import os\nfrom honing.contract import setup\nfrom honing.settings import Settings\nos.environ",
    ),
    (
        "executors/a.py",
        "from honing.store import Run\nfrom honing.stats import wilson\nimport honing.sandbox",
    ),
    ("llm/a.py", "from honing.store import Run\nfrom honing.llm.wires import WIRES"),
    ("view/a.py", "from honing.store import Report\nfrom honing.errors import HoningError\nimport json"),
    ("__init__.py", "from honing._version import __version__\nHOMES = {'setup': 'honing.contract'}"),
    ("store/a.py", "from honing.store.atomic import write\nfrom honing.errors import StoreError"),
    ("view/b.py", "from honing.store import verify"),
]


@pytest.mark.parametrize(("file", "code"), ALLOWED)
def test_what_the_picture_allows_is_not_reported(tmp_path: Path, file: str, code: str) -> None:
    allowed = tmp_path / file
    allowed.parent.mkdir(parents=True, exist_ok=True)
    allowed.write_text(code)
    (tmp_path / "store").mkdir(exist_ok=True)
    (tmp_path / "store" / "verify.py").touch()
    (tmp_path / "store" / "__init__.py").write_text("__all__ = ['verify']")

    assert violations(tmp_path) == []


def test_the_picture_is_the_one_in_the_architecture_page() -> None:
    page = (SOURCE.parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawing = page.split("## The house")[1].split("```")[1]
    drawn = [
        frozenset(line[:36].replace("honing/__init__", "honing").replace("|", " ").replace(",", " ").split())
        for line in drawing.strip().splitlines()
    ]
    planned = {"experiments", "harness", "teach", "environments"}
    unnamed = {"__main__", "_version"}

    built = [row - planned - unnamed for row in ROWS]
    assert [row - planned for row in drawn if row - planned] == [row for row in built if row]
