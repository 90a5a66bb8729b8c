"""Worlds by name."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from honing.environments.base import Json, World
from honing.errors import UsageError

WORLDS: Mapping[str, str] = {
    "shop": "shop:ShopWorld",
    "scripted": "scripted:ScriptedWorld",
    "babyai": "babyai:BabyWorld",
    "textworld": "textworld:TextWorldWorld",
    "webshop": "webshop:WebShopWorld",
    "gymnasium_text": "gymnasium_text:GymnasiumWorld",
}
"""File and class of each world. Every class has `from_options(options) -> World`."""


def world_named(name: str, options: Mapping[str, Json] | None = None) -> World:
    """A world with its options.

    Args:
        name: One of `WORLDS`, or `package.module:Class` of one's own with a `from_options`.
        options: Its options; the page of the world lists them. What is left out has its default.

    Raises:
        UsageError: There is no such world, or it has no such option.
    """
    place = WORLDS.get(name)
    if place is None and ":" not in name:
        raise UsageError(f"There is no environment {name!r}. There are {', '.join(WORLDS)}; or module:Class.")
    module, _, kind = (f"honing.environments.{place}" if place else name).partition(":")
    try:
        found = getattr(import_module(module), kind)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"The environment {name!r} cannot be loaded: {error}.") from error
    made: World = found.from_options(dict(options or {}))
    return made
