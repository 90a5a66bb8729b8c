"""Tells Weights & Biases one run. A program: `wandb_program.py REQUEST ANSWER`, both JSON files."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any


def main(request: Path, answer: Path) -> None:
    """Write the run of a request; a run of the same id is gone on with, as W&B does."""
    job = json.loads(request.read_text(encoding="utf-8"))
    folder = job["folder"] or str(request.parent)
    Path(folder).mkdir(parents=True, exist_ok=True)
    place = _write(job, folder)
    answer.write_text(json.dumps({"place": place}), encoding="utf-8")


def _write(job: dict[str, Any], folder: str) -> str:
    import wandb

    record = job["record"]
    run = wandb.init(
        project=job["project"],
        name=record["name"],
        id=re.sub(r"[^\w-]", "-", record["run_id"]),
        resume="allow" if job["mode"] == "online" else None,
        dir=folder,
        mode=job["mode"],
        config={**record["parameters"], **record["tags"]},
        tags=[record["tags"]["honing.kind"], record["tags"]["honing.status"]],
        settings=_quiet(wandb),
    )
    _curves(run, record)
    run.summary.update(record["numbers"])
    for name, table in record["tables"].items():
        rows = [[_one_type(value) for value in row] for row in table["rows"]]
        run.log({f"tables/{name}": wandb.Table(columns=table["columns"], data=rows)})
    artifact = wandb.Artifact(f"run-{re.sub(r'[^A-Za-z0-9._-]', '-', record['name'])}", type="honing-run")
    for name, path in record["files"].items():
        artifact.add_file(path, name=name)
    run.log_artifact(artifact)
    # In an offline run files lie beside its record, where `wandb sync` and a reader find them.
    for name, path in record["files"].items():
        target = Path(run.dir) / "run" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(Path(path).read_bytes())
    place = str(Path(run.dir).parent) if job["mode"] == "offline" else str(run.url)
    run.finish()
    return place


def _quiet(wandb: Any) -> Any:
    """Nothing of the machine, of git or of the code is collected."""
    return wandb.Settings(
        silent=True,
        console="off",
        disable_git=True,
        save_code=False,
        disable_job_creation=True,
        x_disable_stats=True,
        x_disable_meta=True,
        x_disable_machine_info=True,
        x_save_requirements=False,
    )


def _curves(run: Any, record: dict[str, Any]) -> None:
    """Each curve over a step of its own, since W&B knows one step for all that is logged."""
    for curve in record["curves"]:
        name = f"curves/{curve['name']}"
        run.define_metric(name, step_metric=f"{name}/step")
        for step, value in curve["points"]:
            run.log({name: value, f"{name}/step": step})


def _one_type(value: Any) -> Any:
    """W&B refuses columns of mixed types: text is one for all."""
    return value if value is None or isinstance(value, str) else json.dumps(value)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
