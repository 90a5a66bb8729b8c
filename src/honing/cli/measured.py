"""How a measurement's result and forecast are printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from honing.cli.printing import Column, Format, Look, print_json, print_rows

if TYPE_CHECKING:
    from honing.contract import TargetSummary
    from honing.store import Run

_LINE = (Column(key="name", heading=""), Column(key="value", heading=""))


def print_result(run: Run, metrics: Mapping[str, Any], *, json: bool, look: Look) -> None:
    """Print one result: metrics.json itself, or the table a person reads."""
    if json:
        print_json({**metrics, "run": str(run.path)})
        return
    print_rows(_MODELS, [model_row(metrics)], format=Format.TABLE, look=look)
    print_calibration(metrics["calibration"], look=look)
    lines = [{"name": "level", "value": f"{metrics['level']} ({metrics['label']})"}]
    lines += [{"name": name, "value": text} for name, text in notes_of(metrics)]
    for k, found in metrics["pass_at"].items():
        low, high = found["ci95"]
        lines.append({"name": f"pass@{k}", "value": f"{found['estimate']:.3f} [{low:.3f}, {high:.3f}]"})
    lines.append({"name": "run", "value": str(run.path)})
    lines.append({"name": "page", "value": str(write_page(run))})
    print_rows(_LINE, lines, format=Format.TABLE, look=look)


def notes_of(metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a reader of the score must know, by name."""
    notes = []
    if metrics["reason"]:
        notes.append(("no score" if not metrics["ok"] else "note", str(metrics["reason"])))
    if judge := metrics.get("judge"):
        notes.append(("judged by", _judge_line(judge)))
    results = metrics.get("results")
    if results is not None and not results["agrees"]:
        notes.append(("per-sample results", f"not used: {results['reason']}"))
    lacking = metrics["counts"].get("without_answer_line", 0)
    if lacking:
        n = metrics["n_scored"]
        notes.append(("form", f"{lacking} of {n} answers lack the line that prompts ask them to end with"))
    return notes


def _judge_line(judge: Mapping[str, Any]) -> str:
    sides = (
        f"{side} {found['agreement']:.3f} {_bounds(found['ci95'])}"
        for side, found in judge["calibration"].items()
        if isinstance(found, Mapping)
    )
    return f"{judge['model']} (a model); agrees with known pairs: {', '.join(sides)}"


def print_several(run: Run, *, json: bool, look: Look) -> None:
    """Print several models that one run measured: one table, and how far apart they are."""
    found = run.read_json("models.json")
    page = write_page(run)
    if json:
        print_json({**found, "run": str(run.path), "page": str(page)})
        return
    models = found["models"]
    print_models([model_row(metrics) for metrics in models], look=look)
    if found["differences"]:
        print_rows(_DIFFERENCES, found["differences"], format=Format.TABLE, look=look)
    print_calibration(models[0]["calibration"], look=look)
    lines = [
        {"name": f"{metrics['model']}: {name}", "value": text}
        for metrics in models
        for name, text in notes_of(metrics)
    ]
    lines += [{"name": "run", "value": str(run.path)}, {"name": "page", "value": str(page)}]
    print_rows(_LINE, lines, format=Format.TABLE, look=look)


def print_targets(summaries: Sequence[TargetSummary], suite: Path, *, look: Look) -> None:
    """Print one line for every target and model, and why a target is not ok."""
    rows = [
        {
            "target": one.target,
            "model": model.model,
            "rollout": "ok" if model.rollout_ok else "-",
            "evaluation": "ok" if model.evaluation_ok else "-",
            "score": model.metrics["score"],
            "ci95": model.metrics["ci95"],
            "level": model.metrics["level"],
            "run": Path(one.run).name,
        }
        for one in summaries
        for model in one.models
    ]
    rows += [
        {"target": one.target, "model": "", "rollout": "-", "evaluation": "-", "score": None, "ci95": None,
         "level": one.metrics["level"], "run": Path(one.run).name if one.run else ""}
        for one in summaries
        if not one.models
    ]  # fmt: skip
    print_rows(_TARGETS, rows, format=Format.TABLE, look=look)
    lines = [{"name": f"{one.target}: not ok", "value": one.reason} for one in summaries if not one.ok]
    print_rows(_LINE, [*lines, {"name": "summary", "value": str(suite / "targets.json")}],
               format=Format.TABLE, look=look)  # fmt: skip


def write_page(run: Run) -> Path:
    """Render a run's page into the run."""
    from honing.store import REPORT_FILE, Report
    from honing.view import render

    return run.write_text("report.html", render(Report.read(run.path / REPORT_FILE)))


def print_calibration(calibration: Mapping[str, Any], *, look: Look) -> None:
    """Print the controls' scores; of the format variants the worst, and those below the best value."""
    rows = [{"control": name, "score": calibration[name]} for name in ("oracle", "null", "shuffled")]
    formats = {name: score for name, score in calibration["format"].items() if score is not None}
    if formats:
        rows.append({"control": f"worst of {len(formats)} formats", "score": min(formats.values())})
    best = max(formats.values(), default=0.0)
    rows += [{"control": f"format {name}", "score": score} for name, score in formats.items() if score < best]
    shown = [row for row in rows if row["score"] is not None]
    note = f"control (over {calibration['rows']} of {calibration['population']} rows)"
    columns = (
        Column(key="control", heading=note),
        Column(key="score", heading="score", show=_three, right=True),
    )
    print_rows(columns, shown, format=Format.TABLE, look=look)


def model_row(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """One line of a table of models."""
    return {
        "model": metrics["model"],
        "score": metrics["score"],
        "ci95": metrics["ci95"],
        "n": f"{metrics['n_scored']} of {metrics['n_planned']}",
        "tokens": sum(metrics["tokens"].values()),
        "cost_usd": metrics["cost_usd"],
        "label": metrics["label"],
    }


def print_models(rows: Sequence[Mapping[str, Any]], *, look: Look) -> None:
    """Print several models measured on the same rows."""
    print_rows(_MODELS, rows, format=Format.TABLE, look=look)


def print_forecast(forecast: Mapping[str, Any], *, json: bool, look: Look) -> None:
    """Print what would be asked and what it may cost."""
    if json:
        print_json(dict(forecast))
        return
    lines = [{"name": name.replace("_", " "), "value": _plain(value)} for name, value in forecast.items()]
    print_rows(_LINE, lines, format=Format.TABLE, look=look)


def _plain(value: Any) -> str:
    if value is None:
        return "unknown"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _three(value: float) -> str:
    return f"{value:.3f}"


def _bounds(value: Sequence[float]) -> str:
    return f"[{value[0]:.3f}, {value[1]:.3f}]"


_MODELS = (
    Column(key="model", heading="model"),
    Column(key="score", heading="score", show=_three, right=True),
    Column(key="ci95", heading="95% interval", show=_bounds),
    Column(key="n", heading="judged", right=True),
    Column(key="tokens", heading="tokens", show=lambda n: f"{n:,}", right=True, from_width=70),
    Column(key="cost_usd", heading="cost", show=lambda usd: f"${usd:.4f}", right=True, from_width=80),
    Column(key="label", heading=""),
)

_DIFFERENCES = (
    Column(key="b", heading="model"),
    Column(key="a", heading="against"),
    Column(key="difference", heading="difference", show=lambda value: f"{value:+.3f}", right=True),
    Column(key="ci95", heading="95% interval", show=_bounds),
    Column(key="pairs", heading="pairs", right=True),
    Column(key="p_holm", heading="p (Holm)", show=lambda value: f"{value:.3g}", right=True, from_width=70),
)
_TARGETS = (
    Column(key="target", heading="target"),
    Column(key="model", heading="model"),
    Column(key="rollout", heading="rollout"),
    Column(key="evaluation", heading="evaluation"),
    Column(key="score", heading="score", show=_three, right=True),
    Column(key="ci95", heading="95% interval", show=_bounds),
    Column(key="level", heading="level"),
    Column(key="run", heading="run", from_width=100),
)
