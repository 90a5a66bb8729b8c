"""How the result and the forecast of a harness run are printed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from honing.cli.printing import Column, Format, Look, print_json, print_rows

if TYPE_CHECKING:
    from honing.harness import OptimizeResult

_LINE = (Column(key="name", heading=""), Column(key="value", heading="", lines=True))
_IMPROVED, _NOT_IMPROVED = 0, 1


def print_outcome(result: OptimizeResult, *, json: bool, look: Look) -> int:
    """Print how a run ended; its exit code.

    Args:
        result: Of the run.
        json: As one document.
        look: Colour and width of a table.
    """
    from honing.harness import result_document

    document = result_document(result)
    if json:
        print_json({"ok": True, **document})
    else:
        lines = [{"name": name, "value": value} for name, value in _words(document).items() if value]
        print_rows(_LINE, lines, format=Format.TABLE, look=look)
    return _IMPROVED if result.improved else _NOT_IMPROVED


@contextmanager
def telling_the_end(*, json: bool) -> Iterator[None]:
    """Print an error of the block as the document that a result would have been; the error passes on.

    Args:
        json: Whether a document is asked for.
    """
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        if json and not isinstance(error, BrokenPipeError):
            run = str(getattr(error, "run_folder", ""))
            print_json({"ok": False, "kind": type(error).__name__, "reason": str(error), "run": run})
        raise


def print_forecast(found: Mapping[str, Any], *, json: bool, look: Look) -> None:
    """Print what a run would do."""
    if json:
        print_json(dict(found))
        return
    agent = f"{found['agent']}{' with ' + found['model'] if found['model'] else ''}"
    words = {
        "project": found["project"],
        "agent": agent,
        "proposals": f"{found['proposals']} (search {found['search']}, control {found['control']})",
        "task runs": f"{found['task_runs_each']} a candidate, {found['task_runs_at_most']} at most in all",
        "held out": f"{found['held_out_tasks']} tasks, run once at the end",
        "agents' time": f"{found['agents_s_at_most']:.0f} s at most, {found['workers']} at a time",
        "tokens": _limit(found["tokens_at_most"], "{:,}"),
        "cost": _limit(found["cost_usd_at_most"], "${:.2f}"),
        "time": _limit(found["wall_s_at_most"], "{:.0f} s"),
    }
    lines = [{"name": name, "value": value} for name, value in words.items()]
    print_rows(_LINE, lines, format=Format.TABLE, look=look)


def _limit(value: float | None, form: str) -> str:
    return "no limit" if value is None else f"{form.format(value)} at most"


def _words(document: Mapping[str, Any]) -> dict[str, str]:
    estimate, compared = document["estimate"], document["comparisons"]
    raw = f"{_number(estimate['raw'])} as it was selected"
    corrected = f"{_interval(estimate, 'fresh')} on fresh seeds" if document["noisy"] else ""
    kept = document["winner"]["id"] != document["baseline"]["id"]
    no = "no: on fresh seeds its best does not beat the baseline" if kept else "no"
    return {
        "improved": "yes" if document["improved"] else no,
        "baseline": _number(document["baseline"]["score"]),
        "best": f"{document['winner']['id']}: {', '.join(filter(None, (raw, corrected)))}",
        "gain": _interval(compared["gain"], "estimate"),
        "over best of n": _interval(compared["over_control"], "estimate"),
        "held-out gain": _interval(compared["held_out_gain"], "estimate"),
        "held-out over best of n": _interval(compared["held_out_over_control"], "estimate"),
        "not judged": " ".join(document["unjudged"]),
        "outcomes": ", ".join(f"{count} {name}" for name, count in document["outcomes"].items()),
        "spent": _spent(document["spend"]),
        "warning": "parts of it ran without a sandbox" if document["unconfined"] else "",
        "run": document["run"],
        "page": document["page"],
    }


def _spent(spend: Mapping[str, Any]) -> str:
    tokens = spend["input_tokens"] + spend["output_tokens"]
    asked = f"{spend['calls']} calls, {tokens:,} tokens, ${spend['cost_usd']:.4f}" if spend["calls"] else ""
    unknown = f"cost of {spend['cost_unknown']} unknown" if spend["cost_unknown"] else ""
    return ", ".join(filter(None, (f"{spend['task_runs']} task runs", asked, unknown)))


def _interval(found: Mapping[str, Any] | None, key: str) -> str:
    if found is None or found[key] is None:
        return ""
    if found["low"] is None or found["low"] == found["high"]:
        return _number(found[key])
    return f"{found[key]:.3f} [{found['low']:.3f}, {found['high']:.3f}]"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
