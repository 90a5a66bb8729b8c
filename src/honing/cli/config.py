"""`hone config`: every setting and where it comes from."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from honing.cli.commands import command_app
from honing.cli.frame import Frame
from honing.cli.printing import Column, Format, print_rows
from honing.settings import FIELDS, Settings, shown

app = command_app(
    """Show every setting and where it comes from.

    \b
    Examples:
      hone config show
      hone config show --origin
      hone config show --json
    """,
    group=True,
)

_KEY = Column(key="key", heading="SETTING")
_VALUE = Column(key="value", heading="VALUE", show=lambda value: _word(value))
_ORIGIN = Column(key="origin", heading="ORIGIN")
_VARIABLE = Column(key="variable", heading="VARIABLE", from_width=100)


@app.command()
def show(
    ctx: typer.Context,
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value comes from.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    tsv: Annotated[bool, typer.Option("--tsv", help="Print tab-separated values.")] = False,
) -> None:
    """Show every setting as a command would find it. Keys are never shown.

    \b
    Examples:
      hone config show --origin
      HONING_MAX_CONNECTIONS=2 hone config show --json
    """
    frame = Frame.of(ctx)
    settings = frame.settings()
    print_rows(
        [_KEY, _VALUE, *([_ORIGIN, _VARIABLE] if origin else [])],
        [_row(settings, key, with_origin=origin) for key in FIELDS],
        format=Format.chosen(json=json, tsv=tsv),
        look=frame.look(settings),
    )


def _row(settings: Settings, key: str, *, with_origin: bool) -> dict[str, Any]:
    value = shown(settings.value(key))
    row: dict[str, Any] = {"key": key, "value": value.value if isinstance(value, StrEnum) else value}
    if with_origin:
        source = settings.origins[key]
        row |= {"origin": source.where, "place": source.place.value, "variable": FIELDS[key].variable}
    return row


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
