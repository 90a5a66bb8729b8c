"""Whatever a project's files hold, they open or are refused with their place; nothing else ever happens."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_harness_project_file import FULL
from test_harness_project_file import made as own
from test_harness_project_legacy import COMMAND, LOCAL, PHRASE
from test_harness_project_legacy import made as legacy

from honing.errors import ProjectError
from honing.harness import load_project

LEGACY: dict[str, Any] = {
    "constraints": ["short"],
    "allowed_write_paths": ["AGENTS.md", {"path": "scripts", "class": "tool_impl"}],
    "search_mode": "frontier",
    "backends": {"codex": LOCAL},
    "backend_plugins": {"mine": {"factory": "pkg.mod:make"}},
}
VALUES = (None, [], {}, True, -1, 0, 1e300, "", [1], {"a": 1}, "..", "x" * 5000, [[]], 1.5, "\0", "/")
TEXTS = (
    "null",
    "[]",
    "{}",
    "&a",
    "*a",
    "? ",
    "|",
    "\t",
    "\0",
    "ü",
    "[[[[",
    "2020-01-01",
    "1e999",
    ".nan",
    '"',
)
ROUNDS = 40


def with_another_value(document: Any, rng: random.Random) -> Any:
    """The document with one of its parts, at any depth, replaced."""
    ways: list[list[Any]] = []

    def walk(value: Any, way: list[Any]) -> None:
        inside = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for part, one in inside:
            ways.append([*way, part])
            walk(one, ways[-1])

    walk(document, [])
    *way, last = rng.choice(ways)
    place = document
    for part in way:
        place = place[part]
    place[last] = rng.choice(VALUES)
    return document


def with_other_text(text: str, rng: random.Random) -> str:
    for _ in range(rng.randint(1, 3)):
        start = rng.randrange(len(text))
        text = text[:start] + rng.choice(TEXTS) + text[start + rng.randint(0, 12) :]
    return text


def ending_of(folder: Path) -> str:
    """`opens`, or the file that the refusal names first."""
    try:
        load_project(folder)
    except ProjectError as error:
        return str(error).partition(":")[0].removeprefix(f"{folder}/")
    return "opens"


@pytest.mark.parametrize("kind", ["text", "value"])
def test_a_damaged_honing_yaml_opens_or_is_refused_with_its_place(tmp_path: Path, kind: str) -> None:
    rng = random.Random(7)
    folder = own(tmp_path, FULL)
    endings = set()
    for _ in range(ROUNDS):
        swapped = with_another_value(yaml.safe_load(FULL), rng)
        text = with_other_text(FULL, rng) if kind == "text" else json.dumps(swapped)
        (folder / "honing.yaml").write_text(text)
        endings.add(ending_of(folder))

    assert {"honing.yaml"} <= endings <= {"honing.yaml", "opens"}


@pytest.mark.parametrize("kind", ["text", "value", "tasks"])
def test_a_damaged_metaharness_json_opens_or_is_refused_with_its_place(tmp_path: Path, kind: str) -> None:
    rng = random.Random(7)
    endings = set()
    for _ in range(ROUNDS):
        folder = legacy(tmp_path, LEGACY)
        config, tasks = folder / "metaharness.json", folder / "tasks.json"
        if kind == "text":
            config.write_text(with_other_text(config.read_text(), rng))
        elif kind == "value":
            config.write_text(json.dumps(with_another_value(json.loads(config.read_text()), rng)))
        else:
            tasks.write_text(json.dumps(with_another_value(deepcopy([PHRASE, COMMAND]), rng)))
        endings.add(ending_of(folder))

    file = "tasks.json" if kind == "tasks" else "metaharness.json"
    assert {file} <= endings <= {file, "opens"}
