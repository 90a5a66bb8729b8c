"""Worlds that need files or a server, made once."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from webshop_site import webshop_site
from worlds_under_test import CASES, Case

import honing
from honing.environments import World
from honing.environments.webshop import write_made_up_files

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def shop_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Options of a world over made-up WebShop files."""
    return write_made_up_files(tmp_path_factory.mktemp("webshop"), products=120)


@pytest.fixture(scope="session")
def site(shop_files: Mapping[str, str]) -> Iterator[str]:
    """Address of a WebShop site with the same products."""
    with webshop_site(shop_files) as address:
        yield address


@pytest.fixture(scope="session")
def ready(
    shop_files: Mapping[str, str], site: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Case], Case]:
    """A case with its files, folder or server in place."""
    places = {**shop_files, "server": site, "cache": str(tmp_path_factory.mktemp("games"))}

    def with_places(case: Case) -> Case:
        options = {name: places.get(name, value) for name, value in case.options.items()}
        if "products" in options:
            options["attributes"] = places["attributes"]
        return dataclasses.replace(case, options=options)

    return with_places


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(
            case,
            id=case.id,
            marks=(*([pytest.mark.slow] if case.slow else []), *([pytest.mark.teach] if case.extra else [])),
        )
        for case in CASES
    ],
)
def case(request: pytest.FixtureRequest, ready: Callable[[Case], Case]) -> Case:
    """Every world in turn."""
    return ready(request.param)


@pytest.fixture(scope="module")
def world(case: Case) -> World:
    """The world of the case, whose memory all tests of a module share."""
    return case.world()


@pytest.fixture(scope="session")
def elsewhere(
    ready: Callable[[Case], Case], request: pytest.FixtureRequest
) -> Callable[[Case], dict[str, Any]]:
    """What another process, with other hashes of texts, finds for a case. All cases share one process."""
    wanted = {item.callspec.params["case"].id for item in request.session.items if _has_case(item)}
    cases = [ready(case) for case in reversed(CASES) if case.id in wanted]
    environ = {
        **os.environ,
        "PYTHONHASHSEED": "4711",
        "PYTHONPATH": os.pathsep.join([str(Path(honing.__file__).parents[1]), str(HERE)]),
    }
    done = subprocess.run(
        [sys.executable, str(HERE / "walk_elsewhere.py")],
        input=json.dumps([dataclasses.asdict(case) for case in cases]),
        capture_output=True,
        text=True,
        env=environ,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return lambda case: dict(found[case.id])


def _has_case(item: pytest.Item) -> bool:
    """Other systems' tests have cases of their own."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    return isinstance(params.get("case"), Case)
