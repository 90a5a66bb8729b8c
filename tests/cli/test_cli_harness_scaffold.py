"""`hone harness scaffold`, `example`, `onboard` and `schema` as a user types them."""

from __future__ import annotations

import json

import jsonschema
import yaml
from hone_process import Hone


def test_scaffold_prints_the_files_and_the_next_step(hone: Hone) -> None:
    done = hone("harness", "scaffold", "new", "--profile", "local-oss-smoke")

    assert done.code == 0
    assert done.out.splitlines() == [
        "new/.gitignore",
        "new/README.md",
        "new/baseline/AGENTS.md",
        "new/baseline/GEMINI.md",
        "new/baseline/scripts/bootstrap.sh",
        "new/baseline/scripts/test.sh",
        "new/baseline/scripts/validate.sh",
        "new/honing.yaml",
        "new/solution/AGENTS.md",
        "new/solution/GEMINI.md",
        "new/solution/scripts/validate.sh",
    ]
    assert "hone harness run new --agent scripted" in done.err


def test_scaffold_refuses_a_folder_with_something_in_it(hone: Hone) -> None:
    (hone.folder / "mine").mkdir()
    (hone.folder / "mine" / "a.txt").write_text("mine")
    done = hone("harness", "scaffold", "mine")

    assert (done.code, done.out) == (2, "")
    assert "is not empty (it holds 'a.txt')" in done.err
    assert [path.name for path in (hone.folder / "mine").iterdir()] == ["a.txt"]


def test_the_form_for_the_predecessor_is_written_on_request(hone: Hone) -> None:
    done = hone("harness", "scaffold", "new", "--legacy", "--json")

    written = json.loads(done.out)
    assert written["folder"] == "new"
    assert {"metaharness.json", "tasks.json"} <= set(written["files"])
    assert not (hone.folder / "new" / "honing.yaml").exists()


def test_an_unknown_profile_names_those_that_are_there(hone: Hone) -> None:
    done = hone("harness", "scaffold", "new", "--profile", "big")

    assert done.code == 2
    assert "there are standard, local-oss-smoke, local-oss-medium" in done.err


def test_examples_are_listed_and_written(hone: Hone) -> None:
    listed = json.loads(hone("harness", "example", "list", "--json").out)
    done = hone("harness", "example", "ticket_router", "tickets", "--behavioural")

    assert [one["name"] for one in listed][:3] == ["ticket_router", "python_fixture", "python_cli"]
    assert all(one["name"] in hone("harness", "example", "list").out for one in listed)
    assert done.code == 0
    assert (hone.folder / "tickets" / "graders" / "search" / "test_tickets.py").is_file()


def test_an_example_without_a_folder_is_refused(hone: Hone) -> None:
    done = hone("harness", "example", "ticket_router")

    assert done.code == 2
    assert "name the folder to write" in done.err


def test_onboard_writes_two_pages_and_says_what_is_missing(hone: Hone) -> None:
    (hone.folder / "agent").mkdir()
    (hone.folder / "agent" / "AGENTS.md").write_text("Add.\n")
    done = hone("harness", "onboard", "agent")
    again = hone("harness", "onboard", "agent")

    pages = [str(hone.folder / "agent" / name) for name in ("ONBOARDING.md", "domain_spec.md")]
    assert (done.code, done.out.splitlines()) == (0, pages)
    assert "missing: No command tests it" in done.err
    assert again.code == 2
    assert "are not replaced" in again.err


def test_onboard_gives_one_document(hone: Hone) -> None:
    (hone.folder / "agent").mkdir()
    found = json.loads(hone("harness", "onboard", "agent", "--into", "notes", "--json").out)

    names = ("ONBOARDING.md", "domain_spec.md")
    assert found["written"] == [str(hone.folder / "notes" / name) for name in names]
    assert (found["kept"], found["parts"]) == ([], 0)


def test_the_schema_that_is_printed_holds_for_what_is_scaffolded(hone: Hone) -> None:
    schema = json.loads(hone("harness", "schema").out)
    hone("harness", "scaffold", "new")
    written = yaml.safe_load((hone.folder / "new" / "honing.yaml").read_text())

    assert list(jsonschema.Draft202012Validator(schema).iter_errors(written)) == []
