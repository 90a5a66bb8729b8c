"""The page about worlds: what it tells a reader to type works as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from honing.environments import WORLDS, world_named
from honing.environments.babyai import BabyOptions
from honing.environments.options import as_plain
from honing.environments.textworld import TextWorldOptions

PAGE = (Path(__file__).parents[2] / "docs" / "environments.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_python_of_the_page_runs() -> None:
    (code,) = blocks("python")
    names: dict[str, object] = {}

    exec(compile(code, "environments.md", "exec"), names)

    assert names["other"] is not names["visit"]


def test_the_worlds_of_the_page_can_be_made_from_its_options() -> None:
    made = [world_named(**yaml.safe_load(block)["environment"]).name for block in blocks("yaml")]

    assert made == ["webshop", "gymnasium_text"]


def test_every_world_and_every_option_stands_in_the_page() -> None:
    options = {**as_plain(BabyOptions()), **as_plain(TextWorldOptions())}

    assert [name for name in (*WORLDS, *options) if f"`{name}`" not in PAGE] == []
