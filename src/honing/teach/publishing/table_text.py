"""Tables for print, Markdown and LaTeX, from the same plain data that the page shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from honing.store import Badge, Cell, CellKind, Column, Interval, Table

_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
    }
)
_NUMBERS = frozenset(CellKind) - {CellKind.TEXT, CellKind.CODE, CellKind.BADGE}


def as_markdown(table: Table) -> str:
    """A pipe table with its caption above."""
    lines = [f"**{_markdown(table.caption)}**", ""] if table.caption else []
    lines.append(_row([_markdown(column.title) for column in table.columns]))
    lines.append(_row(["---:" if column.kind in _NUMBERS else "---" for column in table.columns]))
    lines += [_row(cells) for cells in _cells(table, _markdown)]
    return "\n".join(lines) + "\n"


def as_latex(table: Table) -> str:
    """A `tabular` with rules as the booktabs package draws them, in a `table`."""
    alignment = "".join("r" if column.kind in _NUMBERS else "l" for column in table.columns)
    rows = [" & ".join(cells) + r" \\" for cells in _cells(table, _latex)]
    head = " & ".join(_latex(column.title) for column in table.columns) + r" \\"
    caption = [rf"\caption{{{_latex(table.caption)}}}"] if table.caption else []
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            *caption,
            rf"\begin{{tabular}}{{{alignment}}}",
            r"\toprule",
            head,
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(table: Table, escape: Callable[[str], str]) -> list[list[str]]:
    return [
        [escape(_text(cell, column)) for cell, column in zip(row, table.columns, strict=True)]
        for row in table.rows
    ]


def _text(cell: Cell, column: Column) -> str:
    match cell:
        case None:
            return "-"
        case bool():
            return "yes" if cell else "no"
        case Badge(text=text):
            return text
        case Interval(value=value, low=low, high=high):
            middle = "" if value is None else f"{_number(value, column)} "
            return f"{middle}[{_number(low, column)}, {_number(high, column)}]"
        case float():
            return _number(cell, column)
        case _:
            return str(cell)


def _number(value: float, column: Column) -> str:
    digits = 3 if column.digits is None else column.digits
    if column.kind is CellKind.PERCENT:
        return f"{100 * value:.{max(0, digits - 2)}f}%"
    return f"{value:.{digits}f}"


def _markdown(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def _latex(text: str) -> str:
    return text.translate(_LATEX).replace("\n", " ")
