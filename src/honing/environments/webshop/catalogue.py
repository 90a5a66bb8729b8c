"""Products and goals, read from files in the format in which WebShop publishes its own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from honing.documents import parse_json
from honing.environments.drawing import drawn_seed
from honing.errors import EnvironmentFaultError

NO_LIMIT = 1_000_000.0
"""Upper price of a goal that names none."""
DIVIDER = "\u203a"
"""What stands between a category and a narrower one."""
_PRICE = 100.0
"""Dollars, of a product without a price."""
_LIMITS = tuple(10.0 * step for step in range(1, 100))


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One product."""

    asin: str
    title: str
    query: str
    """The search it was found by; two products of one query are of one type."""
    category: str
    """From wide to narrow, divided by `DIVIDER`."""
    description: str
    features: tuple[str, ...]
    attributes: tuple[str, ...]
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    price: float
    """Dollars."""
    price_tag: str
    """As it is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What a customer asks for."""

    asin: str
    """The product it was written for."""
    instruction: str
    attributes: tuple[str, ...]
    options: tuple[str, ...]
    price_upper: float
    """Dollars; `NO_LIMIT` where none is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """What the files hold."""

    products: Mapping[str, Product]
    """By asin, in the order of the file."""
    goals: tuple[Goal, ...]
    digests: Mapping[str, str]
    """Of each file: sha256, 16 digits."""


def read_catalogue(products: Path, attributes: Path, human: Path | None, *, limit: int = 0) -> Catalogue:
    """Read the files.

    Args:
        products: A list of products, `items_shuffle.json`.
        attributes: Attributes and machine-made instructions by asin, `items_ins_v2.json`.
        human: Instructions by people, by asin, `items_human_ins.json`; None takes the machine-made ones.
        limit: Products to read from the start of the list; 0 for all.

    Raises:
        EnvironmentFaultError: A file is missing or not of that form; the text names file, product and key.
    """
    digests: dict[str, str] = {}
    rows = _read(products, list, digests)
    known = _read(attributes, dict, digests)
    asked = _read(human, dict, digests) if human is not None else {}
    found: dict[str, Product] = {}
    for row in rows[:limit] if limit else rows:
        asin = _text(row, "asin", products)
        # WebShop leaves these out, too.
        if asin == "nan" or len(asin) > 10 or asin in found:
            continue
        found[asin] = _product(row, known.get(asin) or {}, products)
    goals = tuple(
        goal
        for asin, product in found.items()
        for goal in (
            _human_goals(product, asked.get(asin) or [], human)
            if human is not None
            else _made_goals(product, known.get(asin) or {}, attributes)
        )
    )
    return Catalogue(products=found, goals=goals, digests=digests)


def _read(path: Path, kind: type, digests: dict[str, str]) -> Any:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EnvironmentFaultError(
            f"webshop: {path} cannot be read ({error.strerror}). Download WebShop's files, or name yours."
        ) from error
    digests[path.name] = hashlib.sha256(content).hexdigest()[:16]
    found = parse_json(content, source=str(path), error=EnvironmentFaultError)
    if not isinstance(found, kind):
        raise EnvironmentFaultError(
            f"webshop: {path} must hold a {kind.__name__}, got a {type(found).__name__}."
        )
    return found


def _product(row: Mapping[str, Any], known: Mapping[str, Any], path: Path) -> Product:
    asin = _text(row, "asin", path)
    features = row.get("small_description") or []
    prices, tag = _prices(row.get("pricing"), f"webshop: {path}: product {asin!r}")
    return Product(
        asin=asin,
        title=_text(row, "name", path),
        query=_text(row, "query", path).lower().strip(),
        category=_text(row, "product_category", path),
        description=str(row.get("full_description") or ""),
        features=tuple(map(str, features if isinstance(features, list) else [features])),
        attributes=tuple(map(str, known.get("attributes") or ("DUMMY_ATTR",))),
        options=_options(row, path),
        price=_drawn_price(asin, prices),
        price_tag=tag,
    )


def _options(row: Mapping[str, Any], path: Path) -> dict[str, tuple[str, ...]]:
    found = {}
    for name, values in (row.get("customization_options") or {}).items():
        if values is None:
            continue
        try:
            texts = [str(value["value"]).strip().replace("/", " | ").lower() for value in values]
        except (TypeError, KeyError) as error:
            raise EnvironmentFaultError(
                f"webshop: {path}: product {row['asin']!r}: the option {name!r} must be a list of mappings "
                f"with 'value', got {values!r}."
            ) from error
        found[str(name).lower()] = tuple(dict.fromkeys(texts))
    return found


def _prices(text: Any, where: str) -> tuple[list[float], str]:
    if not text:
        return [_PRICE], f"${_PRICE}"
    try:
        found = [float(Decimal(re.sub(r"[^\d.]", "", part))) for part in str(text).split("$")[1:]]
    except InvalidOperation as error:
        raise EnvironmentFaultError(f"{where}: 'pricing' must read like $12.99, got {text!r}.") from error
    if not found:
        return [_PRICE], f"${_PRICE}"
    return found[:2], f"${found[0]}" if len(found) == 1 else f"${found[0]} to ${found[1]}"


def _drawn_price(asin: str, prices: list[float]) -> float:
    """One price; of a range, one that depends on the product alone (WebShop draws it anew at every start)."""
    if len(prices) == 1:
        return prices[0]
    low, high = sorted(prices)
    return round(low + (high - low) * (drawn_seed("webshop price", asin) / 2**31), 2)


def _human_goals(product: Product, rows: Any, path: Path | None) -> list[Goal]:
    found = []
    for at, row in enumerate(rows):
        try:
            attributes = tuple(map(str, row["instruction_attributes"]))
            options = row["instruction_options"]
            instruction = str(row["instruction"]).strip(".")
        except (TypeError, KeyError) as error:
            raise EnvironmentFaultError(
                f"webshop: {path}: instruction {at} of {product.asin!r} needs 'instruction', "
                f"'instruction_attributes' and 'instruction_options'; missing: {error}."
            ) from error
        wanted = options.values() if isinstance(options, dict) else options
        if attributes:
            found.append(_goal(product, instruction, attributes, tuple(map(str, wanted)), at))
    return found


def _made_goals(product: Product, known: Mapping[str, Any], path: Path) -> list[Goal]:
    """One goal for every choice of options, as WebShop makes them."""
    instruction = known.get("instruction")
    if not instruction:
        return []
    attributes = tuple(map(str, known.get("instruction_attributes") or ()))
    if not attributes:
        raise EnvironmentFaultError(
            f"webshop: {path}: {product.asin!r} has an instruction without 'instruction_attributes'."
        )
    choices: list[dict[str, str]] = [{}]
    for name in sorted(product.options):
        choices = [{**choice, name: value} for choice in choices for value in product.options[name]]
    goals = []
    for at, choice in enumerate(choices):
        words = ", and ".join(f"{name}: {value}" for name, value in choice.items())
        text = f"{instruction} with {words}" if words else str(instruction)
        goals.append(_goal(product, text, attributes, tuple(choice.values()), at))
    return goals


def _goal(
    product: Product, instruction: str, attributes: tuple[str, ...], options: tuple[str, ...], at: int
) -> Goal:
    """A goal with an upper price: the higher of two of the four next tens above the price, drawn."""
    above = [limit for limit in _LIMITS if limit > product.price][:4]
    upper = NO_LIMIT
    if len(above) >= 2:
        first = drawn_seed("webshop limit", product.asin, instruction, at) % len(above)
        second = drawn_seed("webshop second limit", product.asin, instruction, at) % (len(above) - 1)
        second += second >= first
        upper = max(above[first], above[second])
        instruction = f"{instruction}, and price lower than {upper:.2f} dollars"
    return Goal(
        asin=product.asin,
        instruction=instruction,
        attributes=attributes,
        options=options,
        price_upper=upper,
    )


def _text(row: Any, key: str, path: Path) -> str:
    value = row.get(key) if isinstance(row, Mapping) else None
    if not isinstance(value, str):
        name = row.get("asin") if isinstance(row, Mapping) else row
        raise EnvironmentFaultError(
            f"webshop: {path}: product {name!r}: {key!r} must be a text, got {value!r}."
        )
    return value
