"""`hone contract audit`: whether a target's number can be believed, by controls and by trying to cheat."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from honing.cli.frame import Frame
from honing.cli.measure_words import pairs
from honing.cli.printing import Column, Format, print_json, print_rows
from honing.errors import UsageError

if TYPE_CHECKING:
    from honing.store import Run

_COLUMNS = (
    Column(key="kind", heading=""),
    Column(key="what", heading="what"),
    Column(key="found", heading="found"),
    Column(key="why", heading="why", lines=True),
)


def audit(
    ctx: typer.Context,
    target: Annotated[
        str, typer.Argument(metavar="RUN_OR_TARGET", help="A run that was measured, or a target to try.")
    ],
    contract: Annotated[
        Path | None, typer.Option("--contract", metavar="FILE", help="Contract to use instead of its own.")
    ] = None,
    env: Annotated[
        list[str] | None, typer.Option("--env", metavar="KEY=VALUE", help="Variable of every stage.")
    ] = None,
    choose: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Fill a hole of the contract.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of every random choice.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    tsv: Annotated[bool, typer.Option("--tsv", help="Tab-separated values.")] = False,
) -> int:
    """Run a target's controls and try to cheat its grader, or show what is known of a run. No model is asked.
    Exit code 0 where the controls bracket the score and nothing that was tried worked."""
    form = Format.chosen(json=json, tsv=tsv)
    frame = Frame.of(ctx)
    settings = frame.settings()
    if (Path(target) / "run.json").is_file():
        document = _of_run(Path(target))
    else:
        document = _of_target(
            target,
            home=settings.paths.home,
            seed=seed,
            contract=contract,
            sandbox=settings.sandbox.kind.value,
            env=pairs(env or []),
            choices=pairs(choose or [], "--set", "NAME=VALUE"),
        )
    if form is Format.JSON:
        print_json(document)
    else:
        print_rows(_COLUMNS, _rows(document), format=form, look=frame.look(settings))
    return 0 if document["ok"] else 1


def _of_target(target: str, **options: Any) -> dict[str, Any]:
    """Set a target up, audit it, tear it down."""
    from honing.contract import SetupOptions, setup

    with setup(target, SetupOptions(**options), intent={"audit": True}) as session:
        return {"run": str(session.run.path), **session.audit().as_document()}


def _of_run(path: Path) -> dict[str, Any]:
    """What a run holds: its verdicts, its probes where it was audited, whether its evidence is whole.

    Raises:
        UsageError: Nothing was measured or audited in it.
    """
    from honing.store import load_run, verify

    run = load_run(path)
    check = verify(path / "evidence.jsonl")
    known = {name: _read(run, f"{name}.json") for name in ("metrics", "audit", "provenance")}
    if known["metrics"] is None and known["audit"] is None:
        raise UsageError(f"{path}: nothing was measured or audited in this run; audit its target instead.")
    metrics, audited = known["metrics"] or {}, known["audit"] or {}
    evidence = {
        "rule": "the evidence is as it was written",
        "finding": "held" if check.ok else "broken",
        "why": f"{check.records} records, head {check.head[:16]}"
        if check.ok
        else "; ".join(str(damage) for damage in check.damage[:3]),
    }
    verdicts = [*(metrics.get("audit") or audited.get("verdicts", [])), evidence]
    weaknesses = [*audited.get("weaknesses", []), *([] if check.ok else [evidence["why"]])]
    suspicious = [one for one in verdicts if one["finding"] in ("broken", "suspicious")]
    return {
        "run": str(path),
        "ok": not suspicious and not weaknesses and bool(metrics.get("ok", audited.get("ok"))),
        "calibration": metrics.get("calibration") or audited.get("calibration"),
        "controls": audited.get("controls", []),
        "verdicts": verdicts,
        "probes": audited.get("probes", []),
        "provenance": known["provenance"] or audited.get("provenance"),
        "weaknesses": weaknesses,
    }


def _read(run: Run, name: str) -> dict[str, Any] | None:
    return dict(run.read_json(name)) if (run.path / name).is_file() else None


def _rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = [
        {
            "kind": "control",
            "what": one["control"],
            "found": "none" if one["score"] is None else f"{one['score']:.4g}",
            "why": one["note"] or f"over {one['n']} samples",
        }
        for one in document["controls"]
    ]
    rows += [
        {"kind": "rule", "what": one["rule"], "found": one["finding"], "why": one["why"]}
        for one in document["verdicts"]
    ]
    rows += [
        {
            "kind": "probe",
            "what": one["probe"],
            "found": one["way"],
            "why": f"{one['file']}: {one['why']}" if one["file"] else one["why"],
        }
        for one in document["probes"]
    ]
    files = (document["provenance"] or {}).get("files", [])
    rows += [
        {"kind": "file", "what": one["path"], "found": one["by"], "why": f"sha256 {one['sha256'][:16]}"}
        for one in files
    ]
    return rows
