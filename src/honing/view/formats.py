"""How a value is written for people: digits, units, intervals, durations."""

from __future__ import annotations

import math
import sys

from honing.store import Badge, Cell, CellKind, Estimate, Interval

MISSING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"


def written(value: Cell, kind: CellKind = CellKind.TEXT, digits: int | None = None) -> str:
    """A cell as plain text. Not yet escaped for HTML."""
    if value is None:
        return MISSING
    if isinstance(value, Badge):
        return value.text
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Interval):
        return interval(value, kind, digits)
    if isinstance(value, int | float):
        return number(value, kind, digits)
    return value


def number(value: float, kind: CellKind = CellKind.NUMBER, digits: int | None = None) -> str:
    """A number in its unit."""
    if not abs(value) <= sys.float_info.max:
        return "n/a"
    if kind is CellKind.PERCENT:
        return f"{_fixed(100 * value, 1 if digits is None else digits)}%"
    if kind is CellKind.MONEY:
        return _money(value, digits)
    if kind is CellKind.DURATION:
        return duration(value)
    if kind is CellKind.BYTES:
        return _bytes(value)
    if isinstance(value, int) and digits is None:
        return f"{value:,}".replace("-", MINUS)
    return _plain(float(value), digits)


def interval(value: Interval, kind: CellKind = CellKind.INTERVAL, digits: int | None = None) -> str:
    """`0.731 [0.665, 0.790]`, or in percent `73.1% [66.5, 79.0]`."""
    scale, places = (100, 1) if kind is CellKind.PERCENT else (1, 3)
    places = places if digits is None else digits
    bounds = f"[{_fixed(scale * value.low, places)}, {_fixed(scale * value.high, places)}]"
    return bounds if value.value is None else f"{number(value.value, kind, places)} {bounds}"


def duration(seconds: float) -> str:
    """`340 ms`, `12.3 s`, `4 m 05 s`, `2 h 03 m`, `3 d 04 h`."""
    sign, seconds = (MINUS, -seconds) if seconds < 0 else ("", seconds)
    if seconds < 0.9995:
        return f"{sign}{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{sign}{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{sign}{whole // 60} m {whole % 60:02d} s"
    minutes = round(seconds / 60)
    if minutes < 48 * 60:
        return f"{sign}{minutes // 60} h {minutes % 60:02d} m"
    hours = round(seconds / 3600)
    return f"{sign}{hours // 24} d {hours % 24:02d} h"


def estimate_text(estimate: Estimate) -> str:
    """`0.731 [0.665, 0.790]`."""
    digits = figures_for(estimate.value, *bounds(estimate))
    value = number(float(estimate.value), digits=digits)
    if estimate.low is None or estimate.high is None:
        return value
    low, high = (number(float(end), digits=digits) for end in (estimate.low, estimate.high))
    return f"{value} [{low}, {high}]"


def bounds(estimate: Estimate) -> tuple[float, float]:
    """Both ends of an estimate; the value itself where there is none."""
    low = estimate.value if estimate.low is None else estimate.low
    return low, estimate.value if estimate.high is None else estimate.high


def figures_for(*values: float) -> int:
    """Digits after the point that give about three figures to the largest of the values."""
    largest = max(abs(value) for value in values)
    return next((digits for bound, digits in ((10, 3), (100, 2), (1000, 1)) if largest < bound), 0)


def compact(value: float) -> str:
    """A short number for axes: no trailing zeros, thousands as k."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "n/a"
    if abs(value) >= 1e6 or abs(value) < 1e-4:
        return f"{value:.2g}".replace("-", MINUS)
    if abs(value) >= 10_000:
        return f"{value / 1000:g}k".replace("-", MINUS)
    return f"{value:.6g}".replace("-", MINUS)


def _plain(value: float, digits: int | None) -> str:
    if digits is None and value != 0 and (abs(value) >= 1e7 or abs(value) < 5e-4):
        return f"{value:.2e}".replace("-", MINUS)
    return _fixed(value, 3 if digits is None else digits)


def _fixed(value: float, places: int) -> str:
    text = f"{value:,.{places}f}"
    # A tiny negative number rounds to "-0.000": the sign would claim a direction that the digits do not show.
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def _money(value: float, digits: int | None) -> str:
    places = digits if digits is not None else (2 if value == 0 or abs(value) >= 0.995 else 4)
    text = _fixed(value, places)
    return f"{MINUS}${text[1:]}" if text.startswith(MINUS) else f"${text}"


def _bytes(value: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024:
            return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"
        value /= 1024
    return f"{value:,.1f} TiB"
