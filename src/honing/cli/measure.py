"""`hone measure`: a benchmark becomes a calibrated number with an interval."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from honing.cli.commands import command_app
from honing.cli.frame import Frame
from honing.cli.measure_options import repair_options, rollout_options, settings_of, setup_options
from honing.cli.measure_run import Shown, repeatable, run_measurement, telling_the_end
from honing.cli.measure_words import answering, listed, pairs, targets_of, warn_of_unknown

app = command_app()


@app.command()
def measure(
    ctx: typer.Context,
    target: Annotated[
        list[str] | None,
        typer.Argument(metavar="TARGET...", help="Benchmark: a folder or an address; several may be named."),
    ] = None,
    targets: Annotated[
        list[str] | None, typer.Option("--targets", metavar="A,B", help="Further targets; repeatable.")
    ] = None,
    targets_file: Annotated[
        Path | None, typer.Option("--targets-file", metavar="FILE", help="Further targets, one a line.")
    ] = None,
    llm: Annotated[
        list[str] | None,
        typer.Option("--llm", metavar="MODEL", help="Model to measure, or several (A,B)."),
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option("--mode", "--eval-mode", help="smoke (default): a few rows; full: all of them."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="A seeded sample of this many rows.")
    ] = None,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Ask every row this often (pass@k).")] = 1,
    seed: Annotated[int, typer.Option("--seed", help="Of every random choice.")] = 0,
    split: Annotated[str | None, typer.Option("--split", help="Split of a data set.")] = None,
    config: Annotated[str | None, typer.Option("--config", help="Configuration of a data set.")] = None,
    contract: Annotated[
        Path | None,
        typer.Option("--contract", metavar="FILE", help="Contract to use instead of the target's."),
    ] = None,
    samples: Annotated[
        Path | None,
        typer.Option("--samples", metavar="FILE", help="Judge these samples; ask no model."),
    ] = None,
    samples_column: Annotated[
        list[str] | None,
        typer.Option(
            "--samples-column",
            metavar="ROLE=NAME",
            help="Column of --samples, by its role.",
        ),
    ] = None,
    oracle: Annotated[
        str | None,
        typer.Option("--oracle", metavar="FILE", help="Right answers: a JSONL file or module:callable."),
    ] = None,
    choose: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Fill a hole of the contract; repeatable."),
    ] = None,
    as_of: Annotated[
        str, typer.Option("--as-of", metavar="DATE", help="Install nothing published after YYYY-MM-DD.")
    ] = "",
    judge_model: Annotated[
        str, typer.Option("--judge-model", metavar="MODEL", help="Model that judges, where a model judges.")
    ] = "",
    require_samples: Annotated[
        bool, typer.Option("--require-samples", help="Fail unless every sample is complete and they differ.")
    ] = False,
    allow_uncalibrated: Annotated[
        bool, typer.Option("--allow-uncalibrated", help="Report a score although controls failed; recorded.")
    ] = False,
    min_coverage: Annotated[
        float, typer.Option("--min-coverage", min=0.0, max=1.0, help="Withhold the score below this share.")
    ] = 1.0,
    system: Annotated[str, typer.Option("--system", help="System prompt.")] = "",
    temperature: Annotated[float | None, typer.Option("--temperature", help="Sent only when given.")] = None,
    top_p: Annotated[float | None, typer.Option("--top-p", help="Sent only when given.")] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", min=1, help="Of one answer; sent only when given.")
    ] = None,
    max_connections: Annotated[
        int | None, typer.Option("--max-connections", min=1, help="Calls under way at once.")
    ] = None,
    requests_per_minute: Annotated[
        int | None, typer.Option("--requests-per-minute", min=1, help="Calls that may begin in a minute.")
    ] = None,
    tokens_per_minute: Annotated[
        int | None, typer.Option("--tokens-per-minute", min=1, help="Tokens to and from servers.")
    ] = None,
    token_limit: Annotated[
        int | None, typer.Option("--token-limit", min=1, help="Budget of all calls, in tokens.")
    ] = None,
    cost_limit: Annotated[
        float | None, typer.Option("--cost-limit", min=0.0, help="Budget of all calls, in US dollars.")
    ] = None,
    time_limit: Annotated[
        float | None, typer.Option("--time-limit", min=0.0, help="Budget, in seconds.")
    ] = None,
    max_cmd_seconds: Annotated[
        float | None, typer.Option("--max-cmd-seconds", min=0.1, help="Limit of every stage command.")
    ] = None,
    max_total_seconds: Annotated[
        float | None, typer.Option("--max-total-seconds", min=0.1, help="Limit of a whole target.")
    ] = None,
    env: Annotated[
        list[str] | None,
        typer.Option("--env", metavar="KEY=VALUE", help="Variable for every stage; repeatable."),
    ] = None,
    agent: Annotated[
        str | None,
        typer.Option("--agent", metavar="NAME", help="Coding agent that may write or mend the contract."),
    ] = None,
    agent_model: Annotated[
        str | None,
        typer.Option(
            "--agent-model", metavar="MODEL", help="The agent's model; the measured one if not given."
        ),
    ] = None,
    opencode_model: Annotated[
        str | None,
        typer.Option("--opencode-model", metavar="MODEL", help="As --agent opencode --agent-model."),
    ] = None,
    repair_iters: Annotated[
        int | None,
        typer.Option("--repair-iters", min=0, help="Patches to ask the agent for; 3 with --agent."),
    ] = None,
    serve_with: Annotated[
        str, typer.Option("--serve-with", help="Of a model that is a folder: honing or transformers.")
    ] = "honing",
    sandbox: Annotated[
        str | None, typer.Option("--sandbox", help="auto, bubblewrap, landlock or unconfined.")
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Keep every reply, to be replayed without key or network.")
    ] = False,
    replay: Annotated[
        Path | None,
        typer.Option("--replay", metavar="FILE", help="Answer from a recording; no call is made."),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew even if the same work is unfinished.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be asked and what it may cost; ask nothing.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Measure one or more models on one or more benchmarks.

    \b
    Examples:
      hone measure ./my-benchmark --llm gpt-4o-mini
      hone measure ./my-data --llm gpt-4o-mini,gpt-4.1 --mode full    (one table, differences)
      hone measure --targets ./a,./b --llm M --require-samples        (one run each, one summary)
      hone measure ./qa --llm scripted/skilled-0.6 --limit 200        (no server, no key)
      hone measure ./qa --samples answers.jsonl

    A score is given only where the controls bracket it. Interrupted? The same command goes on where it
    stopped.
    """
    given = locals()
    every: list[str] = []
    with telling_the_end(every, json=json):
        every += targets_of(target or [], targets or [], targets_file)
        return _measured(Frame.of(ctx), every, given)


def _measured(frame: Frame, every: list[str], given: dict[str, Any]) -> int:
    """The options as they were given, read and acted upon; the exit code."""
    from honing.contract import SuiteRequest, Tape, translated

    samples, env = given["samples"], given["env"] or []
    said = translated(pairs(env))
    warn_of_unknown(said)
    models = listed(given["llm"] or []) or listed([said.options.get("llm", "")])
    settings = settings_of(frame, models, given)
    names = answering(models, settings.models.default, samples)
    first = names[0] if samples is None else f"samples:{samples.name}"
    rollout = rollout_options(settings, said, given)
    asked = SuiteRequest(
        models=names,
        samples=samples,
        endpoints=settings.models.endpoints(),
        tape=Tape(record=given["record"], replay=given["replay"]),
        fresh=given["fresh"],
        command=repeatable(frame, every, settings.paths.home, env),
        setup=setup_options(frame, settings, said, given),
        rollout=rollout,
        repair=repair_options(frame, settings, first, rollout, given),
    )
    return run_measurement(frame, settings, every, asked, Shown(json=given["json"], dry_run=given["dry_run"]))
