"""`hone measure`: a benchmark becomes a calibrated number with an interval."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from honing.cli.commands import command_app
from honing.cli.frame import Frame

if TYPE_CHECKING:
    from honing.contract import RolloutOptions, SetupOptions
    from honing.settings import Settings

app = command_app()

HIDDEN = "***"
"""Stands for the value of a variable in a run's command."""


@app.command()
def measure(
    ctx: typer.Context,
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="Folder of a benchmark or a downloaded data set.")
    ],
    llm: Annotated[
        str | None, typer.Option("--llm", metavar="MODEL", help="Model to measure; default HONING_MODEL.")
    ] = None,
    mode: Annotated[
        str, typer.Option("--mode", "--eval-mode", help="smoke: a few rows; full: all of them.")
    ] = "smoke",
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
        typer.Option("--samples", metavar="FILE", help="Judge these samples (JSONL); ask no model."),
    ] = None,
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
    env: Annotated[
        list[str] | None,
        typer.Option("--env", metavar="KEY=VALUE", help="Variable for every stage; repeatable."),
    ] = None,
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
    json: Annotated[bool, typer.Option("--json", help="Print metrics.json.")] = False,
) -> int:
    """Measure a model on a benchmark.

    \b
    Examples:
      hone measure ./my-benchmark --llm gpt-4o-mini
      hone measure ./gsm8k --llm gpt-4o-mini --mode full --max-connections 16
      hone measure ./qa --llm scripted/skilled-0.6 --limit 200     (no server, no key)
      hone measure ./qa --samples answers.jsonl

    A score is given only where the controls bracket it. Interrupted? The same command goes on where it
    stopped.
    """
    flags = {
        "models.default": llm,
        "limits.max_connections": max_connections,
        "limits.requests_per_minute": requests_per_minute,
        "limits.tokens_per_minute": tokens_per_minute,
        "limits.budget_tokens": token_limit,
        "limits.budget_usd": cost_limit,
        "limits.budget_wall_s": time_limit,
        "sandbox.kind": sandbox,
    }
    frame = Frame.of(ctx)
    settings = frame.settings({key: value for key, value in flags.items() if value is not None})
    from honing.contract import Mode, RolloutOptions, SetupOptions
    from honing.llm import Sampling

    asked = Asked(
        target=target,
        setup=SetupOptions(
            home=settings.paths.home,
            seed=seed,
            contract=contract,
            split=split,
            config=config,
            sandbox=settings.sandbox.kind.value,
            env=_pairs(env or []),
            max_command_s=max_cmd_seconds,
            max_connections=settings.limits.max_connections,
            requests_per_minute=settings.limits.requests_per_minute,
            tokens_per_minute=settings.limits.tokens_per_minute,
        ),
        rollout=RolloutOptions(
            mode=_mode(mode, Mode),
            limit=limit,
            epochs=epochs,
            sampling=Sampling(temperature=temperature, top_p=top_p, max_tokens=max_tokens),
            system=system,
            max_tokens_total=settings.limits.budget_tokens,
            max_cost_usd=_money(settings.limits.budget_usd),
            max_wall_s=settings.limits.budget_wall_s,
            allow_uncalibrated=allow_uncalibrated,
            min_coverage=min_coverage,
            require_samples=require_samples,
        ),
        samples=samples,
        record=record,
        replay=replay,
        fresh=fresh,
    )
    return run_measurement(frame, settings, asked, dry_run=dry_run, json=json)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One invocation of `hone measure`, read."""

    target: str
    setup: SetupOptions
    rollout: RolloutOptions
    samples: Path | None
    record: bool
    replay: Path | None
    fresh: bool


def run_measurement(frame: Frame, settings: Settings, asked: Asked, *, dry_run: bool, json: bool) -> int:
    """Set up, roll out, evaluate, tear down; print the result. Returns the exit code."""
    from honing.cli.measured import print_forecast, print_result
    from honing.contract import Tape, forecast, intent_of, setup
    from honing.executors import choose_progress

    answers, name = _who_answers(settings, asked)
    models = settings.models.endpoints()
    look = frame.look(settings)
    if dry_run:
        print_forecast(forecast(asked.target, asked.setup, name, asked.rollout), json=json, look=look)
        return 0
    intent = intent_of(name, asked.rollout, samples=asked.samples, replay=asked.replay, models=models)
    command = _repeatable(frame, asked)
    with setup(asked.target, asked.setup, intent=intent, fresh=asked.fresh, command=command) as session:
        session.models = models
        quiet = settings.output.quiet or not settings.output.progress
        session.progress = choose_progress(sys.stderr, frame.environ, quiet=quiet)
        session.rollout(answers, asked.rollout, tape=Tape(record=asked.record, replay=asked.replay))
        result = session.evaluate()
        print_result(session.run, result.metrics, json=json, look=look)
    return 0 if result.ok else 1


def _repeatable(frame: Frame, asked: Asked) -> list[str]:
    """The command line that goes on with this work from any folder; values of --env may be secret and are not
    in it."""
    places = {asked.target: str((frame.cwd / asked.target).resolve())}
    secret = {f"{name}={value}": f"{name}={HIDDEN}" for name, value in asked.setup.env.items()}
    words = [word for word in frame.arguments if word != "--fresh"]
    arguments = [places.get(word, secret.get(word.removeprefix("--env="), word)) for word in words]
    return ["hone", "--home", str(asked.setup.home.resolve()), *arguments]


def _who_answers(settings: Settings, asked: Asked) -> tuple[Any, str]:
    from honing.errors import UsageError

    if asked.samples is not None:
        return asked.samples, f"samples:{asked.samples.name}"
    if settings.models.default is None:
        raise UsageError(
            "no model is named. Give --llm MODEL (or set HONING_MODEL), --samples FILE to judge answers you "
            "have, "
            "or --llm scripted/perfect to try without a server."
        )
    return settings.models.default, settings.models.default


def _mode(text: str, modes: Any) -> Any:
    from honing.errors import UsageError

    try:
        return modes(text)
    except ValueError:
        raise UsageError(
            f"--mode is smoke or full, got {text!r}. For another number of rows give --limit N."
        ) from None


def _money(amount: float | None) -> Decimal | None:
    return None if amount is None else Decimal(str(amount))


def _pairs(texts: list[str]) -> dict[str, str]:
    from honing.errors import UsageError

    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"--env takes KEY=VALUE, got {text!r}.")
        pairs[name] = value
    return pairs
