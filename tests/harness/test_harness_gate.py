"""What the gate says of candidates, one rule at a time."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from judged_folders import Files, Folder, Link, Moded, Pipe, Socket, gated, made_project

from honing.harness.candidate import Outcome
from honing.harness.project import Rules, Scope

SECRET = "c4n4ryc4n4ry0123456789"
BASE: Files = {
    "AGENTS.md": "Be brief.\n",
    "scripts/test.sh": Moded("echo ok\n", 0o755),
    "src/app.py": "x = 1\n",
}
PROMPT = Scope("AGENTS.md", "prompt")
SCOPED = {
    "scope": (Scope("AGENTS.md", "prompt"), Scope("scripts", "tool_impl"), Scope("docs/*.md", "memory"))
}
EDIT: Files = {"AGENTS.md": "Be brief. Read the guide.\n"}


def case(name: str, change: Files, outcome: Outcome | None, *offending: str, **rules: Any) -> Any:
    """One candidate: what it has beside or instead of the parent's files; None takes a file away."""
    return pytest.param(change, rules, outcome, offending, id=name)


def gone(*names: str) -> dict[str, None]:
    return dict.fromkeys(names)


T, S, C, L, N = (
    Outcome.TAMPERED,
    Outcome.SCOPE_VIOLATION,
    Outcome.CLASS_VIOLATION,
    Outcome.LEAKAGE_VIOLATION,
    Outcome.NO_CHANGE,
)
LEAK = "the task id 'reads-the-guide-1' in AGENTS.md"
SEALED = "the id of held-out task 1 in AGENTS.md"
PHRASE = "forbidden phrase 1 in AGENTS.md"
FORBIDDEN = {"forbidden": ("the swordfish answer",)}

CASES = [
    case("an edit in scope passes", EDIT, None, **SCOPED),
    case("with no scope everything may change", {"src/app.py": "x = 2\n"}, None),
    case("a new file in a folder of the scope passes", {"scripts/new/run.sh": "x"}, None, **SCOPED),
    case("a file that a pattern names passes", {"docs/guide.md": "read"}, None, **SCOPED),
    case(
        "a pattern stays within one folder", {"docs/deep/guide.md": "read"}, S, "docs/deep/guide.md", **SCOPED
    ),
    case(
        "a pattern of two stars goes through folders",
        {"docs/deep/er/guide.md": "read"},
        None,
        scope=(Scope("docs/**/*.md"),),
    ),
    case("two stars are no folder as well", {"docs/guide.md": "read"}, None, scope=(Scope("docs/**/*.md"),)),
    case("a file outside the scope", {"src/app.py": "x = 2\n"}, S, "src/app.py", **SCOPED),
    case("a new file outside the scope", {**EDIT, "evil.py": "1"}, S, "evil.py", **SCOPED),
    case(
        "a name that only begins like the scope", {"scripts_evil/x.sh": "1"}, S, "scripts_evil/x.sh", **SCOPED
    ),
    case("a name in another case", {"agents.md": "x"}, S, "agents.md", **SCOPED),
    case("a look-alike of an allowed name", {"\u0410GENTS.md": "x"}, S, "\u0410GENTS.md", **SCOPED),
    case("a file taken away outside the scope", gone("src/app.py", "src"), S, "src/app.py", **SCOPED),
    case(
        "a file moved out of the scope",
        {**gone("AGENTS.md"), "moved.md": "Be brief.\n"},
        S,
        "moved.md",
        **SCOPED,
    ),
    case(
        "a file moved into the scope from outside",
        {**gone("src/app.py"), "scripts/app.py": "x = 1\n"},
        S,
        "src/app.py",
        **SCOPED,
    ),
    case(
        "another mode outside the scope", {"src/app.py": Moded("x = 1\n", 0o755)}, S, "src/app.py", **SCOPED
    ),
    case("a link outside the scope", {"src/l": Link("app.py")}, S, "src/l", **SCOPED),
    case("an empty folder outside the scope", {"extra": Folder()}, S, "extra", **SCOPED),
    case(
        "a file that became a folder outside the scope",
        {**gone("src/app.py"), "src/app.py/x": "1"},
        S,
        "src/app.py",
        "src/app.py/x",
        **SCOPED,
    ),
    case("a file whose name is no text", {"bad\udcff": "1"}, S, "bad\\xff", **SCOPED),
    case("a file name with a line break", {"a\nb": "1"}, S, "a\\nb", **SCOPED),
    case("a required file taken away", gone("AGENTS.md"), S, "AGENTS.md", required=("AGENTS.md",)),
    case(
        "a required file that became a folder",
        {**gone("AGENTS.md"), "AGENTS.md/x": "1"},
        S,
        "AGENTS.md",
        required=("./AGENTS.md",),
    ),
    case(
        "a required file that became a link",
        {**gone("AGENTS.md"), "AGENTS.md": Link("src/app.py")},
        S,
        "AGENTS.md",
        required=("AGENTS.md",),
    ),
    case("more bytes than allowed", {"big": "x" * 2000}, S, "big", largest_bytes=1000),
    case("more than allowed, but no more than before", {"AGENTS.md": "Be.\n"}, None, largest_bytes=10),
    case("two classes", {**EDIT, "scripts/x.sh": "1"}, C, "prompt", "tool_impl", single_class=True, **SCOPED),
    case(
        "one class in two files",
        {"scripts/test.sh": "1", "scripts/x.sh": "1"},
        None,
        single_class=True,
        **SCOPED,
    ),
    case(
        "a class and a file of none",
        {**EDIT, "src/app.py": "2"},
        C,
        "other",
        "prompt",
        single_class=True,
        scope=(Scope("AGENTS.md", "prompt"), Scope(".")),
    ),
    case(
        "the closest place names the class",
        {"scripts/hint.md": "1", **EDIT},
        None,
        single_class=True,
        scope=(
            Scope("scripts", "tool_impl"),
            Scope("scripts/hint.md", "prompt"),
            Scope("AGENTS.md", "prompt"),
        ),
    ),
    case("two classes are fine where nothing forbids them", {**EDIT, "scripts/x.sh": "1"}, None, **SCOPED),
    case("a link to a file of the machine", {"l": Link("/etc/passwd")}, T, "l"),
    case("a link above the top", {"src/l": Link("../../x")}, T, "src/l"),
    case(
        "a link that leads out through another", {"src/up": Link(".."), "src/l": Link("up/../x")}, T, "src/l"
    ),
    case("a link within the folder passes", {"src/l": Link("../AGENTS.md")}, None),
    case("a link to nothing passes", {"src/l": Link("nowhere")}, None),
    case("links in a circle pass", {"a": Link("b"), "b": Link("a")}, None),
    case("a link that leads out is worse than its place", {"src/l": Link("/etc")}, T, "src/l", **SCOPED),
    case("a pipe", {"scripts/p": Pipe()}, T, "scripts/p", **SCOPED),
    case("a socket", {"scripts/s": Socket()}, T, "scripts/s", **SCOPED),
    case("a pipe instead of a file", {**gone("AGENTS.md"), "AGENTS.md": Pipe()}, T, "AGENTS.md"),
    case("a file beside the change manifest", {".honing/results.json": "{}"}, T, ".honing/results.json"),
    case("our folder as a link", {".honing": Link("src")}, T, ".honing"),
    case(
        "a file of ours that the author allowed",
        {".honing/contract.yaml": "schema: 1"},
        None,
        scope=(Scope(".honing/contract.yaml"),),
    ),
    case("the change manifest alone is no change", {".honing/change_manifest.json": "{}"}, N),
    case("the predecessor's folder is no part", {".metaharness/change_manifest.json": "{}"}, N),
    case("nothing", {}, N),
    case(
        "only transient files", {".venv/bin/python": "x", "src/__pycache__/a.pyc": "x", ".DS_Store": "x"}, N
    ),
    case("transient files outside the scope", {**EDIT, "src/.venv/x": "1"}, None, **SCOPED),
    case("a folder that is transient in this project", {"build/x": "1"}, N, transient=("build/",)),
    case(
        "a file called like a transient folder", {"build": "1"}, S, "build", transient=("build/",), **SCOPED
    ),
    case("another mode alone is a change", {"scripts/test.sh": Moded("echo ok\n", 0o644)}, None),
    case("the run's secret in a file", {"AGENTS.md": f"key {SECRET}"}, T, "AGENTS.md"),
    case("the run's secret in base 64", {"x": base64.b64encode(f"a{SECRET}b".encode())}, T, "x"),
    case("the run's secret in hexadecimal", {"x": SECRET.encode().hex()}, T, "x"),
    case("the run's secret backwards", {"x": SECRET[::-1]}, T, "x"),
    case("the run's secret in pieces", {"x": f"'{SECRET[:7]}' + '{SECRET[7:]}'"}, T, "x"),
    case("the run's secret as a file name", {SECRET: ""}, T, SECRET),
    case("the run's secret as a link", {"x": Link(SECRET)}, T, "x"),
    case("an id of a task", {"AGENTS.md": "for reads-the-guide-1 do this"}, L, LEAK),
    case("an id in capitals and other letters", {"AGENTS.md": "READS-\u0422HE-GUIDE-1"}, L, LEAK),
    case("an id with invisible characters", {"AGENTS.md": "reads\u200b-the-\u00adguide-1"}, L, LEAK),
    case("an id in wide letters", {"AGENTS.md": "\uff52eads-the-guide-1"}, L, LEAK),
    case("an id in a file of wide characters", {"AGENTS.md": "reads-the-guide-1".encode("utf-16")}, L, LEAK),
    case("an id in a file that is no text", {"AGENTS.md": b"\x00\xff\xfereads-the-guide-1\x00\xff"}, L, LEAK),
    case(
        "an id in a longer word passes", {"AGENTS.md": "reads-the-guide-12 and pre-reads-the-guide-1"}, None
    ),
    case(
        "an id as a file name",
        {"reads-the-guide-1": ""},
        L,
        "the task id 'reads-the-guide-1' in reads-the-guide-1",
    ),
    case("an id as a link", {"x": Link("reads-the-guide-1")}, L, "the task id 'reads-the-guide-1' in x"),
    case(
        "an id in base 64",
        {"x": base64.b64encode(b"..reads-the-guide-1..")},
        L,
        "the task id 'reads-the-guide-1' in x",
    ),
    case("an id of a held-out task", {"AGENTS.md": "sealed-task-77"}, L, SEALED),
    case("a forbidden phrase", {"AGENTS.md": "The  Swordfish\nanswer"}, L, PHRASE, **FORBIDDEN),
    case("an id where leakage is not searched", {"AGENTS.md": "reads-the-guide-1"}, None, leakage=False),
]


@pytest.mark.parametrize(("change", "rules", "outcome", "offending"), CASES)
def test_a_candidate_gets_exactly_the_outcome_of_the_rule_it_breaks(
    tmp_path: Path, change: Files, rules: dict[str, Any], outcome: Outcome | None, offending: tuple[str, ...]
) -> None:
    merged: dict[str, Any] = {**BASE, **change}
    after = {name: content for name, content in merged.items() if content is not None}

    found = gated(tmp_path, made_project(Rules(**rules)), BASE, after, secret=SECRET)

    assert (None if found is None else found.outcome) is outcome
    assert (() if found is None else found.offending) == offending


def test_there_are_at_least_forty_cases() -> None:
    assert len(CASES) >= 40


def test_the_first_rule_in_order_names_the_outcome(tmp_path: Path) -> None:
    project = made_project(Rules(single_class=True, **SCOPED))
    worst = {
        **BASE,
        "AGENTS.md": "reads-the-guide-1",
        "scripts/x.sh": "1",
        "evil.py": "1",
        "l": Link("/etc/passwd"),
    }
    steps = [worst]
    for name in ("l", "evil.py", "scripts/x.sh"):
        steps.append({path: what for path, what in steps[-1].items() if path != name})
    steps.append(dict(BASE))

    found = [gated(tmp_path / str(n), project, BASE, after) for n, after in enumerate(steps)]

    assert [one.outcome for one in found if one] == [T, S, C, L, N]
