"""Budget accounts and rate windows, on a clock of their own."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from honing.llm.budget import Account, Budget, RateWindow
from honing.llm.failures import CallFailedError
from honing.llm.records import Spent


class Time:
    """A clock that sleeping moves on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def starts(limit: int, takes: list[int], every_s: float = 0.0) -> list[float]:
    """When each take gets through, in seconds from the first, one being asked for every so often."""
    time = Time()
    window = RateWindow(limit, window_s=60.0, clock=time.clock, sleep=time.sleep)

    async def run() -> list[float]:
        found = []
        for units in takes:
            await window.take(units)
            found.append(round(time.now - 1000.0, 3))
            time.now += every_s
        return found

    return asyncio.run(run())


def test_calls_beyond_the_rate_wait_until_the_window_has_moved_on() -> None:
    assert starts(3, [1] * 7) == [0, 0, 0, 60, 60, 60, 120]


def test_no_window_of_a_minute_ever_holds_more_than_the_limit() -> None:
    times = starts(5, [1] * 40, every_s=7.0)

    assert max(sum(t <= other < t + 60.0 for other in times) for t in times) == 5


def test_a_call_larger_than_the_whole_limit_waits_for_an_empty_window() -> None:
    assert starts(100, [60, 250, 10]) == [0, 60, 120]


def test_what_a_call_really_took_is_counted_afterwards() -> None:
    time = Time()
    window = RateWindow(100, window_s=60.0, clock=time.clock, sleep=time.sleep)

    async def run() -> float:
        await window.take(10)
        window.correct(90)
        await window.take(1)
        return time.now - 1000.0

    assert asyncio.run(run()) == 60.0


def test_without_a_limit_nothing_waits() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    asyncio.run(RateWindow(None, sleep=sleep).take(10**9))

    assert slept == []


def refusal(account: Account, *, price_known: bool = True) -> str:
    with pytest.raises(CallFailedError) as caught:
        account.check(price_known=price_known, model="m")
    return str(caught.value)


@pytest.mark.parametrize(
    ("budget", "text"),
    [
        (Budget(calls=2), "the budget of channel 'c' is spent: 2 of 2 calls"),
        (Budget(tokens=10), "the budget of channel 'c' is spent: 12 of 10 tokens"),
        (Budget(cost_usd=Decimal("0.5")), "the budget of channel 'c' is spent: 0.50 of 0.5 US dollars"),
    ],
    ids=["calls", "tokens", "money"],
)
def test_a_spent_budget_refuses_and_names_its_limit(budget: Budget, text: str) -> None:
    account = Account(budget, "channel 'c'")
    for _ in range(2):
        account.check(price_known=True, model="m")
        account.admit()
        account.settle(tokens=6, cost_usd=Decimal("0.25"))

    assert refusal(account) == f"{text}; raise the budget and resume to go on"
    assert account.exhausted == text


def test_calls_of_an_earlier_session_count() -> None:
    account = Account(Budget(calls=2), "channel 'c'", Spent(calls=2, tokens=7, cost_usd=Decimal(1)))

    assert refusal(account).startswith("the budget of channel 'c' is spent: 2 of 2 calls")


def test_an_unknown_price_is_refused_only_where_money_is_limited_and_it_matters() -> None:
    limited = Account(Budget(cost_usd=Decimal(1)), "channel 'c'")
    loose = Account(Budget(cost_usd=Decimal(1), refuse_unknown_price=False), "channel 'c'")

    assert "the price of 'm' is unknown" in refusal(limited, price_known=False)
    assert limited.exhausted is None
    for account in (loose, Account(Budget(tokens=5), "channel 'c'")):
        account.check(price_known=False, model="m")
