"""Drawing primitives: an SVG canvas whose bytes depend on what is drawn alone, and scales with round ticks.

Nothing here sets a colour: elements carry classes, and the page's style sheet colours them for light, dark
and print.
"""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from html import escape as escape_markup

from honing.view.text import WORDS, bounded, shortened, visible

COLOURS = 6
"""Series colours of the style sheet, s0 to s5; a seventh series begins anew."""
_SIZES = {"row-label": 13.0, "tick": 11.0}
"""Of text in CSS pixels, where it is not 12."""
CHARACTER_EM = 0.59
"""Mean advance of a character of the page's face, in em; wide (CJK) characters count double."""


class Canvas:
    """Collects elements and writes them as one `<svg>`."""

    def __init__(self, width: float, height: float) -> None:
        self.width = width
        self.height = height
        self._parts: list[str] = []

    def line(self, x1: float, y1: float, x2: float, y2: float, css: str) -> None:
        self._parts.append(
            f'<line x1="{fixed(x1)}" y1="{fixed(y1)}" x2="{fixed(x2)}" y2="{fixed(y2)}" class="{css}"/>'
        )

    def rect(
        self, x: float, y: float, size: tuple[float, float], css: str, *, radius: float = 0, tip: str = ""
    ) -> None:
        rounded = f' rx="{fixed(radius)}"' if radius else ""
        width, height = (fixed(max(length, 0)) for length in size)
        shape = f'x="{fixed(x)}" y="{fixed(y)}" width="{width}" height="{height}"'
        self._closed("rect", f'{shape}{rounded} class="{css}"', tip)

    def circle(self, x: float, y: float, radius: float, css: str, *, tip: str = "") -> None:
        self._closed("circle", f'cx="{fixed(x)}" cy="{fixed(y)}" r="{fixed(radius)}" class="{css}"', tip)

    def path(
        self, points: list[tuple[float, float]], css: str, *, closed: bool = False, tip: str = ""
    ) -> None:
        steps = "L".join(f"{fixed(x)} {fixed(y)}" for x, y in points)
        self._closed("path", f'd="M{steps}{"Z" if closed else ""}" class="{css}"', tip)

    def text(
        self, x: float, y: float, words: str, css: str = "", *, anchor: str = "start", turn: float = 0
    ) -> None:
        turned = f' transform="rotate({fixed(turn)} {fixed(x)} {fixed(y)})"' if turn else ""
        classes = f' class="{css}"' if css else ""
        placed = "" if anchor == "start" else f' text-anchor="{anchor}"'
        place = f'x="{fixed(x)}" y="{fixed(y)}"{placed}{turned}{classes}'
        self._parts.append(f"<text {place}>{_said(words)}</text>")

    def label(
        self, x: float, y: float, words: str, room: float, *, css: str = "", anchor: str = "start"
    ) -> None:
        """Text cut to `room` user units, whole in a tool tip."""
        fitted = fit(words, room, _SIZES.get(css, 12))
        self.text(x, y, fitted, css, anchor=anchor)
        if fitted != words:
            self._parts[-1] = self._parts[-1].replace("</text>", f"<title>{_said(words)}</title></text>")

    def legend(self, rows: list[list[tuple[str, int, float]]]) -> None:
        """Names beside their colours, as `legend_rows` placed them, at the top."""
        for depth, row in enumerate(rows):
            for name, number, x in row:
                self.rect(x, 5 + 18 * depth, (12, 8), f"bar s{number % COLOURS}", radius=2)
                self.text(x + 17, 13 + 18 * depth, name)

    def svg(self, ident: str, title: str, description: str) -> str:
        """The finished drawing, named for readers that cannot see it."""
        return (
            f'<svg viewBox="0 0 {fixed(self.width)} {fixed(self.height)}" width="{fixed(self.width)}" '
            f'height="{fixed(self.height)}" role="img" aria-labelledby="{ident}-t {ident}-d">'
            f'<title id="{ident}-t">{_said(title)}</title>'
            f'<desc id="{ident}-d">{_said(description)}</desc>{"".join(self._parts)}</svg>'
        )

    def bare(self, css: str) -> str:
        """The drawing without a name, for use beside a text that says the same."""
        width, height = fixed(self.width), fixed(self.height)
        size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        return f'<svg {size} class="{css}" aria-hidden="true">{"".join(self._parts)}</svg>'

    def _closed(self, name: str, attributes: str, tip: str) -> None:
        inner = f"<title>{_said(tip)}</title>" if tip else ""
        self._parts.append(f"<{name} {attributes}>{inner}</{name}>" if inner else f"<{name} {attributes}/>")


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps values linearly to positions."""

    low: float
    high: float
    start: float
    """Position of `low`."""
    end: float

    def __call__(self, value: float) -> float:
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round values from `low` or below to `high` or above, at steps of 1, 2 or 5 times a power of ten."""
    low, high = spread(low, high)
    raw = (high - low) / max(about - 1, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * 0.999)
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    places = 2 - math.floor(math.log10(step))
    return [round(index * step, places) for index in range(first, last + 1)]


def spread(low: float, high: float) -> tuple[float, float]:
    """The range itself, widened where it has no extent worth drawing."""
    if high - low > max(1e-9 * max(abs(low), abs(high)), 1e-100):
        return low, high
    half = max(abs(low), abs(high)) * 0.1
    half = half if half > 1e-100 else 0.5
    return low - half, high + half


def apart(positions: list[float], gap: float, low: float, high: float) -> list[float]:
    """Positions moved as little as a simple sweep allows so that neighbours are at least `gap` apart.

    Args:
        positions: Wanted positions, ascending.
        gap: Least distance.
        low: No position ends below, as far as there is room.
        high: No position ends above.
    """
    placed: list[float] = []
    for wanted in positions:
        placed.append(max(wanted, low if not placed else placed[-1] + gap))
    limit = high
    for index in range(len(placed) - 1, -1, -1):
        placed[index] = min(placed[index], limit)
        limit = placed[index] - gap
    return placed


def legend_rows(names: list[str], width: float) -> list[list[tuple[str, int, float]]]:
    """Names with series number and x position, in as many rows as they need; empty ones are left out."""
    rows: list[list[tuple[str, int, float]]] = [[]]
    x = 10.0
    for number, name in enumerate(names):
        if not name:
            continue
        name = fit(name, width - 40)
        need = text_width(name, 12) + 38
        if rows[-1] and x + need > width:
            rows.append([])
            x = 10.0
        rows[-1].append((name, number, x))
        x += need
    return rows


def text_width(words: str, size: float = 12) -> float:
    """Estimated width in user units."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in words)
    return (len(words) + wide) * CHARACTER_EM * size


def fit(words: str, room: float, size: float = 12) -> str:
    """The words, cut with an ellipsis where they are estimated to be wider than `room`."""
    if text_width(words, size) <= room and words == visible(words):
        return words
    count = max(int(room / (CHARACTER_EM * size)), 2)
    line = shortened(words, count)
    while len(line) > 2 and text_width(line, size) > room:
        line = f"{line[:-2].rstrip()}…"
    return line


def _said(words: str) -> str:
    return escape_markup(visible(bounded(words, WORDS)))


def fixed(value: float) -> str:
    """Two decimals at most, the same text for the same number everywhere."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
