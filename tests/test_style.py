"""What a machine holds of CONTRIBUTING.md, beyond ruff: sizes, names, honest tests, no benchmark by name."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "honing"
FOLDERS = ("src", "tests", "benchmarks", "examples")

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
MAX_INIT_LINES = 40
MAX_PARAMETERS = 7
BANNED_NAMES = frozenset(
    {"utils", "util", "common", "helpers", "helper", "core", "models", "types", "manager", "misc"}
)
MOCK_LIBRARIES = frozenset(
    {"mock", "pytest_mock", "respx", "responses", "pytest_httpx", "httpretty", "freezegun"}
)
PATCHING_FIXTURES = frozenset({"monkeypatch", "mocker"})
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
BENCHMARKS = (
    "aime", "alfworld", "alpacaeval", "aqua-rat", "arc-challenge", "asdiv", "babyai", "bbh", "big-bench",
    "bigbench", "bigcodebench", "boolq", "codecontests", "commonsenseqa", "cruxeval", "ds-1000", "evalplus",
    "gaia", "gpqa", "gsm8k", "hellaswag", "hotpotqa", "humaneval", "ifeval", "lambada", "livecodebench",
    "mathqa", "mbpp", "mgsm", "minif2f", "miniwob", "mmlu", "mt-bench", "musr",
    "naturalquestions", "openbookqa", "piqa", "scienceworld", "simpleqa", "svamp", "swe-bench", "swebench",
    "terminal-bench", "toolbench", "triviaqa", "truthfulqa", "webarena", "webshop", "winogrande",
)  # fmt: skip

Function = ast.FunctionDef | ast.AsyncFunctionDef


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def where(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}" if path.is_relative_to(ROOT) else f"{path.name}:{line}"


def long_files(paths: list[Path]) -> list[str]:
    counted = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    return [
        f"{where(path, count)}: {count} lines" for path, count in counted.items() if count > MAX_FILE_LINES
    ]


def long_functions(paths: list[Path], *, signatures: bool = True) -> list[str]:
    """Functions that are too long; without `signatures`, parameters and docstring are not counted."""
    found = []
    for path in paths:
        for node in functions(tree_of(path)):
            first = node.lineno if signatures else _first_statement(node).lineno
            count = (node.end_lineno or first) - first + 1
            limit = MAX_INIT_LINES if node.name == "__init__" else MAX_FUNCTION_LINES
            if count > limit:
                found.append(f"{where(path, node.lineno)}: {node.name} has {count} lines of {limit}")
    return found


def _first_statement(node: Function) -> ast.stmt:
    return node.body[1] if ast.get_docstring(node) is not None and len(node.body) > 1 else node.body[0]


def crowded_functions(paths: list[Path]) -> list[str]:
    found = []
    for path in paths:
        for node in functions(tree_of(path)):
            parameters = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            names = [parameter.arg for parameter in parameters if parameter.arg not in {"self", "cls"}]
            if len(names) > MAX_PARAMETERS:
                found.append(f"{where(path, node.lineno)}: {node.name} has {len(names)} parameters")
    return found


def prints(paths: list[Path]) -> list[str]:
    return [
        where(path, node.lineno)
        for path in paths
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]


def unfinished(paths: list[Path]) -> list[str]:
    """Marks of unfinished work in comments, and `NotImplementedError` anywhere."""
    found = []
    for path in paths:
        text = path.read_text(encoding="utf-8")
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            marked = token.type == tokenize.COMMENT and UNFINISHED.search(token.string)
            if marked or (token.type == tokenize.NAME and token.string == "NotImplementedError"):
                found.append(where(path, token.start[0]))
    return found


def patched_tests(paths: list[Path]) -> list[str]:
    """Tests that import a mock library or ask for a fixture that patches."""
    found = []
    for path in paths:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Import):
                names = [name.name for name in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{name.name}" for name in node.names]
            else:
                names = []
            mocks = any(
                name.split(".")[0] in MOCK_LIBRARIES or name.startswith("unittest.mock") for name in names
            )
            patches = isinstance(node, Function) and any(a.arg in PATCHING_FIXTURES for a in node.args.args)
            if mocks or patches:
                found.append(where(path, node.lineno))
    return found


def empty_tests(paths: list[Path]) -> list[str]:
    """Tests that assert nothing, neither themselves nor through a function of their own folder."""
    by_folder: dict[Path, list[Path]] = {}
    for path in paths:
        by_folder.setdefault(path.parent, []).append(path)
    found = []
    for members in by_folder.values():
        asserting = _asserting(members)
        found += [
            f"{where(path, node.lineno)}: {node.name}"
            for path in members
            for node in functions(tree_of(path))
            if node.name.startswith("test_") and path.name.startswith("test_") and node.name not in asserting
        ]
    return found


def _asserting(paths: list[Path]) -> set[str]:
    """Names of functions that assert, directly or by calling one that does."""
    bodies = {node.name: node for path in paths for node in functions(tree_of(path))}
    asserting = {name for name, node in bodies.items() if any(map(_is_assertion, ast.walk(node)))}
    while True:
        more = {name for name, node in bodies.items() if name not in asserting and asserting & _called(node)}
        if not more:
            return asserting
        asserting |= more


def _is_assertion(node: ast.AST) -> bool:
    return isinstance(node, ast.Assert) or (
        isinstance(node, ast.Attribute)
        and node.attr in {"raises", "warns", "fail"}
        and isinstance(node.value, ast.Name)
        and node.value.id == "pytest"
    )


def _called(node: ast.AST) -> set[str]:
    calls = [call.func for call in ast.walk(node) if isinstance(call, ast.Call)]
    return {func.id for func in calls if isinstance(func, ast.Name)} | {
        func.attr for func in calls if isinstance(func, ast.Attribute)
    }


def named_benchmarks(folder: Path) -> list[str]:
    """Benchmarks named in any file below a folder, in any spelling: `big-bench`, `BigBench`, `big_bench`."""
    loose = [re.escape(name).replace(r"\-", "[-_ ]?") for name in BENCHMARKS]
    pattern = re.compile(rf"(?<![a-z0-9])({'|'.join(loose)})(?![a-z0-9])", re.IGNORECASE)
    return [
        f"{where(path, number)}: {match[1]}"
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if (match := pattern.search(line))
    ]


def test_no_file_is_longer_than_400_lines() -> None:
    assert long_files(python_files(*FOLDERS)) == []


def test_no_function_is_longer_than_50_lines_and_no_init_than_40() -> None:
    commands = python_files("src/honing/cli")
    others = [path for path in python_files(*FOLDERS) if path not in commands]

    assert long_functions(others) == []
    assert long_functions(commands, signatures=False) == []


def test_no_function_but_a_command_has_more_than_7_parameters() -> None:
    assert (
        crowded_functions([p for p in python_files("src") if p not in python_files("src/honing/cli")]) == []
    )


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]

    assert [str(path) for path in paths if path.stem in BANNED_NAMES] == []


def test_nothing_is_patched_in_tests() -> None:
    assert patched_tests(python_files("tests")) == []


def test_only_the_command_line_and_benchmarks_print() -> None:
    assert prints([p for p in python_files("src") if p not in python_files("src/honing/cli")]) == []


def test_nothing_in_the_source_is_left_for_later() -> None:
    assert unfinished(python_files("src")) == []


def test_every_test_asserts_something() -> None:
    assert empty_tests(python_files("tests")) == []


def test_no_benchmark_is_named_in_the_contract_system() -> None:
    assert named_benchmarks(SOURCE / "contract") == []


def planted(folder: Path, name: str, text: str) -> list[Path]:
    path = folder / name
    path.write_text(text)
    return [path]


@pytest.mark.parametrize(
    ("check", "name", "text", "found"),
    [
        (long_files, "a.py", "x = 1\n" * 401, ["a.py:401: 401 lines"]),
        (long_functions, "a.py", "def f():\n" + "    x = 1\n" * 50, ["a.py:1: f has 51 lines of 50"]),
        (
            long_functions,
            "a.py",
            "class A:\n    def __init__(self):\n" + "        x = 1\n" * 40,
            ["a.py:2: __init__ has 41 lines of 40"],
        ),
        (
            crowded_functions,
            "a.py",
            "def g(self, a, b, c, d, e, f, *, h, i): ...", ["a.py:1: g has 8 parameters"],
        ),
        (prints, "a.py", "def f():\n    print('x')", ["a.py:2"]),
        (unfinished, "a.py", "x = 'TODO'  # TO" + "DO: more", ["a.py:1"]),
        (unfinished, "a.py", "raise NotImplementedError", ["a.py:1"]),
        (patched_tests, "test_a.py", "from unittest import mock", ["test_a.py:1"]),
        (patched_tests, "test_a.py", "from unittest.mock import patch", ["test_a.py:1"]),
        (patched_tests, "test_a.py", "def test_x(monkeypatch):\n    assert 1", ["test_a.py:1"]),
        (empty_tests, "test_a.py", "def test_x():\n    run()\ndef run(): ...", ["test_a.py:1: test_x"]),
        (empty_tests, "test_a.py", "def test_x():\n    run()\ndef run():\n    assert 1", []),
        (long_functions, "a.py", "def f():\n" + "    x = 1\n" * 49, []),
        (long_files, "a.py", "x = 1\n" * 400, []),
    ],
)  # fmt: skip
def test_a_planted_fault_is_found_and_what_is_allowed_is_not(tmp_path, check, name, text, found) -> None:
    assert check(planted(tmp_path, name, text)) == found


@pytest.mark.parametrize("line", ["like GSM8K", "big_bench = 1", "# SWE bench", "mmlu_pro"])
def test_a_benchmark_is_recognised_in_any_spelling(tmp_path: Path, line: str) -> None:
    planted(tmp_path, "a.yaml", line)

    assert [found.partition(":")[0] for found in named_benchmarks(tmp_path)] == ["a.yaml"]


def test_a_word_that_contains_the_name_of_a_benchmark_is_none(tmp_path: Path) -> None:
    planted(tmp_path, "a.py", "bbhx = agaian + claimed  # mbppx")

    assert named_benchmarks(tmp_path) == []
