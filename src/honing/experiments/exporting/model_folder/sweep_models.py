"""The adapters of a sweep: one for each segment that was trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from honing.experiments.exporting.document_values import flattened
from honing.experiments.exporting.model_folder.reading import document, figure, present, source
from honing.experiments.exporting.model_folder.trained import Figure, TrainedModel
from honing.store import Run, digest

_SUMMARY = "train_and_benchmark_summary.json"
_TRAINING = ("steps", "first_loss", "last_loss", "loss_before", "loss_after", "too_long")
_APART = (
    "No row of the fixed sample was trained on, by id or by prompt: the rows that are trained on are taken "
    "from the others, and rows of given files whose prompt is in the sample are removed and counted."
)


def models_of_sweep(run: Run) -> Iterator[TrainedModel]:
    """Every segment's adapter, in order."""
    summary = document(run, _SUMMARY)
    segments = [one for one in summary.get("segments", []) if one.get("adapter")]
    panel = digest(document(run, summary.get("fixed_samples", "")))[:16] if segments else ""
    for number, segment in enumerate(segments):
        yield TrainedModel(
            name=segment["name"],
            folder=(run.path / segment["adapter"]).resolve(),
            panel=panel,
            panel_sentence=f"fixed samples of {', '.join(map(_short, summary['targets']))}",
            before=_scores((summary["base"] or {}).get("smoke", [])),
            after=_scores(segment.get("smoke", [])),
            gains=tuple(_gains(segment.get("smoke", []))),
            training=_training(run, segment, segments[: number + 1]),
            data=present(*(_data(run, one) for one in segments[: number + 1])),
            apart=_APART,
            harness="each target's own prompts, as its contract has them; no harness of files",
            limits=tuple(
                f"{_short(one['target'])} was not measured: {one['reason']}"
                for one in segment.get("smoke", [])
                if one["metrics"].get("score") is None
            ),
        )


def _scores(measured: Sequence[Mapping[str, Any]]) -> tuple[Figure, ...]:
    found = []
    for one in measured:
        metrics = one["metrics"]
        shown = figure(_named(one), {**metrics, "n": metrics.get("n_scored")}) if _ok(metrics) else None
        found.append(shown)
    return present(*found)


def _ok(metrics: Mapping[str, Any]) -> bool:
    return metrics.get("score") is not None and metrics.get("ci95") is not None


def _named(one: Mapping[str, Any]) -> str:
    """What was measured on a target; a score that no control brackets says so."""
    metric, label = one["metrics"].get("metric") or {}, one["metrics"].get("label") or ""
    name = metric.get("name", "score") if isinstance(metric, Mapping) else "score"
    said = "" if label in {"", "calibrated"} else f" ({label})"
    return f"{name} on {_short(one['target'])}{said}"


def _short(target: str) -> str:
    """A target's address, or the name of a folder of this machine."""
    return Path(target).name if target.startswith(("/", "~", ".")) else target


def _gains(measured: Sequence[Mapping[str, Any]]) -> Iterator[Figure]:
    """Against the model before any training."""
    for one in measured:
        change = (one.get("change") or {}).get("base") or {}
        found = figure(f"{_short(one['target'])} against the base", change)
        if found is not None:
            yield found


def _training(run: Run, segment: Mapping[str, Any], so_far: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    found = {name: segment[name] for name in _TRAINING if segment.get(name) is not None}
    options = {
        f"options.{name}": value
        for name, value in flattened(run.config.get("training", {}))
        if value is not None
    }
    return {"segments": len(so_far), "steps in all": sum(one["steps"] for one in so_far), **found, **options}


def _data(run: Run, segment: Mapping[str, Any]) -> Any:
    about = segment.get("data") or {}
    said = ", ".join(f"{name} {value}" for name, value in flattened(about) if isinstance(value, int | str))
    return source(run, f"{segment['name']}/train/rows.jsonl", said[:300] or "rows of the segment")
