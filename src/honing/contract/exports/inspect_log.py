"""A log as inspect_ai keeps them: one JSON document, and the same as a `.eval` archive."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from honing.contract.exports.base import Exported, Form, facts_of, slug, target_name
from honing.contract.exports.writing import write_files
from honing.contract.results.measured import Measured
from honing.contract.samples.sample import Sample, SampleStatus

_VERSION = 2
"""Of the log's schema."""
_DATE = (1980, 1, 1, 0, 0, 0)
"""Of every member of an archive, so that the same run gives the same bytes."""


def write_inspect(measured: Measured, out: Path) -> Exported:
    """Write `<task>.json` and `<task>.eval` into a new folder."""
    log = log_of(measured)
    name = slug(log["eval"]["task"])
    files: dict[str, str | bytes] = {f"{name}.json": _text(log), f"{name}.eval": _archive(log)}
    notes = () if measured.calibrated else (f"exported as {measured.metrics['label']}, under that name",)
    return Exported(form=Form.INSPECT, path=out, files=write_files(out, files), notes=notes)


def log_of(measured: Measured) -> dict[str, Any]:
    """The log, as one document."""
    metrics = measured.metrics
    ended = None if metrics["score"] is not None else _error(metrics["reason"])
    document = {
        "version": _VERSION,
        "status": "error" if ended else "success",
        "eval": _spec(measured),
        "plan": {"name": "plan", "steps": [{"solver": "generate", "params": {}}], "config": {}},
        "results": _results(measured),
        "stats": _stats(measured),
        "samples": [_sample(measured, sample) for sample in measured.samples],
    }
    return document | ({"error": ended} if ended else {})


def _spec(measured: Measured) -> dict[str, Any]:
    metrics, run = measured.metrics, measured.run
    ids = list(dict.fromkeys(sample.id for sample in measured.samples))
    return {
        "eval_id": run.id,
        "run_id": run.id,
        "created": metrics["ts"],
        "task": measured.contract.name or Path(target_name(measured)).name or "target",
        "task_id": metrics["contract_hash"][:22],
        "task_version": 0,
        "dataset": {
            "name": target_name(measured),
            "location": target_name(measured),
            "samples": len(ids),
            "sample_ids": ids,
            "shuffled": False,
        },
        "model": metrics["model"],
        "model_args": {},
        "config": {"epochs": metrics["epochs"], "log_samples": True},
        "packages": {"honing": run.versions.get("honing", "")},
        "scorers": [{"name": _scorer(measured), "options": {}, "metrics": [{"name": _metric(measured)}]}],
        "metadata": {"honing": facts_of(measured)},
    }


def _scorer(measured: Measured) -> str:
    task = measured.contract.task
    return str(task["scorer"]["name"]) if measured.own_scorer and task is not None else "target"


def _metric(measured: Measured) -> str:
    """The metric's name; one that no control brackets says so."""
    name = str(measured.metrics["metric"]["name"])
    return name if measured.calibrated else f"{name} ({measured.metrics['label']})"


def _results(measured: Measured) -> dict[str, Any]:
    metrics = measured.metrics
    document: dict[str, Any] = {
        "total_samples": metrics["n_planned"],
        "completed_samples": metrics["n_scored"],
        "scores": [],
        "metadata": {"honing": facts_of(measured)},
    }
    if metrics["score"] is None:
        return document
    name = _metric(measured)
    found: dict[str, Any] = {"name": name, "value": metrics["score"], "params": {}}
    if metrics["ci95"] is not None:
        low, high = metrics["ci95"]
        method = metrics["interval_method"]
        found["metadata"] = {"ci95_low": low, "ci95_high": high, "interval_method": method}
    score = {
        "name": _scorer(measured),
        "scorer": _scorer(measured),
        "scored_samples": metrics["n_scored"],
        "unscored_samples": metrics["n_planned"] - metrics["n_scored"],
        "params": {},
        "metrics": {name: found},
        "metadata": {"level": metrics["level"], "label": metrics["label"]},
    }
    return document | {"scores": [score]}


def _stats(measured: Measured) -> dict[str, Any]:
    times = [one for sample in measured.samples for one in (sample.started, sample.ended) if one is not None]
    usage = _usage(measured.metrics["tokens"]["input"], measured.metrics["tokens"]["output"])
    return {
        "started_at": _moment(min(times)) if times else "",
        "completed_at": _moment(max(times)) if times else "",
        "model_usage": {measured.metrics["model"]: usage},
    }


def _sample(measured: Measured, sample: Sample) -> dict[str, Any]:
    stop = "stop" if sample.status is SampleStatus.COMPLETED else "unknown"
    reply = {"role": "assistant", "content": sample.completion, "source": "generate", "model": sample.model}
    usage = _usage(sample.usage.get("input_tokens") or 0, sample.usage.get("output_tokens") or 0)
    document: dict[str, Any] = {
        "id": sample.id,
        "epoch": sample.epoch + 1,
        "input": sample.prompt,
        "target": sample.target,
        "messages": [{"role": "user", "content": sample.prompt, "source": "input"}, reply],
        "output": {
            "model": sample.model,
            "choices": [{"message": reply, "stop_reason": stop}],
            "completion": sample.completion,
            "usage": usage,
        },
        "scores": _scores(measured, sample),
        "metadata": {"status": sample.status.value, "attempt": sample.attempt, "seed": sample.seed},
        "model_usage": {sample.model: usage} if sample.model else {},
    }
    if sample.started is not None and sample.ended is not None:
        document |= {"started_at": _moment(sample.started), "completed_at": _moment(sample.ended)}
        document["total_time"] = round(sample.ended - sample.started, 3)
    # A sample without a reward is an error there: a missing score must not be averaged as 0.
    return document if sample.judged else {**document, "error": _error(sample.error or sample.status.value)}


def _scores(measured: Measured, sample: Sample) -> dict[str, Any]:
    if not sample.judged:
        return {}
    score = {
        "value": sample.reward,
        "answer": sample.extracted,
        "explanation": sample.why,
        "metadata": {"label": measured.metrics["label"], **sample.scores},
    }
    return {_scorer(measured): score}


def _usage(taken: int, given: int) -> dict[str, int]:
    return {"input_tokens": taken, "output_tokens": given, "total_tokens": taken + given}


def _error(text: str) -> dict[str, str]:
    return {"message": text, "traceback": text, "traceback_ansi": text}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="milliseconds")


def _archive(log: Mapping[str, Any]) -> bytes:
    """The log as a `.eval` archive: a header, every sample and a summary of each, and the journal's start."""
    samples = log["samples"]
    header = {name: value for name, value in log.items() if name != "samples"}
    start = {name: log[name] for name in ("version", "eval", "plan")}
    members: dict[str, Any] = {"_journal/start.json": start}
    for sample in samples:
        members[f"samples/{sample['id']}_epoch_{sample['epoch']}.json"] = sample
    members["summaries.json"] = [_summary(sample) for sample in samples]
    members["header.json"] = header
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name, _DATE)
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, _text(content))
    return stream.getvalue()


def _summary(sample: Mapping[str, Any]) -> dict[str, Any]:
    kept = (
        "id",
        "epoch",
        "input",
        "target",
        "metadata",
        "scores",
        "model_usage",
        "started_at",
        "completed_at",
    )
    document = {name: sample[name] for name in (*kept, "total_time") if name in sample}
    error = sample["error"]["message"] if "error" in sample else None
    return {**document, "completed": error is None} | ({"error": error} if error else {})


def _text(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False)
