"""A lineage as SVG: every node at its order and value, lines from what it was made from, a panel a group.

Nodes without a value stand in a row of their own below each panel. Kinds differ by shape as well as by
colour.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from honing.store import Lineage, Node, Shape
from honing.view.formats import compact
from honing.view.svg import Canvas, Scale, fit, spread, text_width, ticks

_PANEL = 168.0
"""Height of one panel's values, in CSS pixels."""
_STRIP = 24.0
"""Height of the row of nodes without a value."""
_GAP = 44.0
"""Between panels; holds the group's name."""
_LARGEST, _SMALLEST = 5.0, 2.9
"""Half the size of a node."""


@dataclass(frozen=True, slots=True)
class _Panel:
    """Where one group is drawn."""

    name: str
    x: Scale
    y: Scale
    strip: float
    """Middle of the row of nodes without a value."""
    radius: float

    def place(self, node: Node) -> tuple[float, float]:
        return self.x(node.position), self.strip if node.value is None else self.y(node.value)


def describe(figure: Lineage) -> str:
    """The figure in words."""
    kinds = Counter(node.kind for node in figure.nodes)
    return f"{len(figure.nodes)} nodes: " + ", ".join(f"{count} {kind}" for kind, count in kinds.items())


def draw(figure: Lineage, width: float) -> Canvas:
    """A legend, then one panel for each group over a common x axis."""
    groups = list(dict.fromkeys(node.group for node in figure.nodes if node.group)) or [""]
    legend = _legend_rows(figure, width)
    top = 12.0 + 20 * len(legend)
    height = top + len(groups) * (_PANEL + _STRIP + _GAP) + (30 if figure.x_label else 16)
    canvas = Canvas(width, height)
    _draw_legend(canvas, legend)
    for number, group in enumerate(groups):
        start = top + number * (_PANEL + _STRIP + _GAP) + _GAP
        _panel(canvas, figure, group, start, last=number == len(groups) - 1)
    return canvas


def _panel(canvas: Canvas, figure: Lineage, group: str, top: float, *, last: bool) -> None:
    nodes = [node for node in figure.nodes if node.group in ("", group)]
    panel = _scales(figure, group, top, canvas.width)
    canvas.label(panel.x.start - 4, top - 22, group, canvas.width - panel.x.start, css="row-label")
    for tick in ticks(panel.y.low, panel.y.high, 4):
        if panel.y.low <= tick <= panel.y.high:
            canvas.line(panel.x.start - 4, panel.y(tick), panel.x.end + 6, panel.y(tick), "grid")
            canvas.text(panel.x.start - 10, panel.y(tick) + 4, compact(tick), "tick", anchor="end")
    if figure.y_label:
        middle = top + _PANEL / 2
        canvas.text(12, middle, fit(figure.y_label, _PANEL, 11), "tick", anchor="middle", turn=-90)
    if any(node.value is None for node in nodes):
        canvas.text(panel.x.start - 10, panel.strip + 4, "none", "tick", anchor="end")
    if last:
        _x_axis(canvas, figure, panel)
    by_id = {node.id: node for node in nodes}
    # Heavy edges last, so that no light one crosses them; nodes over all edges.
    for node in sorted(nodes, key=lambda each: each.strong):
        _edges(canvas, panel, node, by_id)
    for node in sorted(nodes, key=lambda each: bool(each.label)):
        _node(canvas, panel, node)


def _scales(figure: Lineage, group: str, top: float, width: float) -> _Panel:
    values = [node.value for node in figure.nodes if node.value is not None] or [0.0, 1.0]
    low, high = spread(min(values), max(values))
    marks = ticks(low, high, 4)
    left = max(text_width(compact(mark), 11) for mark in (*marks, 1000)) + (30 if figure.y_label else 16)
    most = max((node.position for node in figure.nodes), default=1)
    x = Scale(0, max(most, 1), left + 6, width - 22)
    spacing = (x.end - x.start) / max(most, 1)
    radius = min(max(spacing * 0.45, _SMALLEST), _LARGEST)
    y = Scale(marks[0], marks[-1], top + _PANEL - 6, top + 6)
    return _Panel(group, x, y, top + _PANEL + _STRIP / 2, radius)


def _x_axis(canvas: Canvas, figure: Lineage, panel: _Panel) -> None:
    bottom = panel.strip + _STRIP / 2
    canvas.line(panel.x.start - 4, bottom, panel.x.end + 6, bottom, "axis")
    for tick in ticks(0, panel.x.high, 4 if canvas.width < 420 else 8):
        if tick <= panel.x.high and tick == int(tick):
            canvas.text(panel.x(tick), bottom + 15, compact(tick), "tick", anchor="middle")
    if figure.x_label:
        middle = (panel.x.start + panel.x.end) / 2
        canvas.label(
            middle, bottom + 31, figure.x_label, panel.x.end - panel.x.start, css="tick", anchor="middle"
        )


def _edges(canvas: Canvas, panel: _Panel, node: Node, by_id: dict[str, Node]) -> None:
    if node.value is None:
        # Nothing came of it: a line down to its row would only hide the others.
        return
    for number, name in enumerate(node.parents):
        parent = by_id.get(name)
        if parent is not None and parent.value is not None:
            css = "edge strong" if node.strong and number == 0 else "edge" if number == 0 else "edge second"
            canvas.path([panel.place(parent), panel.place(node)], css)


def _node(canvas: Canvas, panel: _Panel, node: Node) -> None:
    x, y = panel.place(node)
    value = "no value" if node.value is None else compact(node.value)
    made = f", from {' and '.join(node.parents)}" if node.parents else ""
    radius = panel.radius + (1.5 if node.label else 0)
    _mark(canvas, node, (x, y), radius, tip=f"{node.id}: {node.kind}, {value}{made}")
    if node.label:
        room = text_width(node.label, 12)
        anchor = "end" if x + room + 12 > canvas.width else "start"
        beside = -radius - 4 if anchor == "end" else radius + 4
        canvas.text(x + beside, y - radius - 3, node.label, "value", anchor=anchor)


def _mark(canvas: Canvas, node: Node, at: tuple[float, float], radius: float, *, tip: str = "") -> None:
    (x, y), r = at, radius
    css = f"node {node.tone.value}"
    if node.shape is Shape.DISC:
        canvas.circle(x, y, r, css, tip=tip)
    elif node.shape is Shape.RING:
        canvas.circle(x, y, r * 0.85, f"{css} hollow", tip=tip)
    elif node.shape is Shape.SQUARE:
        canvas.rect(x - r * 0.9, y - r * 0.9, (r * 1.8, r * 1.8), css, tip=tip)
    elif node.shape is Shape.CROSS:
        arms = [
            (x - r, y - r),
            (x, y),
            (x + r, y - r),
            (x, y),
            (x + r, y + r),
            (x, y),
            (x - r, y + r),
            (x, y),
        ]
        canvas.path(arms, f"{css} drawn", tip=tip)
    elif node.shape is Shape.PLUS:
        canvas.path([(x - r, y), (x + r, y), (x, y), (x, y - r), (x, y + r)], f"{css} drawn", tip=tip)
    elif node.shape is Shape.DASH:
        canvas.path([(x - r, y), (x + r, y)], f"{css} drawn", tip=tip)
    elif node.shape is Shape.TRIANGLE:
        canvas.path(
            [(x, y - r * 1.1), (x + r * 1.1, y + r * 0.9), (x - r * 1.1, y + r * 0.9)],
            css,
            closed=True,
            tip=tip,
        )
    else:
        around = [(x, y - r * 1.2), (x + r * 1.2, y), (x, y + r * 1.2), (x - r * 1.2, y)]
        canvas.path(around, css, closed=True, tip=tip)


def _legend_rows(figure: Lineage, width: float) -> list[list[tuple[Node, float]]]:
    """The first node of each kind with its x position, in as many rows as they need."""
    rows: list[list[tuple[Node, float]]] = [[]]
    x = 12.0
    firsts = {node.kind: node for node in reversed(figure.nodes)}
    for kind in dict.fromkeys(node.kind for node in figure.nodes):
        need = text_width(kind, 12) + 34
        if rows[-1] and x + need > width:
            rows.append([])
            x = 12.0
        rows[-1].append((firsts[kind], x))
        x += need
    return rows


def _draw_legend(canvas: Canvas, rows: list[list[tuple[Node, float]]]) -> None:
    for depth, row in enumerate(rows):
        for node, x in row:
            y = 10.0 + 20 * depth
            _mark(canvas, node, (x, y), 4.5)
            canvas.text(x + 11, y + 4, node.kind)
