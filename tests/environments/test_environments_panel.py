"""Panels: equal bytes everywhere, read strictly, and every difference found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import honing
from honing.environments import (
    Difference,
    make_panel,
    read_panel,
    task_hash,
    verify_panel,
    world_named,
)
from honing.environments.webshop import write_made_up_files
from honing.errors import EnvironmentFaultError, UsageError

OPTIONS = {"max_steps": 9}


@pytest.fixture(scope="module")
def content() -> bytes:
    return make_panel("shop", OPTIONS, split="evaluate", n=6, seed=3).to_bytes()


def changed(content: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    document = json.loads(content)
    change(document)
    return json.dumps(document).encode()


def test_a_panel_holds_the_first_tasks_of_a_split_with_their_hashes(content: bytes) -> None:
    panel = read_panel(content, source="panel.json")
    world = world_named("shop", OPTIONS)
    tasks = world.tasks("evaluate", 6, seed=3)
    environment = world.make()

    assert (panel.name, panel.options, panel.split, panel.seed) == ("shop", OPTIONS, "evaluate", 3)
    assert panel.tasks() == tasks
    assert [(row.task_hash, row.first_hash) for row in panel.rows] == [
        (task_hash(environment.reset(task), task), environment.reset(task).hash()) for task in tasks
    ]
    assert panel.identity == json.loads(json.dumps(world.identity()))


def test_another_process_writes_the_same_bytes(content: bytes) -> None:
    code = (
        "import sys; from honing.environments import make_panel; "
        "panel = make_panel('shop', {'max_steps': 9}, split='evaluate', n=6, seed=3); "
        "sys.stdout.buffer.write(panel.to_bytes())"
    )
    environ = {**os.environ, "PYTHONHASHSEED": "99", "PYTHONPATH": str(Path(honing.__file__).parents[1])}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environ)

    assert found.stdout == content


def test_an_unchanged_world_shows_no_difference(content: bytes) -> None:
    assert verify_panel(read_panel(content, source="panel.json")) == []


def first_row(document: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = document["rows"][0]
    return row


def test_a_task_that_shows_something_else_first_is_listed(content: bytes) -> None:
    row = first_row(json.loads(content))
    forged = changed(content, lambda document: first_row(document).update(first_hash="0" * 64))

    assert verify_panel(read_panel(forged, source="panel.json")) == [
        Difference(
            where=row["task"]["id"], what="first observation", expected="0" * 64, found=row["first_hash"]
        )
    ]


def test_another_task_hash_option_version_or_drawing_is_listed(content: bytes) -> None:
    def age(document: dict[str, Any]) -> None:
        first_row(document).update(task_hash="0" * 16)
        document["identity"]["packages"] = {"minigrid": "1.0"}
        document["seed"] = 4

    found = verify_panel(read_panel(changed(content, age), source="panel.json"))

    assert ("identity", "packages.minigrid", '"1.0"', "nothing") in [
        (each.where, each.what, each.expected, each.found) for each in found
    ]
    assert [each.what for each in found if each.where != "identity"].count("task") == 6
    assert [each.expected for each in found if each.what == "task hash"] == ["0" * 16]


def test_a_task_that_cannot_begin_any_more_is_listed(content: bytes) -> None:
    forged = changed(content, lambda document: first_row(document)["task"].pop("seed"))
    found = verify_panel(read_panel(forged, source="panel.json"))

    assert {each.what for each in found} == {"task", "first observation"}
    assert [each.found for each in found if each.what == "first observation"] == ["KeyError('seed')"]


def test_a_changed_data_file_is_noticed(tmp_path: Path) -> None:
    files = write_made_up_files(tmp_path, products=40)
    panel = make_panel("webshop", files, split="evaluate", n=3)
    text = Path(files["human"]).read_text()
    assert verify_panel(panel) == []

    Path(files["human"]).write_text(text.replace("i am looking for", "i would like"))

    found = verify_panel(panel)
    assert [each.what for each in found if each.where == "identity"] == ["options.human"]
    assert {each.where for each in found} >= {row.task["id"] for row in panel.rows}


FAULTS: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda document: document.pop("seed"), r"panel\.json:1: seed: field required"),
    (lambda document: document.update(sed=1), "unknown key 'sed'; did you mean 'seed'"),
    (lambda document: document.update(schema=2), "schema"),
    (lambda document: first_row(document).update(task_hash="xyz"), "task_hash"),
    (lambda document: document["rows"].append(first_row(document)), "a task with an id of its own"),
    (lambda document: first_row(document).update(task={}), "a task with an id of its own"),
]


@pytest.mark.parametrize(("change", "words"), FAULTS)
def test_a_file_that_is_no_panel_is_refused(
    content: bytes, change: Callable[[dict[str, Any]], object], words: str
) -> None:
    with pytest.raises(EnvironmentFaultError, match=words):
        read_panel(changed(content, change), source="panel.json")


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"rows": NaN}'])
def test_what_is_no_document_is_refused(text: bytes) -> None:
    with pytest.raises(EnvironmentFaultError, match=r"panel\.json"):
        read_panel(text, source="panel.json")


NO_PANEL: list[tuple[str, Mapping[str, Any], int, str]] = [
    ("shop", {}, 0, "needs one task at least, got 0"),
    ("shop", {"size": 1}, 1, "size"),
    ("nowhere", {}, 1, "no environment 'nowhere'"),
]


@pytest.mark.parametrize(("name", "options", "n", "words"), NO_PANEL)
def test_a_panel_of_nothing_is_refused(name: str, options: Mapping[str, Any], n: int, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        make_panel(name, options, split="evaluate", n=n)
