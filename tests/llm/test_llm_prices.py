"""A price is a known number or unknown; never a guess, never 0 for want of one."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from honing.errors import ModelReplyError, SettingsError
from honing.llm import ModelPrice, PriceTable, Rates, Usage, cost, shown_cost

BUNDLED = PriceTable.bundled()


@pytest.mark.parametrize(
    ("model", "usage", "usd"),
    [
        ("gpt-4.1-mini", Usage(input_tokens=1_000_000, output_tokens=0), "0.4"),
        ("gpt-4.1-mini", Usage(input_tokens=0, output_tokens=1_000_000), "1.6"),
        ("gpt-4.1-mini", Usage(input_tokens=1000, output_tokens=100, cached_tokens=600), "0.00038"),
        ("o3-mini", Usage(input_tokens=10, output_tokens=10, reasoning_tokens=9), "0.000055"),
        (
            "claude-sonnet-4-6",
            Usage(input_tokens=1000, output_tokens=100, cached_tokens=500, cache_written_tokens=300),
            "0.003375",
        ),
        ("gemini-2.5-pro", Usage(input_tokens=200_000, output_tokens=0), "0.25"),
        ("gemini-2.5-pro", Usage(input_tokens=200_001, output_tokens=0), "0.5000025"),
        ("gemini-2.5-pro", Usage(input_tokens=200_001, output_tokens=1_000_000), "15.5000025"),
        ("gpt-4.1", Usage(input_tokens=0, output_tokens=0), "0"),
    ],
)
def test_a_call_costs_its_tokens_at_their_rates(model: str, usage: Usage, usd: str) -> None:
    assert cost(model, usage) == Decimal(usd)


@pytest.mark.parametrize(
    "model",
    [
        "gpt-4.1-mini",
        "openai/gpt-4.1-mini",
        "gpt-4.1-mini-2025-04-14",
        "openai/gpt-4.1-mini-2025-04-14",
    ],
)
def test_a_provider_or_a_date_in_a_name_changes_no_price(model: str) -> None:
    assert BUNDLED.find(model) is BUNDLED.models["gpt-4.1-mini"]


@pytest.mark.parametrize(
    ("model", "listed"),
    [
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("claude-haiku-4-5@20251001", "claude-haiku-4-5"),
        ("models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("gemini-2.5-flash-latest", "gemini-2.5-flash"),
        ("gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        ("gpt-4o-2024-11-20", "gpt-4o"),
    ],
)
def test_each_way_to_date_a_name_is_known(model: str, listed: str) -> None:
    assert BUNDLED.find(model) is BUNDLED.models[listed]


@pytest.mark.parametrize(
    "model",
    [
        "",
        "scripted",
        "gpt-4.1-mini-hd",
        "bedrock/claude-opus-5",
        "ft:gpt-4o:me",
        "gpt-4.1-mini-2025",
        "GPT-4.1",
    ],
)
def test_a_model_that_is_not_listed_has_no_price(model: str) -> None:
    assert cost(model, Usage(input_tokens=1, output_tokens=1)) is None


@pytest.mark.parametrize("usage", [Usage(), Usage(input_tokens=5), Usage(output_tokens=5)])
def test_a_call_whose_tokens_were_not_stated_has_no_price(usage: Usage) -> None:
    assert cost("gpt-4.1", usage) is None


@pytest.mark.parametrize(
    ("usage", "said"),
    [
        (Usage(input_tokens=-1, output_tokens=1), "input_tokens must be from 0 to 100000000, got -1"),
        (Usage(input_tokens=1, output_tokens=10**12), "output_tokens must be from 0"),
        (Usage(input_tokens=1, output_tokens=1, cached_tokens=-5), "cached_tokens must be from 0"),
        (Usage(input_tokens=1, output_tokens=1, cached_tokens=2), "2 cached tokens cannot be part of 1"),
        (
            Usage(input_tokens=3, output_tokens=1, cached_tokens=2, cache_written_tokens=2),
            "4 cached tokens cannot be part of 3",
        ),
    ],
)
@pytest.mark.parametrize("model", ["gpt-4.1", "nobody-knows-it"])
def test_absurd_usage_is_refused_whether_or_not_the_model_is_known(
    model: str, usage: Usage, said: str
) -> None:
    with pytest.raises(ModelReplyError, match=said):
        cost(model, usage)


@settings(max_examples=60, deadline=None)
@given(
    model=st.sampled_from(sorted(BUNDLED.models)),
    given_=st.integers(0, 10**6),
    written=st.integers(0, 10**6),
    share=st.floats(0, 1),
)
def test_a_price_is_never_negative_and_a_cache_never_makes_reading_dearer(
    model: str, given_: int, written: int, share: float
) -> None:
    plain = cost(model, Usage(input_tokens=given_, output_tokens=written))
    cached = cost(model, Usage(input_tokens=given_, output_tokens=written, cached_tokens=int(given_ * share)))

    assert plain is not None
    assert cached is not None
    assert 0 <= cached <= plain


def test_the_bundled_table_says_how_old_each_of_its_prices_is() -> None:
    checked = [date.fromisoformat(price.as_of) for price in BUNDLED.models.values()]

    assert len(checked) >= 40
    assert date(2025, 7, 1) <= min(checked) <= max(checked) <= date(2026, 11, 21)
    assert all(0 < price.rates.input < price.rates.output for price in BUNDLED.models.values())


def table(folder: Path, models: Any) -> Path:
    path = folder / "prices.json"
    path.write_text(json.dumps({"models": models}))
    return path


def test_a_table_of_the_users_own_replaces_and_extends_the_bundled_one(tmp_path: Path) -> None:
    own = PriceTable.read(
        table(tmp_path, {"gpt-4.1": {"input": 1, "output": 2.5}, "mine": {"input": 0, "output": 0}})
    )
    both = BUNDLED.with_overrides(own)
    usage = Usage(input_tokens=1_000_000, output_tokens=1_000_000)

    assert own.models["gpt-4.1"] == ModelPrice(rates=Rates(input=Decimal(1), output=Decimal("2.5")), as_of="")
    assert both.cost("gpt-4.1", usage) == Decimal("3.5")
    assert both.cost("mine", usage) == Decimal(0)
    assert both.cost("gpt-4.1-mini", usage) == Decimal(2)
    assert cost("gpt-4.1", usage, own) == Decimal("3.5")
    assert cost("gpt-4.1", usage) == Decimal(10)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "it is not JSON"),
        ("[]", "expected an object with 'models' in it"),
        ('{"models": {"m": 3}}', "m: expected an object with 'input' and 'output'"),
        ('{"models": {"m": {"input": 1}}}', "m: 'output' must be US dollars per million tokens"),
        ('{"models": {"m": {"input": -1, "output": 1}}}', "'input' must be US dollars .* got -1"),
        ('{"models": {"m": {"input": "1", "output": 1}}}', "'input' must be US dollars"),
        ('{"models": {"m": {"input": NaN, "output": 1}}}', "'input' must be US dollars"),
        ('{"models": {"m": {"input": 1, "output": 20000}}}', "'output' must be .* got 20000"),
        (
            '{"models": {"m": {"input": 1, "output": 1, "long_prompt": {"input": 1, "output": 1}}}}',
            "above_tokens must be a whole number above 0, got None",
        ),
    ],
)
def test_a_table_that_cannot_be_used_says_where(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "prices.json"
    path.write_text(text)

    with pytest.raises(SettingsError, match=said) as caught:
        PriceTable.read(path)
    assert str(path) in str(caught.value)


def test_a_table_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="it cannot be read"):
        PriceTable.read(tmp_path / "missing.json")


@pytest.mark.parametrize(
    ("usd", "shown"),
    [
        (None, "unknown"),
        (Decimal(0), "$0.00"),
        (Decimal("12.345"), "$12.34"),
        (Decimal(1), "$1.00"),
        (Decimal("0.0123"), "$0.0123"),
        (Decimal("0.00002"), "<$0.0001"),
    ],
)
def test_a_cost_is_shown_as_money_or_as_unknown(usd: Decimal | None, shown: str) -> None:
    assert shown_cost(usd) == shown
