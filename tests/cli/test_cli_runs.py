"""`hone runs` and `hone report`."""

from __future__ import annotations

import json

import pytest
from hone_process import Hone, make_run

from honing.store import Report, RunStatus, Section, Text


def test_a_folder_without_runs_says_so_on_stderr_and_prints_nothing(hone: Hone) -> None:
    ended = hone("runs", "list")

    assert (ended.code, ended.out, ended.err) == (0, "", f"no runs in {hone.runs} yet\n")


def test_the_list_is_a_table_that_narrow_terminals_shorten(hone: Hone) -> None:
    make_run(hone, "first")

    wide = hone("runs", "list")
    narrow = hone("runs", "list", environ={"COLUMNS": "45"})

    assert wide.out.splitlines()[0].split() == [
        "NAME",
        "KIND",
        "STATUS",
        "CREATED",
        "(UTC)",
        "SIZE",
        "REASON",
    ]
    assert wide.out.splitlines()[1].split()[:5] == ["first", "measure", "done", "2026-11-21", "10:00"]
    assert narrow.out == "NAME   STATUS\nfirst  done\n"


def test_json_is_one_document_with_a_row_for_each_run(hone: Hone) -> None:
    run = make_run(hone, "first")

    ended = hone("runs", "list", "--json")

    (row,) = json.loads(ended.out)
    assert row.pop("bytes") > 9000
    assert row == {
        "name": "first",
        "id": run.id,
        "kind": "measure",
        "status": "done",
        "reason": "",
        "created": 1795255200.0,
        "ended": 1795255200.0,
        "path": str(run.path),
    }


def test_tsv_has_a_header_and_neutral_cells(hone: Hone) -> None:
    run = make_run(hone, "first")
    run.set_status(RunStatus.FAILED, '=HYPERLINK("http://evil")\tx')

    header, row = hone("runs", "list", "--tsv").out.splitlines()

    assert header.split("\t") == ["name", "kind", "status", "created", "bytes", "reason"]
    assert len(row.split("\t")) == 6
    assert not row.split("\t")[5].startswith("=")


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ((), ["old", "mid", "new"]),
        (("--kind", "teach"), ["mid"]),
        (("--status", "done"), ["old", "mid", "new"]),
        (("--status", "running"), []),
        (("--name", "ew"), ["new"]),
        (("--limit", "2"), ["mid", "new"]),
    ],
)
def test_the_list_is_filtered(hone: Hone, arguments: tuple[str, ...], names: list[str]) -> None:
    for seed, (name, kind) in enumerate([("old", "measure"), ("mid", "teach"), ("new", "measure")]):
        make_run(hone, name, kind=kind, seed=seed)

    ended = hone("runs", "list", "--json", *arguments)

    assert [row["name"] for row in json.loads(ended.out)] == names


def test_a_status_that_does_not_exist_is_refused_with_those_that_do(hone: Hone) -> None:
    ended = hone("runs", "list", "--status", "finished")

    assert ended.code == 2
    assert "--status 'finished': no run stands there. The statuses are created, running, done," in ended.err


def test_a_damaged_run_is_listed_and_cannot_act_on_the_terminal(hone: Hone) -> None:
    make_run(hone, "sound")
    broken = hone.runs / "evil\x1b[31m"
    broken.mkdir()
    (broken / "run.json").write_text("{\x1b]0;owned\x07")

    table = hone("runs", "list")
    limited = hone("runs", "list", "--limit", "5")

    assert (table.code, "\x1b" in table.out) == (0, False)
    assert [line.split()[:3] for line in table.out.splitlines()[1:]] == [
        ["sound", "measure", "done"],
        ["evil\\u001b[31m", "-", "damaged"],
    ]
    assert limited.err == "1 damaged not shown: leave out --limit to see them\n"


def test_show_says_what_a_run_is_and_how_to_repeat_it(hone: Hone) -> None:
    run = make_run(hone, "first", seed=7)

    table = hone("runs", "show", "first").out
    document = json.loads(hone("runs", "show", "latest", "--json").out)

    assert "command   hone measure 'a b'\n" in table
    assert "config    model = m\n          rows = 3\n" in table
    assert (document["id"], document["command"], document["seed"]) == (run.id, ["hone", "measure", "a b"], 7)
    assert document["config"] == {"model": "m", "rows": 3}
    assert document["files"] == ["cache", "lock", "logs", "notes.txt", "run.json"]
    assert document["versions"]["python"] == run.versions["python"]


def test_remove_asks_on_a_terminal_and_yes_removes(hone: Hone) -> None:
    run = make_run(hone, "first")

    ended = hone.on_terminal("runs", "rm", "first", answer="y\n", columns=200)

    assert ended.code == 0
    assert f"  {run.path}\nRemove this run for good? [y/N] y\nremoved {run.path} (" in ended.out
    assert not run.path.exists()


@pytest.mark.parametrize("answer", ["n\n", "\n", "whatever\n"])
def test_any_other_answer_removes_nothing(hone: Hone, answer: str) -> None:
    run = make_run(hone, "first")

    ended = hone.on_terminal("runs", "rm", "first", answer=answer, columns=200)

    assert (ended.code, "not confirmed, so nothing was done." in ended.out) == (1, True)
    assert run.path.exists()


def test_remove_without_a_terminal_needs_yes(hone: Hone) -> None:
    runs = [make_run(hone, name, seed=seed) for seed, name in enumerate(["one", "two"])]

    refused = hone.in_a_process("runs", "rm", "one", "two")
    present = [run.path.exists() for run in runs]
    removed = hone("runs", "rm", "one", "two", "one", "--yes")

    assert (refused.code, refused.out, present) == (2, "", [True, True])
    assert "there is no terminal to ask on. Add --yes." in refused.err
    assert (removed.code, removed.out.count("removed ")) == (0, 2)
    assert [run.path.exists() for run in runs] == [False, False]


def test_a_run_that_is_being_worked_on_is_not_removed(hone: Hone) -> None:
    run = make_run(hone, "busy")
    with run.lock():
        ended = hone("runs", "rm", "busy", "--yes")

    assert (ended.code, run.path.exists()) == (1, True)


def test_a_name_that_means_several_runs_removes_none(hone: Hone) -> None:
    runs = [make_run(hone, name, seed=seed) for seed, name in enumerate(["ab1", "ab2"])]

    ended = hone("runs", "rm", "ab", "--yes")

    assert (ended.code, [run.path.exists() for run in runs]) == (1, [True, True])
    assert "'ab' means several runs: ab1, ab2." in ended.err


def test_gc_says_what_would_go_and_then_removes_exactly_that(hone: Hone) -> None:
    run = make_run(hone, "first")
    cache = run.path / "cache"

    planned = hone("runs", "gc", "--dry-run", "--json")
    kept = cache.exists()
    done = hone("runs", "gc", "--json")
    again = hone("runs", "gc")

    before, after = json.loads(planned.out), json.loads(done.out)
    assert ([entry["path"] for entry in before["entries"]], kept) == ([str(cache)], True)
    assert before == after | {"removed": False}
    assert (cache.exists(), (run.path / "notes.txt").read_text()) == (False, "hello\n")
    assert (again.out, again.err) == ("", "nothing to remove\n")


def test_gc_tells_a_person_how_much_is_freed(hone: Hone) -> None:
    make_run(hone, "first")

    planned, done = hone("runs", "gc", "--dry-run"), hone("runs", "gc")
    quiet = hone("runs", "gc", "--dry-run", "--quiet")

    assert planned.out == done.out
    assert (planned.err.split()[:2], done.err.split()[:1]) == (["would", "free"], ["freed"])
    assert quiet.err == "nothing to remove\n"


def test_a_report_becomes_one_page_in_the_run_or_where_it_is_asked_for(hone: Hone) -> None:
    run = make_run(hone, "first")
    Report(title="A page", sections=(Section(title="S", blocks=(Text(text="hi"),)),)).write(
        run.path / "report.json"
    )

    inside = hone("report", "first")
    outside = hone("report", "first", "--out", "page.html")
    stdout = hone("report", "first", "--out", "-")

    page = (run.path / "report.html").read_text()
    assert (inside.code, inside.out) == (0, f"{run.path / 'report.html'}\n")
    assert (outside.code, outside.out) == (0, f"{hone.folder / 'page.html'}\n")
    assert (hone.folder / "page.html").read_text() == page == stdout.out
    assert "<title>A page</title>" in page


def test_a_run_without_a_report_has_a_page_that_says_where_it_stands(hone: Hone) -> None:
    run = make_run(hone, "first")

    ended = hone("report", "first", "--out", "-")

    assert (ended.code, ended.err) == (0, "")
    assert f"A run of kind {run.kind} that has no report of its own." in ended.out
    assert '<span class="badge good">done</span>' in ended.out
    assert not (run.path / "report.html").exists()


def test_a_page_that_cannot_be_written_is_an_error_with_its_place(hone: Hone) -> None:
    run = make_run(hone, "first")
    Report(title="A page", sections=()).write(run.path / "report.json")

    ended = hone("report", "first", "--out", "missing/page.html")

    assert (ended.code, "missing/page.html: cannot be written: No such file" in ended.err) == (1, True)
