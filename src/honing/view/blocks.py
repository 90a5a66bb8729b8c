"""Each block of a report as HTML."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from honing.store import (
    Bars,
    Block,
    Bracket,
    Cell,
    CellKind,
    Column,
    Diff,
    Dots,
    Estimate,
    Figure,
    Headline,
    HeatMap,
    Histogram,
    Interval,
    KeyValues,
    Lineage,
    Lines,
    Samples,
    StageEvidence,
    Steps,
    Table,
    Text,
    Tone,
)
from honing.view.figures import draw
from honing.view.formats import MISSING, compact, duration, interval, number
from honing.view.samples import samples_html
from honing.view.steps import steps_table
from honing.view.tables import badge_html, facts_html, table_html
from honing.view.text import bounded, escape, words

WIDE = 780
"""Width of a figure on a wide page, in CSS pixels."""
NARROW = 330
BESIDE = 420
"""Width of the bracket beside the headline."""
_OUTPUT_CHARACTERS = 100_000
_DIFF_CHARACTERS = 400_000
_DIFF_LINES = 5000
_DIFF_FOLDED_FROM_LINES = 120


class Idents:
    """Hands out ids that are unique on the page, the same for the same report."""

    def __init__(self) -> None:
        self._count = 0

    def next(self, stem: str) -> str:
        self._count += 1
        return f"{stem}-{self._count}"


def block_html(block: Block, idents: Idents) -> str:
    """One block."""
    if isinstance(block, Bracket | Bars | Dots | Lines | Histogram | HeatMap | Lineage | Steps):
        return _figure(block, idents)
    if isinstance(block, Headline):
        return _headline(block, idents)
    if isinstance(block, Samples):
        return samples_html(block, idents.next("samples"))
    plain: dict[type[Any], Callable[[Any], str]] = {
        Table: table_html,
        KeyValues: _key_values,
        Text: _text,
        Diff: _diff,
        StageEvidence: _evidence,
    }
    return plain[type(block)](block)


def paragraphs(text: str) -> str:
    """Text with its empty lines as paragraph breaks."""
    parts = [part for part in bounded(text, _OUTPUT_CHARACTERS).split("\n\n") if part.strip()]
    return "".join(f"<p>{escape(part)}</p>" for part in parts)


def _headline(block: Headline, idents: Idents) -> str:
    value = MISSING if block.value is None else number(block.value, block.kind, block.digits)
    missing = " missing" if block.value is None else ""
    within = f'<p class="within">{_within(block.interval, block)}</p>' if block.interval is not None else ""
    badge = badge_html(block.badge) if block.badge is not None else ""
    note = f'<p class="headline-note">{words(block.note)}</p>' if block.note else ""
    beside = ""
    if block.bracket is not None:
        drawing = draw(block.bracket, BESIDE, idents.next("figure"))
        beside = f'<figure class="beside">{drawing}{_figure_caption(block.bracket)}</figure>'
    facts = facts_html(block.facts, css="strip") if block.facts else ""
    return (
        f'<div class="headline"><div class="number"><p class="label">{words(block.label)}</p>'
        f'<p class="big{missing}">{escape(value)}</p>{within}{badge}{note}</div>{beside}</div>{facts}'
    )


def _within(bounds: Interval, block: Headline) -> str:
    span = interval(Interval(None, bounds.low, bounds.high), block.kind, block.digits)
    return f"{round(bounds.level * 100):d}% interval <span class='num'>{escape(span)}</span>"


def _figure(figure: Figure, idents: Idents) -> str:
    wide = draw(figure, WIDE, idents.next("figure"))
    narrow = draw(figure, NARROW, idents.next("figure"))
    data = table_html(_figure_data(figure), css="small")
    return (
        f'<figure>{_figure_caption(figure)}<div class="wide">{wide}</div><div class="narrow">{narrow}</div>'
        f'<details class="data"><summary>Numbers as a table</summary>{data}</details></figure>'
    )


def _figure_caption(figure: Figure) -> str:
    more = f" <span>{words(figure.caption)}</span>" if figure.caption else ""
    return f"<figcaption><strong>{words(figure.title)}</strong>{more}</figcaption>"


def _figure_data(figure: Figure) -> Table:
    """The numbers of a figure, for readers that cannot see it and for those who copy them."""
    if isinstance(figure, Lines):
        titles = ("series", figure.x_label or "x", figure.y_label or "y", "low", "high", "point")
        points = [(s.name, p.x, p.y, p.low, p.high, p.label) for s in figure.series for p in s.points[:500]]
        cells = [(name, *map(_short, rest), label) for name, *rest, label in points]
        if any(label for *_, label in points):
            return _plain_table(titles, cells)
        return _plain_table(titles[:-1], [row[:-1] for row in cells])
    if isinstance(figure, Histogram):
        bins = zip(figure.edges, figure.edges[1:], figure.counts, strict=False)
        return _plain_table(
            ("from", "to", "count"), [(compact(low), compact(high), n) for low, high, n in bins]
        )
    if isinstance(figure, HeatMap):
        rows = [(name, *values) for name, values in zip(figure.rows, figure.values, strict=True)]
        return _plain_table(("", *figure.columns), rows, figure.kind)
    if isinstance(figure, Lineage):
        nodes = [(n.id, ", ".join(n.parents), n.kind, n.group, _short(n.value)) for n in figure.nodes[:500]]
        return _plain_table(("", "made from", "kind", "group", "value"), nodes)
    if isinstance(figure, Steps):
        return steps_table(figure)
    estimates = _estimates(figure)
    return _plain_table(("", "value", "low", "high"), [(e.label, e.value, e.low, e.high) for e in estimates])


def _estimates(figure: Bracket | Bars | Dots) -> tuple[Estimate, ...]:
    if isinstance(figure, Bracket):
        return (*figure.ceilings, *figure.scores, *figure.floors)
    return figure.bars if isinstance(figure, Bars) else figure.dots


def _plain_table(
    titles: tuple[str, ...], rows: Sequence[tuple[Cell, ...]], kind: CellKind = CellKind.NUMBER
) -> Table:
    kinds = [CellKind.TEXT] + [kind] * (len(titles) - 1)
    columns = tuple(Column(key=str(n), title=title, kind=kinds[n]) for n, title in enumerate(titles))
    return Table(columns=columns, rows=tuple(rows), sortable=False)


def _short(value: float | None) -> Cell:
    return None if value is None else compact(value)


def _key_values(block: KeyValues) -> str:
    caption = f'<p class="caption">{words(block.caption)}</p>' if block.caption else ""
    return caption + facts_html(block.facts)


def _text(block: Text) -> str:
    title = f"<strong>{words(block.title)}</strong>" if block.title else ""
    if block.tone is Tone.NEUTRAL:
        return f'<div class="prose">{title}{paragraphs(block.text)}</div>'
    return f'<div class="box {block.tone.value}" role="note">{title}{paragraphs(block.text)}</div>'


def _diff(block: Diff) -> str:
    lines = bounded(block.text, _DIFF_CHARACTERS).split("\n")
    shown = lines[: -1 if lines[-1] == "" else None]
    body = "".join(_diff_line(line) for line in shown[:_DIFF_LINES])
    if len(shown) > _DIFF_LINES:
        body += _diff_line(f"[... {len(shown) - _DIFF_LINES:,} lines not shown ...]")
    added = sum(line.startswith("+") and not line.startswith("+++") for line in lines)
    removed = sum(line.startswith("-") and not line.startswith("---") for line in lines)
    title = words(block.title or "Changes")
    counts = f'<span class="plus">+{added:,}</span> <span class="minus">\N{MINUS SIGN}{removed:,}</span>'
    opened = "" if block.folded or len(lines) > _DIFF_FOLDED_FROM_LINES else " open"
    return (
        f'<details class="diff"{opened}><summary><code>{title}</code> {counts}</summary>'
        f'<pre tabindex="0" aria-label="{title}">{body}</pre></details>'
    )


def _diff_line(line: str) -> str:
    kinds = (("+++", "file"), ("---", "file"), ("diff ", "file"), ("@@", "hunk"), ("+", "add"), ("-", "del"))
    css = next((css for start, css in kinds if line.startswith(start)), "same")
    return f'<span class="{css}">{escape(line)}\n</span>'


def _evidence(block: StageEvidence) -> str:
    tone = Tone.GOOD if block.ok else Tone.BAD
    code = "" if block.exit_code is None else f"exit {block.exit_code}".replace("-", "\N{MINUS SIGN}")
    took = "" if block.duration_s is None else duration(block.duration_s)
    again = f"attempt {block.attempt}" if block.attempt > 1 else ""
    aside = " · ".join(escape(part) for part in (code, took, again) if part)
    held = "".join(f"<li>{words(name)}</li>" for name in block.capabilities[:50])
    protections = f'<p class="caption">Sandbox {words(block.sandbox)}</p><ul class="chips">{held}</ul>'
    parts = [
        f'<p class="prose">{words(block.note)}</p>' if block.note else "",
        _output("Command", block.command),
        _output("Standard output", block.stdout),
        _output("Standard error", block.stderr),
        protections if block.sandbox or held else "",
    ]
    return (
        f'<details class="evidence {tone.value}"><summary><span class="stage">{words(block.stage)}</span>'
        f'<span class="badge {tone.value}">{words(block.ending)}</span>'
        f'<code class="command">{escape(bounded(block.command, 300))}</code>'
        f'<span class="aside num">{aside}</span></summary>'
        f'<div class="inside">{"".join(parts)}</div></details>'
    )


def _output(title: str, text: str) -> str:
    if not text.strip():
        return "" if title == "Command" else f'<p class="caption">{title}: empty</p>'
    shown = escape(bounded(text.rstrip("\n"), _OUTPUT_CHARACTERS))
    return f'<p class="caption">{title}</p><pre tabindex="0" aria-label="{title}">{shown}</pre>'
