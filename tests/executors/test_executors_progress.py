"""Progress: what people see on a terminal, in a log, and not at all."""

from __future__ import annotations

import io
import re

import pytest

from honing.executors import (
    BarProgress,
    LineProgress,
    SilentProgress,
    Tally,
    choose_progress,
    describe,
)
from honing.stats import wilson


def tally(**fields: object) -> Tally:
    values = {
        "step": "rollout",
        "total": 100,
        "done": 0,
        "failed": 0,
        "reused": 0,
        "elapsed_s": 0.0,
        "tokens": 0,
        "cost_usd": 0.0,
        "cost_unknown": 0,
        "values": [],
    }
    return Tally(**(values | fields))  # type: ignore[arg-type]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_nothing_is_claimed_before_the_first_unit() -> None:
    assert describe(tally()) == "0/100"


def test_rate_and_time_left_count_this_sessions_units_only() -> None:
    found = tally(done=50, failed=2, reused=32, elapsed_s=10.0)

    assert (found.rate, found.eta_s) == (2.0, 24.0)
    assert describe(found) == "52/100, 2 failed, 2/s, 0:24 left"


def test_hours_are_written_out() -> None:
    assert describe(tally(total=10_000, done=1, elapsed_s=1.0)) == "1/10000, 1/s, 2:46:39 left"


def test_zeros_and_ones_carry_wilsons_interval() -> None:
    expected = wilson(7, 10)

    assert describe(tally(total=10, done=10, reused=10, values=[1.0] * 7 + [0.0] * 3)) == (
        f"10/10, mean 0.700 [{expected.low:.3f}, {expected.high:.3f}]"
    )
    assert "[0.397, 0.892]" in describe(tally(values=[1.0] * 7 + [0.0] * 3))


def test_other_values_carry_students_interval() -> None:
    # Half-width: Student's quantile 3.182446 times the deviation 0.336650, over two.
    assert describe(tally(values=[0.1, 0.4, 0.6, 0.9])) == "0/100, mean 0.500 [-0.036, 1.036]"
    assert describe(tally(values=[0.25])) == "0/100, mean 0.250"


def test_unknown_money_is_shown_as_unknown_and_never_as_zero() -> None:
    assert describe(tally(done=3, reused=3, tokens=12_345, cost_usd=0.5, cost_unknown=2)) == (
        "3/100, 12,345 tokens, $0.5000, cost of 2 unknown"
    )
    assert describe(tally(done=3, reused=3, cost_unknown=3)) == "3/100, cost of 3 unknown"


def test_lines_are_at_most_one_in_an_interval_and_always_the_first_and_the_last() -> None:
    stream, clock = io.StringIO(), Clock()
    progress = LineProgress(stream, interval_s=10.0, clock=clock)

    progress.begin(tally())
    for done in range(1, 31):
        clock.now += 1.0
        progress.update(tally(done=done, reused=done))
    progress.end(tally(done=100, reused=100))

    assert stream.getvalue().splitlines() == [f"rollout: {n}/100" for n in (0, 10, 20, 30, 100)]


def test_a_bar_shows_the_step_and_its_last_state() -> None:
    stream = Terminal()
    progress = BarProgress(stream, colour=False, width=100)
    progress.begin(tally())
    progress.end(tally(done=100, reused=100))

    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    assert re.search(r"rollout ━{24} 100/100", plain)


@pytest.mark.parametrize("colour", [True, False])
def test_a_bar_without_colour_writes_none(colour: bool) -> None:  # noqa: FBT001 - a table's column
    stream = Terminal()
    progress = BarProgress(stream, colour=colour, width=100)
    progress.begin(tally())
    progress.end(tally(done=50, reused=50))

    assert bool(re.search(r"\x1b\[[0-9;]+m", stream.getvalue())) is colour


def test_a_bar_is_redrawn_at_most_ten_times_a_second() -> None:
    stream, clock = Terminal(), Clock()
    progress = BarProgress(stream, colour=False, width=100, clock=clock)
    progress.begin(tally())
    size = len(stream.getvalue())
    for done in range(1000):
        progress.update(tally(done=done, reused=done))
    unchanged = len(stream.getvalue()) == size
    clock.now += 0.2
    progress.update(tally(done=7, reused=7))
    drawn = "7/100" in stream.getvalue()
    progress.end(tally(done=7, reused=7))

    assert (unchanged, drawn) == (True, True)


@pytest.mark.parametrize(
    ("stream", "environ", "quiet", "kind"),
    [
        (Terminal(), {"TERM": "xterm"}, False, BarProgress),
        (Terminal(), {"TERM": "dumb"}, False, LineProgress),
        (Terminal(), {}, False, LineProgress),
        (io.StringIO(), {"TERM": "xterm"}, False, LineProgress),
        (Terminal(), {"TERM": "xterm"}, True, SilentProgress),
    ],
    ids=["a terminal", "a dumb terminal", "an unknown terminal", "a pipe", "quiet"],
)
def test_the_stream_and_the_environment_decide(
    stream: io.StringIO,
    environ: dict[str, str],
    quiet: bool,  # noqa: FBT001 - a table's column
    kind: type,
) -> None:
    assert type(choose_progress(stream, environ, quiet=quiet)) is kind


def test_no_color_takes_the_colours_away() -> None:
    stream = Terminal()
    progress = choose_progress(stream, {"TERM": "xterm-256color", "NO_COLOR": "1"})
    progress.begin(tally())
    progress.end(tally(done=1, reused=1))

    assert re.search(r"\x1b\[[0-9;]+m", stream.getvalue()) is None
    assert "1/100" in stream.getvalue()


def test_silence_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    progress = SilentProgress()
    progress.begin(tally())
    progress.update(tally())
    progress.end(tally())

    assert capfd.readouterr() == ("", "")
