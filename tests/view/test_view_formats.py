"""How values are written for people."""

from __future__ import annotations

import pytest

from honing.store import Badge, Cell, CellKind, Interval
from honing.view.formats import compact, duration, figures_for, written

K = CellKind


@pytest.mark.parametrize(
    ("value", "kind", "digits", "text"),
    [
        (None, K.NUMBER, None, "\u2013"),
        ("words", K.TEXT, None, "words"),
        (True, K.TEXT, None, "yes"),
        (Badge("held"), K.BADGE, None, "held"),
        (1234567, K.NUMBER, None, "1,234,567"),
        (-12, K.NUMBER, None, "\u221212"),
        (0.73149, K.NUMBER, None, "0.731"),
        (0.73149, K.NUMBER, 1, "0.7"),
        (-0.0001, K.NUMBER, 3, "0.000"),
        (0.00012, K.NUMBER, None, "1.20e\u221204"),
        (2.5e9, K.NUMBER, None, "2.50e+09"),
        (float("nan"), K.NUMBER, None, "n/a"),
        (0.985, K.PERCENT, None, "98.5%"),
        (Interval(0.731, 0.665, 0.79), K.INTERVAL, None, "0.731 [0.665, 0.790]"),
        (Interval(0.731, 0.665, 0.79), K.PERCENT, None, "73.1% [66.5, 79.0]"),
        (Interval(None, -0.1, 0.2), K.INTERVAL, 2, "[\u22120.10, 0.20]"),
        (2.8, K.MONEY, None, "$2.80"),
        (0.0121, K.MONEY, None, "$0.0121"),
        (1234.5, K.MONEY, None, "$1,234.50"),
        (-3.0, K.MONEY, None, "\u2212$3.00"),
        (133.2, K.DURATION, None, "2 m 13 s"),
        (512, K.BYTES, None, "512 B"),
        (1834211, K.BYTES, None, "1.7 MiB"),
    ],
)
def test_a_value_is_written_in_its_unit(value: Cell, kind: CellKind, digits: int | None, text: str) -> None:
    assert written(value, kind, digits) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.34, "340 ms"),
        (0.9999, "1.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 m 00 s"),
        (3599.6, "1 h 00 m"),
        (7380, "2 h 03 m"),
        (273600, "3 d 04 h"),
        (-2, "\u22122.0 s"),
    ],
)
def test_a_duration_never_shows_sixty_of_anything(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.2, "0.2"),
        (1000, "1000"),
        (25000, "25k"),
        (3.2e6, "3.2e+06"),
        (-0.5, "\u22120.5"),
        (2e-5, "2e\u221205"),
    ],
)
def test_an_axis_number_is_short(value: float, text: str) -> None:
    assert compact(value) == text


@pytest.mark.parametrize(
    ("values", "digits"), [((0.7,), 3), ((0.7, 12.0), 2), ((-120.0, 3.0), 1), ((5000.0,), 0)]
)
def test_digits_follow_the_largest_value(values: tuple[float, ...], digits: int) -> None:
    assert figures_for(*values) == digits
