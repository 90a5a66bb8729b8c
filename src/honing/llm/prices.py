"""What a call costs: a bundled table of public list prices, replaced or extended by the user's own.

A price that is not known is None and is printed "unknown", never 0: a total of such calls is not a small
number but no number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from honing.errors import ModelReplyError, SettingsError
from honing.llm.base import Usage

_MILLION = Decimal(1_000_000)
_HIGHEST = Decimal(10_000)
"""Dollars per million tokens; a greater price in a table is taken for a slip of its writer."""
_MOST_TOKENS = 100_000_000
_HOSTS = ("openai/", "anthropic/", "gemini/", "google/", "models/")
"""Prefixes that name the provider itself. Another (a reseller's, a cloud's) has prices of its own."""
_DATED = re.compile(r"(?:-\d{4}-\d{2}-\d{2}|[-@]\d{8}|-latest)$")
"""What a provider adds to a model's name for one of its versions, which cost the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """US dollars per million tokens."""

    input: Decimal
    output: Decimal
    """Hidden reasoning included."""
    cached: Decimal | None = None
    """Input served from a cache; as other input where None."""
    cache_write: Decimal | None = None
    """Input written to a cache; as other input where None."""

    def cost(self, usage: Usage) -> Decimal | None:
        """The price of one call; None where the server did not say how many tokens it took."""
        if usage.input_tokens is None or usage.output_tokens is None:
            return None
        read, written = usage.cached_tokens or 0, usage.cache_written_tokens or 0
        parts = (
            (usage.input_tokens - read - written, self.input),
            (read, self.input if self.cached is None else self.cached),
            (written, self.input if self.cache_write is None else self.cache_write),
            (usage.output_tokens, self.output),
        )
        return sum((count * rate for count, rate in parts), Decimal(0)) / _MILLION


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPrice:
    """One model's rates, and those for prompts beyond a length where its provider has them."""

    rates: Rates
    as_of: str
    """The day on which the price was checked, YYYY-MM-DD; "" where its table does not say."""
    long_above_tokens: int | None = None
    long_rates: Rates | None = None
    """For every token of a call whose input is longer than `long_above_tokens`."""

    def of(self, usage: Usage) -> Rates:
        """The rates that hold for a call."""
        long = self.long_above_tokens is not None and (usage.input_tokens or 0) > self.long_above_tokens
        return self.long_rates if long and self.long_rates is not None else self.rates


class PriceTable:
    """Prices by model name.

    Args:
        models: By the name their provider gives them, without a version's date.
    """

    def __init__(self, models: Mapping[str, ModelPrice]) -> None:
        self.models = dict(models)

    @classmethod
    def bundled(cls) -> PriceTable:
        """The public list prices that this release carries; `ModelPrice.as_of` says how old each is."""
        return _bundled()

    @classmethod
    def read(cls, path: Path) -> PriceTable:
        """A table of the user's own: {"models": {NAME: {"input", "output", "cached", "cache_write"}}}.

        Raises:
            SettingsError: The file cannot be read, or a price is no number from 0 to 10000.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise SettingsError(f"price table {path}: it cannot be read ({error})") from error
        return cls(_models(text, str(path)))

    def with_overrides(self, other: PriceTable) -> PriceTable:
        """This table with the prices of another in place of its own."""
        return PriceTable({**self.models, **other.models})

    def find(self, model: str) -> ModelPrice | None:
        """A model's price, under its own name or that without provider and date; None where there is none."""
        short = next((model.removeprefix(host) for host in _HOSTS if model.startswith(host)), model)
        names = (model, short, _DATED.sub("", short))
        return next((self.models[name] for name in names if name in self.models), None)

    def cost(self, model: str, usage: Usage) -> Decimal | None:
        """US dollars of one call; None where the model's price or the number of its tokens is not known.

        Raises:
            ModelReplyError: A count is negative, impossibly great, or a part greater than its whole.
        """
        _check(usage)
        price = self.find(model)
        return None if price is None else price.of(usage).cost(usage)


def cost(model: str, usage: Usage, table: PriceTable | None = None) -> Decimal | None:
    """US dollars of one call by a table, the bundled one where none is given; None where it is not known.

    Raises:
        ModelReplyError: A count is negative, impossibly great, or a part greater than its whole.
    """
    return (table or PriceTable.bundled()).cost(model, usage)


def shown_cost(usd: Decimal | None) -> str:
    """A cost for people: "$0.0123", or "unknown"."""
    if usd is None:
        return "unknown"
    return (
        f"${usd:.2f}" if usd >= 1 or usd == 0 else f"${usd:.4f}" if usd >= Decimal("0.0001") else "<$0.0001"
    )


def _check(usage: Usage) -> None:
    for name in usage.__slots__:
        count = getattr(usage, name)
        if count is not None and not 0 <= count <= _MOST_TOKENS:
            raise ModelReplyError(f"usage: {name} must be from 0 to {_MOST_TOKENS}, got {count}")
    cached = (usage.cached_tokens or 0) + (usage.cache_written_tokens or 0)
    if usage.input_tokens is not None and cached > usage.input_tokens:
        raise ModelReplyError(f"usage: {cached} cached tokens cannot be part of {usage.input_tokens}")


@cache
def _bundled() -> PriceTable:
    text = (files("honing.llm") / "data" / "prices.json").read_text(encoding="utf-8")
    return PriceTable(_models(text, "the bundled price table"))


def _models(text: str, origin: str) -> dict[str, ModelPrice]:
    try:
        value = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except ValueError as error:
        raise SettingsError(f"price table {origin}: it is not JSON ({error})") from error
    models = value.get("models") if isinstance(value, dict) else None
    if not isinstance(models, dict):
        raise SettingsError(f"price table {origin}: expected an object with 'models' in it")
    return {name: _model(entry, f"price table {origin}: {name}") for name, entry in models.items()}


def _model(entry: Any, where: str) -> ModelPrice:
    rates = _rates(entry, where)
    as_of = str(entry.get("as_of", ""))
    if "long_prompt" not in entry:
        return ModelPrice(rates=rates, as_of=as_of)
    long = entry["long_prompt"]
    long_rates = _rates(long, f"{where}: long_prompt")
    above = long.get("above_tokens")
    if not isinstance(above, Decimal) or above != int(above) or above < 1:
        raise SettingsError(f"{where}: long_prompt.above_tokens must be a whole number above 0, got {above}")
    return ModelPrice(rates=rates, as_of=as_of, long_above_tokens=int(above), long_rates=long_rates)


def _rates(entry: Any, where: str) -> Rates:
    if not isinstance(entry, dict):
        raise SettingsError(f"{where}: expected an object with 'input' and 'output', found {entry!r}")
    found: dict[str, Decimal] = {}
    for name in Rates.__slots__:
        price = entry.get(name)
        if price is None and name not in ("input", "output"):
            continue
        if not isinstance(price, Decimal) or not 0 <= price <= _HIGHEST:
            raise SettingsError(
                f"{where}: '{name}' must be US dollars per million tokens from 0 to {_HIGHEST}, got {price}"
            )
        found[name] = price
    return Rates(**found)
