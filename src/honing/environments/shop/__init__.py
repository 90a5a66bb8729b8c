"""A text shop, generated on the spot: search, look at results, open a product, buy. See docs/shop.md."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from honing.environments.shop.catalogue import ShopOptions
    from honing.environments.shop.world import ShopWorld

_HOMES = {"ShopOptions": "catalogue", "ShopWorld": "world"}

__all__ = ["ShopOptions", "ShopWorld"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
