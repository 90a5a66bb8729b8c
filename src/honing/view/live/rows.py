"""One line of the list: what a run is, where it stands, its number, what it spent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from honing.errors import StoreError
from honing.store import Headline, Interval, Report, Run, RunStatus, parse_json, read_journal, read_progress
from honing.view.formats import interval, number
from honing.view.live.files import is_plain, read_plain
from honing.view.live.folders import Place

WATCHED = (
    "run.json",
    "journal.sqlite",
    "journal.sqlite-wal",
    "logs/progress.json",
    "logs/log.txt",
    "logs/resumed.txt",
    "report.json",
    "metrics.json",
    "stop",
)
"""Files whose change means that a line or a view of the run may have changed."""
RESUMABLE = (
    RunStatus.CREATED,
    RunStatus.FAILED,
    RunStatus.STOPPED,
    RunStatus.EXHAUSTED,
    RunStatus.INTERRUPTED,
)


def open_run(place: Place) -> Run:
    """The run at a place.

    Raises:
        StoreError: It is damaged, or its `run.json` is no plain file.
    """
    if not is_plain(place.path / "run.json"):
        raise StoreError(f"{place.path}: its run.json is missing or no plain file, so this is no run.")
    return Run.open(place.path)


def read_row(place: Place) -> dict[str, Any]:
    """The line of one run, without its headline; a damaged one says so.

    The headline, which lies in a file that may be large, is read by `read_headline`.
    """
    row: dict[str, Any] = {"key": place.key, "name": place.name, "parent": place.parent, "damage": ""}
    try:
        run = open_run(place)
        status = run.status
        row |= {
            "id": run.id,
            "kind": run.kind,
            "status": status.value,
            "reason": run.reason,
            "created": run.created,
            "ended": run.ended,
            "stopping": status is RunStatus.RUNNING and run.stop_requested(),
            "can_stop": status is RunStatus.RUNNING,
            # What lies inside another run is gone on with by that one.
            "can_resume": status in RESUMABLE and not place.parent and len(run.command) > 1,
        }
        steps = read_progress(place.path) if is_plain(place.path / "logs" / "progress.json") else []
        row |= {"live": _live(steps, running=status is RunStatus.RUNNING), "spent": read_spent(place.path)}
    except StoreError as error:
        return {**row, "status": "damaged", "damage": str(error)}
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        return {**row, "status": "damaged", "damage": f"run.json cannot be understood: {error}"}
    return row


def read_spent(folder: Path) -> dict[str, Any]:
    """Tokens and money of all sessions, as the journal counts them; empty where there is no journal."""
    path = folder / "journal.sqlite"
    if not is_plain(path):
        return {}
    try:
        with read_journal(path) as journal:
            totals = journal.totals()
    except StoreError as error:
        return {"damage": str(error)}
    return {
        "tokens": totals.tokens,
        "cost_usd": totals.cost_usd,
        "cost_unknown": totals.cost_unknown,
        "units": totals.done,
        "failed": totals.failed,
        "wall_s": totals.wall_s,
    }


def read_headline(folder: Path) -> dict[str, Any] | None:
    """The number of a run's report with its interval; None where there is no report or it has none."""
    try:
        document = parse_json(read_plain(folder, "report.json"), where="report.json")
        sections = document["sections"]
        for block in (block for section in sections for block in section["blocks"]):
            if block["is"] == "headline":
                return headline_words(_decoded(document["schema"], block))
    except (StoreError, ValueError, TypeError, KeyError, AttributeError):
        # The run's view says what is wrong with its report.
        return None
    return None


def headline_words(headline: Headline) -> dict[str, Any]:
    """A headline as the page shows it."""
    found = headline.interval
    value = headline.value if found is None or found.value is None else found.value
    bounds = (
        ""
        if found is None
        else interval(Interval(None, found.low, found.high), headline.kind, headline.digits)
    )
    return {
        "label": headline.label,
        "value": value,
        "low": None if found is None else found.low,
        "high": None if found is None else found.high,
        "text": "" if value is None else number(value, headline.kind, headline.digits),
        "bounds": bounds,
        "level": None if found is None else found.level,
        "verdict": None
        if headline.badge is None
        else {"text": headline.badge.text, "tone": headline.badge.tone.value},
        "note": headline.note,
    }


def _decoded(schema: Any, block: dict[str, Any]) -> Headline:
    """One block of a report, decoded as strictly as the whole."""
    alone = {
        "schema": schema,
        "title": "",
        "sections": [{"title": "", "blocks": [{**block, "bracket": None}]}],
    }
    from honing.store import json_bytes

    (section,) = Report.from_json(json_bytes(alone)).sections
    (headline,) = section.blocks
    if not isinstance(headline, Headline):
        raise StoreError("report.json: expected a headline.")
    return headline


def _live(steps: list[dict[str, Any]], *, running: bool) -> dict[str, Any] | None:
    """Where the step under way stands; None where none is."""
    working = [one for one in steps if one.get("running") is True] if running else []
    if not working:
        return None
    return {
        name: working[-1].get(name) for name in ("step", "done", "failed", "total", "eta_s", "mean", "values")
    }
