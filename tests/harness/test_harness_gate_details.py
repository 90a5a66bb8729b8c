"""What the gate says beyond outcomes: what counts as new, what it tells, whose doing a link is."""

from __future__ import annotations

from pathlib import Path

import pytest
from judged_folders import Files, Link, Moded, PlainTask, compared, gated, made_project

from honing.harness.candidate import Outcome
from honing.harness.gate import gate
from honing.harness.gate.tampering import leads_outside
from honing.harness.project import Rules, Scope

BASE: Files = {
    "AGENTS.md": "Be brief.\n",
    "scripts/test.sh": Moded("echo ok\n", 0o755),
    "src/app.py": "x = 1\n",
}
EDIT: Files = {"AGENTS.md": "Be brief. Read the guide.\n"}
SCOPED = {"scope": (Scope("AGENTS.md"), Scope("scripts"), Scope("docs/*.md"))}
T, S, L, N = (
    Outcome.TAMPERED,
    Outcome.SCOPE_VIOLATION,
    Outcome.LEAKAGE_VIOLATION,
    Outcome.NO_CHANGE,
)


def test_the_sentence_says_what_was_wrong_and_what_is_allowed(tmp_path: Path) -> None:
    found = gated(tmp_path, made_project(Rules(**SCOPED)), BASE, {**BASE, "evil.py": "1"})

    assert found is not None
    assert found.sentence == (
        "it changed what it may not change: evil.py. A candidate may change: AGENTS.md, scripts, docs/*.md"
    )


def test_what_is_hidden_is_described_and_never_repeated(tmp_path: Path) -> None:
    project = made_project(Rules(forbidden=("the swordfish answer",)))

    found = gated(tmp_path, project, BASE, {**BASE, "x": "sealed-task-77 is the swordfish answer"})

    assert found is not None
    told = found.sentence + "".join(found.offending)
    assert ("swordfish" in told, "sealed-task-77" in told) == (False, False)


def test_what_stood_in_the_parent_is_not_held_against_its_child(tmp_path: Path) -> None:
    before = {**BASE, "AGENTS.md": "reads-the-guide-1 is a task\n"}

    kept = gated(
        tmp_path / "1", made_project(), before, {**before, "AGENTS.md": "Well: reads-the-guide-1 is a task\n"}
    )
    more = gated(
        tmp_path / "2",
        made_project(),
        before,
        {**before, "AGENTS.md": "reads-the-guide-1 reads-the-guide-1\n"},
    )

    assert kept is None
    assert more is not None
    assert more.outcome is L


@pytest.mark.parametrize("name", ["title", "tests", "a1", "validate"], ids=str)
def test_an_id_that_anybody_may_write_is_not_looked_for(tmp_path: Path, name: str) -> None:
    project = made_project(tasks=(PlainTask(name),))

    assert gated(tmp_path, project, BASE, {**BASE, "AGENTS.md": f"the {name} of it"}) is None


def test_an_id_that_the_project_itself_tells_is_not_looked_for(tmp_path: Path) -> None:
    project = made_project(tasks=(PlainTask("scripts/test.sh"),), objective="Make scripts/test.sh honest.")

    assert gated(tmp_path, project, BASE, {**BASE, "AGENTS.md": "Run scripts/test.sh first.\n"}) is None


HIDDEN = """\
def test_totals():
    assert totals([3, 4, 5]) == {'sum': 12, 'mean': 4.0}
def test_empty():
    assert totals([]) == {'sum': 0, 'mean': None}
    assert repr(totals([1])) != repr(totals([]))
    assert sorted(totals([2, 1])) == ['mean', 'sum']
    assert totals(range(4))['mean'] == 1.5, 'halves'
"""


@pytest.mark.parametrize(
    ("lines", "outcome"),
    [(7, L), (5, L), (4, None)],
    ids=["the whole of it", "half of it", "less, as anybody may"],
)
def test_lines_of_a_hidden_grader_are_found(tmp_path: Path, lines: int, outcome: Outcome | None) -> None:
    project = made_project(tasks=(PlainTask("hidden-7", hidden=(HIDDEN,)),))
    copied = "\n".join(f"        {line.strip()}" for line in HIDDEN.splitlines()[:lines])

    found = gated(tmp_path, project, BASE, {**BASE, "tests.py": copied})

    assert (None if found is None else found.outcome) is outcome
    assert (None if found is None else found.offending) == (
        None if outcome is None else ("lines of the hidden part of task 'hidden-7' in tests.py",)
    )


def test_lines_that_the_users_own_files_hold_are_no_leak(tmp_path: Path) -> None:
    project = made_project(tasks=(PlainTask("hidden-7", hidden=(HIDDEN,)),))
    before = {**BASE, "src/examples.py": HIDDEN}

    assert gated(tmp_path, project, before, {**before, "tests.py": HIDDEN}) is None


def test_what_every_test_file_has_gives_no_grader_away(tmp_path: Path) -> None:
    usual = (
        "from __future__ import annotations\nimport unittest, tempfile, pathlib, json\n"
        "class TestEverything(unittest.TestCase):\n    def test_that_it_really_works(self):\n"
        "        with tempfile.TemporaryDirectory() as folder:\n            pass\n"
        "if __name__ == '__main__':\n    unittest.main()\n"
    )
    project = made_project(tasks=(PlainTask("hidden-7", hidden=(usual,)),))

    assert gated(tmp_path, project, BASE, {**BASE, "tests.py": usual}) is None


def test_notes_that_were_forged_are_tampering(tmp_path: Path) -> None:
    found = gated(
        tmp_path, made_project(), BASE, {**BASE, **EDIT}, forged=(".metaharness/experience/index.json",)
    )

    assert found is not None
    assert (found.outcome, found.offending) == (T, (".metaharness/experience/index.json",))


def test_scope_of_a_legacy_project_is_a_prefix_and_no_pattern(tmp_path: Path) -> None:
    rules = Rules(scope=(Scope("docs/*.md"), Scope("scripts/")))
    project = made_project(rules, legacy=True)

    star = gated(tmp_path / "1", project, BASE, {**BASE, "docs/x.md": "1"})
    below = gated(tmp_path / "2", project, BASE, {**BASE, "scripts/deep/x.sh": "1"})

    assert star is not None
    assert (star.outcome, star.offending, below) == (S, ("docs/x.md",), None)


def test_a_link_that_led_out_before_is_not_this_candidates_doing(tmp_path: Path) -> None:
    before = {**BASE, "data": Link("/srv/data")}

    assert gated(tmp_path / "1", made_project(), before, {**before, **EDIT}) is None
    turned = gated(tmp_path / "2", made_project(), before, {**before, "data": Link("/etc")})
    assert turned is not None
    assert turned.outcome is T


def test_a_link_that_another_link_turned_outwards_is_found(tmp_path: Path) -> None:
    before = {**BASE, "d/e/x": "1", "here": Link("d/e"), "l": Link("here/../../AGENTS.md")}
    after = {**before, "here": Link("src")}

    found = gated(tmp_path, made_project(), before, after)

    assert found is not None
    assert (found.outcome, found.offending) == (T, ("l",))


def test_many_offenders_are_counted(tmp_path: Path) -> None:
    found = gated(
        tmp_path, made_project(Rules(**SCOPED)), BASE, {**BASE, **{f"f{n:02}": "1" for n in range(30)}}
    )

    assert found is not None
    assert found.offending[-2:] == ("f19", "... and 10 more")
    assert found.sentence.startswith(
        "it changed what it may not change: f00, f01, f02, f03, f04 and 25 more."
    )


def test_a_tree_that_was_taken_with_transient_files_is_judged_without_them(tmp_path: Path) -> None:
    taken_whole = made_project(Rules(transient=()))
    pair = compared(tmp_path, taken_whole, BASE, {**BASE, "src/.venv/lib/x.py": "reads-the-guide-1"})

    found = gate(made_project(), pair.before, pair.after, pair.diff, pair.store.read)

    assert found is not None
    assert found.outcome is N


@pytest.mark.parametrize(
    ("path", "links", "outside"),
    [
        (b"a", {b"a": b"/x"}, True),
        (b"a", {b"a": b"b/../.."}, True),
        (b"d/a", {b"d/a": b"../b"}, False),
        (b"d/a", {b"d/a": b"e", b"d/e": b"../../x"}, True),
        (b"a", {b"a": b"b/c", b"b": b"d/e/f"}, False),
        (b"a", {b"a": b"b/../../../x", b"b": b"d/e"}, True),
        (b"a", {b"a": b"./././"}, False),
        (b"a", {b"a": b"a"}, False),
        (b"a", {b"a": b"b/b/b", b"b": b"a/a/a"}, False),
    ],
)
def test_links_are_followed_as_a_system_follows_them(
    path: bytes, links: dict[bytes, bytes], *, outside: bool
) -> None:
    assert leads_outside(path, links) is outside
