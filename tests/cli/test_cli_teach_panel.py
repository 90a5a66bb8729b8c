"""`hone teach panel make` and `verify`, as a user runs them."""

from __future__ import annotations

import json

import pytest
from hone_process import Ended, Hone

from honing.environments import read_panel


def made(hone: Hone, *more: str) -> Ended:
    return hone("teach", "panel", "make", "--n-tasks", "4", "--output", "kept/panel.json", *more)


def test_a_panel_is_written_and_verified(hone: Hone) -> None:
    done = made(hone, "--env-option", "max_steps=9", "--split", "validation", "--seed", "2")
    place = hone.folder / "kept" / "panel.json"
    panel = read_panel(place.read_bytes(), source="panel.json")
    verified = hone("teach", "panel", "verify", "kept/panel.json")

    assert (done.code, done.out) == (0, f"4 tasks of shop, split validation: {place}\n")
    assert (panel.options, panel.split, panel.seed, len(panel.rows)) == ({"max_steps": 9}, "validation", 2, 4)
    assert (verified.code, verified.out, verified.err) == (0, "", "all 4 tasks are as they were\n")


@pytest.fixture
def forged(hone: Hone) -> str:
    """Name of the task whose hash was changed."""
    made(hone)
    place = hone.folder / "kept" / "panel.json"
    document = json.loads(place.read_text())
    document["rows"][2]["first_hash"] = "0" * 64
    place.write_text(json.dumps(document))
    return str(document["rows"][2]["task"]["id"])


def test_a_difference_is_listed_and_exits_1(hone: Hone, forged: str) -> None:
    shown = hone("teach", "panel", "verify", "kept/panel.json")
    document = hone("teach", "panel", "verify", "kept/panel.json", "--json")

    assert (shown.code, forged in shown.out, "0" * 64 in shown.out) == (1, True, True)
    found = json.loads(document.out)
    assert (document.code, found["ok"], found["tasks"]) == (1, False, 4)
    assert [(row["where"], row["what"]) for row in found["differences"]] == [(forged, "first observation")]


def test_a_file_that_is_missing_or_no_panel_is_named(hone: Hone) -> None:
    (hone.folder / "bad.json").write_text("[]")
    missing, bad = (hone("teach", "panel", "verify", name) for name in ("none.json", "bad.json"))

    assert (missing.code, "none.json cannot be read" in missing.err) == (2, True)
    assert (bad.code, "bad.json" in bad.err) == (1, True)


def test_an_option_without_a_value_is_refused(hone: Hone) -> None:
    done = made(hone, "--env-option", "max_steps")

    assert (done.code, "--env-option takes NAME=VALUE" in done.err) == (2, True)
