"""`.eval_results/*.yaml`: a score as the Hugging Face hub shows it on a model's page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from honing.contract.exports.base import Exported, Form, facts_of, slug
from honing.contract.exports.writing import write_files
from honing.contract.results.measured import Measured
from honing.errors import UsageError

_HUB = re.compile(r"(?:https?://[^/]+/datasets/|hf:)([\w.-]+/[\w.-]+)")


def write_hf_results(measured: Measured, out: Path, *, dataset: str = "") -> Exported:
    """Write `.eval_results/<task>.yaml` into a new folder.

    Args:
        measured: What is written.
        out: The folder, to be copied into the model's repository.
        dataset: The benchmark's data set on the hub, `owner/name` or `owner/name#task`; the target's own
            address where empty.

    Raises:
        UsageError: The score may not stand alone, as it would on that page, or no data set is known.
    """
    metrics = measured.metrics
    if not measured.calibrated or metrics["score"] is None:
        raise UsageError(
            f"{measured.name} is {metrics['label']}: {metrics['reason'] or 'its controls did not hold'}. The "
            "hub's form has room for a plain score only, and this one may not be shown as one. Use another "
            "form, which carries the label."
        )
    name, task_id = _dataset(measured, dataset)
    entry: dict[str, Any] = {"dataset": {"id": name, "task_id": task_id}, "value": metrics["score"]}
    if revision := _revision(measured):
        entry["dataset"]["revision"] = revision
    entry["date"] = metrics["ts"]
    entry["notes"] = _notes(measured)
    text = yaml.safe_dump([entry], sort_keys=False, allow_unicode=True, width=100)
    file = f".eval_results/{slug(name.rpartition('/')[2])}.yaml"
    return Exported(form=Form.HF_RESULTS, path=out, files=write_files(out, {file: text}))


def _dataset(measured: Measured, dataset: str) -> tuple[str, str]:
    target = str(measured.run.config.get("target", ""))
    found = _HUB.match(target)
    given, _, task_id = dataset.partition("#")
    name = given or (found.group(1) if found else "")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise UsageError(
            f"--dataset: which data set of the hub is {target!r}? Give owner/name, or owner/name#task where "
            "its eval.yaml has several tasks."
        )
    return name, task_id or "default"


def _revision(measured: Measured) -> str:
    """The data set's commit, where the target was fetched at one."""
    path = measured.run.path / "target.json"
    document = measured.run.read_json("target.json") if path.is_file() else {}
    revision = str(document.get("revision") or "") if document.get("kind") == "dataset" else ""
    return revision if re.fullmatch(r"[0-9a-f]{40}", revision) else ""


def _notes(measured: Measured) -> str:
    facts = facts_of(measured)
    low, high = facts["ci95"] or (None, None)
    interval = "" if low is None else f", 95% interval {low:.4f} to {high:.4f} ({facts['interval_method']})"
    return (
        f"{facts['metric']['name']} over {facts['n_scored']} of {facts['n_planned']} samples{interval}; "
        f"calibrated, level {facts['level']}; run {facts['run_id']}, contract {facts['contract_hash']}"
    )
