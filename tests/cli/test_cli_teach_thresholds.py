"""`hone teach thresholds`: quantiles and pictures of labelled snapshots."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hone_process import Hone

from honing.environments import world_named
from honing.store import jsonl_bytes
from honing.teach import Snapshot
from honing.teach.phases.leverage import leverage_of

pytestmark = pytest.mark.teach


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    task = world_named("scripted").tasks("collect", 1)[0]
    rows = [
        Snapshot(
            id=f"one-{number}",
            task=task.as_document(),
            task_hash="",
            goal="",
            observation="",
            valid_actions=["go"],
            history=[],
            action="go",
            action_kind="go",
            step_index=0,
            n_steps=1,
            U=number / 10,
            leverage=leverage_of(
                {"policy": [0] * 4, "force": [1] * (number % 5) + [0] * (4 - number % 5), "expert": [1]}, "go"
            ),
        )
        for number in range(11)
    ]
    path = tmp_path / "labeled_snapshots.jsonl"
    path.write_bytes(jsonl_bytes(row.as_document() for row in rows))
    return path


def test_quantiles_are_printed_and_pictures_are_drawn(hone: Hone, labelled: Path, tmp_path: Path) -> None:
    plots = tmp_path / "plots"
    ended = hone("teach", "thresholds", "--input", str(labelled), "--output-dir", str(plots), "--json")
    found = json.loads(ended.out)

    assert (ended.code, found["n"], found["U"]["0.5"], found["L_local"]["0.5"]) == (0, 11, 0.5, 0.5)
    assert json.loads((plots / "quantiles.json").read_text()) == found
    assert sorted(path.name for path in plots.glob("*.png")) == [
        "hist_L.png",
        "hist_U.png",
        "scatter_U_L.png",
    ]


def test_a_table_shows_how_many_have_no_leverage(hone: Hone, labelled: Path, tmp_path: Path) -> None:
    ended = hone("teach", "thresholds", "--input", str(labelled), "--output-dir", str(tmp_path / "plots"))

    assert ended.out.split()[:3] == ["SHARE", "BELOW", "U"]
    assert "11 training snapshots, 3 of them with L_local 0" in ended.err


def test_one_threshold_alone_is_refused(hone: Hone, labelled: Path, tmp_path: Path) -> None:
    ended = hone(
        "teach", "thresholds", "--input", str(labelled), "--output-dir", str(tmp_path), "--U-threshold", "0.5"
    )

    assert (ended.code, "give both or none" in ended.err) == (2, True)
