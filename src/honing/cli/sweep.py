"""`hone sweep`: train segment by segment, and measure the ordered targets after each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from honing.cli.commands import command_app
from honing.cli.frame import Frame
from honing.cli.printing import Column, Format, Look, print_json, print_rows, tell

if TYPE_CHECKING:
    from honing.contract import RepairRequest
    from honing.experiments import SweepOptions, SweepResult, SweepSpec
    from honing.settings import Settings

app = command_app()


@app.command()
def sweep(
    ctx: typer.Context,
    base_model: Annotated[
        str,
        typer.Option("--base-model", metavar="MODEL", help="Folder, adapter's folder, hub id or tiny:FILE."),
    ],
    targets_file: Annotated[
        Path, typer.Option("--targets-file", metavar="FILE", help="Targets, one a line: measured in order.")
    ],
    segments: Annotated[int, typer.Option("--segments", min=1, help="Trainings, one after the other.")] = 1,
    steps_per_segment: Annotated[
        int, typer.Option("--steps-per-segment", min=1, help="Optimiser steps of each.")
    ] = 100,
    full_after_last: Annotated[
        bool, typer.Option("--full-after-last", help="Measure every row after the last segment.")
    ] = False,
    require_samples: Annotated[
        bool, typer.Option("--require-samples", help="Fail unless every sample is complete and they differ.")
    ] = False,
    limit: Annotated[
        int, typer.Option("--limit", min=1, help="Rows of the fixed sample of each target.")
    ] = 16,
    samples_per_target: Annotated[
        int,
        typer.Option(
            "--samples-per-target", min=0, help="Other rows that a segment learns from; 0 for none."
        ),
    ] = 64,
    collect_from: Annotated[
        list[str] | None,
        typer.Option("--collect-from", metavar="TARGET", help="Learn from these targets only; repeatable."),
    ] = None,
    train_data: Annotated[
        list[Path] | None,
        typer.Option("--train-data", metavar="FILE", help="JSONL of prompt and completion; repeatable."),
    ] = None,
    learning_rate: Annotated[float, typer.Option("--learning-rate", help="Of every segment.")] = 1e-3,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Rows in memory together.")] = 8,
    gradient_accumulation_steps: Annotated[
        int, typer.Option("--gradient-accumulation-steps", min=1, help="Batches per optimiser step.")
    ] = 1,
    rank: Annotated[int, typer.Option("--rank", min=1, help="Of the LoRA adapter.")] = 16,
    alpha: Annotated[int, typer.Option("--alpha", min=1, help="Scale of the adapter, over its rank.")] = 32,
    device: Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")] = "auto",
    save_every: Annotated[
        int, typer.Option("--save-every", min=0, help="Steps between checkpoints to go on from; 0: none.")
    ] = 50,
    max_tokens: Annotated[int | None, typer.Option("--max-tokens", min=1, help="Of one answer.")] = None,
    temperature: Annotated[float | None, typer.Option("--temperature", help="Greedy when not given.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of every random choice.")] = 0,
    out_root: Annotated[
        Path | None, typer.Option("--out-root", metavar="DIR", help="Folder that gets the run; that of runs.")
    ] = None,
    run_name: Annotated[str, typer.Option("--run-name", metavar="NAME", help="Of the run's folder.")] = "",
    agent: Annotated[
        str | None, typer.Option("--agent", metavar="NAME", help="Coding agent that may mend contracts.")
    ] = None,
    agent_model: Annotated[
        str | None, typer.Option("--agent-model", metavar="MODEL", help="The agent's model.")
    ] = None,
    opencode_model: Annotated[
        str | None,
        typer.Option("--opencode-model", metavar="MODEL", help="As --agent opencode --agent-model."),
    ] = None,
    repair_iters: Annotated[
        int | None, typer.Option("--repair-iters", min=0, help="Patches to ask the agent for.")
    ] = None,
    sandbox: Annotated[
        str | None, typer.Option("--sandbox", help="auto, bubblewrap, landlock or unconfined.")
    ] = None,
    max_connections: Annotated[
        int | None, typer.Option("--max-connections", min=1, help="Answers under way at once.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew even if it is unfinished.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be asked; do nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    tsv: Annotated[bool, typer.Option("--tsv", help="Print the table as tab-separated values.")] = False,
) -> int:
    """Train a local model in segments, and measure the same targets on the same rows after each.

    \b
    Examples:
      hone sweep --base-model ~/models/my-model --targets-file benchmarks.txt --segments 2
          --steps-per-segment 8 --require-samples --full-after-last
      hone sweep --base-model tiny:rows.jsonl --targets-file targets.txt --steps-per-segment 60
          --limit 200 --max-tokens 16                          (no weights, no network)
      hone sweep --base-model M --targets-file T --samples-per-target 0 --train-data mine.jsonl

    Exit code 1: a segment or a target is not ok. Interrupted? The same command goes on.
    """
    from honing.experiments import forecast_sweep, run_sweep

    given: dict[str, Any] = dict(locals())
    frame = Frame.of(ctx)
    settings = _settings(frame, given)
    spec = _spec(frame, given)
    options = _options(frame, settings, given)
    if dry_run:
        return _print_forecast(forecast_sweep(spec, options), json=json, look=frame.look(settings))
    shown = Format.chosen(json=json, tsv=tsv)
    return _print_result(run_sweep(spec, options), shown, look=frame.look(settings))


_SETTINGS = {
    "sandbox": "sandbox.kind",
    "max_connections": "limits.max_connections",
    "agent": "agents.default",
    "agent_model": "agents.model",
}
"""Options that are settings as well, by name."""


def _settings(frame: Frame, given: Mapping[str, Any]) -> Settings:
    return frame.settings({key: given[name] for name, key in _SETTINGS.items() if given[name] is not None})


def _spec(frame: Frame, given: Mapping[str, Any]) -> SweepSpec:
    """What is trained and measured."""
    from honing.cli.measure_words import targets_of
    from honing.experiments import SegmentOptions, SweepSpec
    from honing.llm import Sampling

    as_given = (
        "learning_rate", "batch_size", "gradient_accumulation_steps", "rank", "alpha", "device", "save_every",
        "seed",
    )  # fmt: skip
    return SweepSpec(
        base_model=given["base_model"],
        targets=tuple(targets_of([], [], frame.cwd / given["targets_file"])),
        segments=given["segments"],
        training=SegmentOptions(steps=given["steps_per_segment"], **{name: given[name] for name in as_given}),
        rows_per_target=given["limit"],
        samples_per_target=given["samples_per_target"],
        collect_from=None if given["collect_from"] is None else tuple(given["collect_from"]),
        train_data=tuple(frame.cwd / path for path in given["train_data"] or []),
        full_after_last=given["full_after_last"],
        require_samples=given["require_samples"],
        sampling=Sampling(temperature=given["temperature"], max_tokens=given["max_tokens"]),
        seed=given["seed"],
    )


def _options(frame: Frame, settings: Settings, given: Mapping[str, Any]) -> SweepOptions:
    """Where it works."""
    import sys

    from honing.contract import SetupOptions, SourceOptions
    from honing.executors import choose_progress
    from honing.experiments import SweepOptions

    home = settings.paths.home if given["out_root"] is None else frame.cwd / given["out_root"]
    quiet = settings.output.quiet or not settings.output.progress
    return SweepOptions(
        home=home,
        name=given["run_name"],
        places=(frame.cwd, (frame.cwd / given["targets_file"]).parent),
        cache=settings.paths.cache,
        setup=SetupOptions(
            source=SourceOptions(**settings.fetching(frame.environ)),
            sandbox=settings.sandbox.kind.value,
            max_connections=settings.limits.max_connections,
        ),
        repair=_repair(frame, settings, given),
        endpoints=settings.models.endpoints(),
        fresh=given["fresh"],
        command=_repeatable(frame, home, given),
        progress=lambda: choose_progress(sys.stderr, frame.environ, quiet=quiet),
        told=lambda line: tell(settings, line),
    )


def _repeatable(frame: Frame, home: Path, given: Mapping[str, Any]) -> list[str]:
    """The command line that goes on with this work from any folder."""
    named = [given["targets_file"], *(given["train_data"] or [])]
    named += [] if given["out_root"] is None else [given["out_root"]]
    full = {str(path): str((frame.cwd / path).resolve()) for path in named}
    tiny, colon, rows = given["base_model"].rpartition(":")
    if (frame.cwd / rows).exists():
        full[given["base_model"]] = f"{tiny}{colon}{(frame.cwd / rows).resolve()}"
    words = [full.get(word, word) for word in frame.arguments if word != "--fresh"]
    return ["hone", "--home", str(home.resolve()), *words]


def _repair(frame: Frame, settings: Settings, given: Mapping[str, Any]) -> RepairRequest | None:
    """Who may write or mend contracts; None where nobody is asked to."""
    from honing.agents import AgentSettings
    from honing.contract import RepairRequest

    opencode = given["opencode_model"]
    if given["agent"] is None and opencode is None and not given["repair_iters"]:
        return None
    return RepairRequest(
        agent=given["agent"] or ("opencode" if opencode else settings.agents.default) or "",
        model=opencode or settings.agents.model or "",
        iterations=given["repair_iters"],
        installed=AgentSettings(**settings.installed_agents(frame.environ)),
        told=lambda iteration: tell(settings, f"repair {iteration.number}: {iteration.verdict.value}"),
    )


def _three(value: float) -> str:
    return f"{value:.3f}"


def _signed(value: float) -> str:
    return f"{value:+.3f}"


_TABLE = (
    Column(key="segment", heading="SEGMENT"),
    Column(key="mode", heading="MODE"),
    Column(key="target", heading="TARGET"),
    Column(key="score", heading="SCORE", show=_three, right=True),
    Column(key="ci95_low", heading="LOW", show=_three, right=True),
    Column(key="ci95_high", heading="HIGH", show=_three, right=True),
    Column(key="n", heading="N", right=True),
    Column(key="against_base", heading="AGAINST BASE", show=_signed, right=True),
    Column(key="direction_base", heading=""),
    Column(key="against_previous", heading="PREVIOUS", show=_signed, right=True, from_width=100),
    Column(key="direction_previous", heading="", from_width=100),
)
_LINE = (Column(key="name", heading=""), Column(key="value", heading=""))
_FORECAST = (
    Column(key="target", heading="TARGET"),
    Column(key="population", heading="ROWS", right=True),
    Column(key="fixed_rows", heading="FIXED", right=True),
    Column(key="smoke_answers", heading="MEASURED", right=True),
    Column(key="training_answers", heading="TO TRAIN", right=True),
    Column(key="full_answers", heading="FULL", right=True),
)


def _print_result(result: SweepResult, shown: Format, *, look: Look) -> int:
    from honing.cli.measured import write_page
    from honing.experiments import SWEEP_COLUMNS, sweep_rows
    from honing.store import Run

    page = write_page(Run.open(result.run))
    code = 0 if result.ok else 1
    if shown is Format.JSON:
        print_json({**result.as_document(), "page": str(page)})
        return code
    rows = sweep_rows(result.summary)
    if shown is Format.TSV:
        print_rows([Column(key=key, heading=key) for key in SWEEP_COLUMNS], rows, format=shown, look=look)
        return code
    print_rows(_TABLE, rows, format=shown, look=look)
    lines = [{"name": one["name"], "value": _trained(one)} for one in result.summary["segments"]]
    lines += [
        {"name": f"{row['segment']} {row['target']}: not ok", "value": row["reason"]}
        for row in rows
        if not (row["rollout_ok"] and row["evaluation_ok"])
    ]
    lines += [{"name": "run", "value": str(result.run)}, {"name": "page", "value": str(page)}]
    print_rows(_LINE, lines, format=shown, look=look)
    return code


def _trained(segment: Mapping[str, Any]) -> str:
    """One line on the training of a segment."""
    if not segment["ok"]:
        return f"not trained: {segment['reason']}"
    first, last = segment["loss_before"], segment["loss_after"]
    return (
        f"{segment['steps']} steps on {segment['data']['rows']} rows, loss of fixed rows {first:.3f} to "
        f"{last:.3f} nats"
    )


def _print_forecast(forecast: Mapping[str, Any], *, json: bool, look: Look) -> int:
    if json:
        print_json(dict(forecast))
        return 0
    rows: Sequence[Mapping[str, Any]] = forecast["targets"]
    print_rows(_FORECAST, rows, format=Format.TABLE, look=look)
    shown = ("segments", "optimiser_steps", "rows_trained_on", "smoke_answers", "training_answers")
    lines = [
        {"name": name.replace("_", " "), "value": "unknown" if forecast[name] is None else forecast[name]}
        for name in (*shown, "full_answers")
    ]
    print_rows(_LINE, lines, format=Format.TABLE, look=look)
    return 0
