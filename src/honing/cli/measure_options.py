"""From the options of `hone measure` to the records that the contract system takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import typer

from honing.cli.frame import Frame
from honing.cli.measure_words import mode_of, number, oracle_of, pairs, whole

if TYPE_CHECKING:
    from honing.contract import RepairIteration as Iteration
    from honing.contract import RepairOptions, RolloutOptions, SetupOptions, Translated
    from honing.settings import Settings

_SETTINGS = {
    "max_connections": "limits.max_connections",
    "requests_per_minute": "limits.requests_per_minute",
    "tokens_per_minute": "limits.tokens_per_minute",
    "token_limit": "limits.budget_tokens",
    "cost_limit": "limits.budget_usd",
    "time_limit": "limits.budget_wall_s",
    "sandbox": "sandbox.kind",
    "agent": "agents.default",
    "agent_model": "agents.model",
}
"""Options that are settings as well, by name."""


def settings_of(frame: Frame, models: Sequence[str], given: Mapping[str, Any]) -> Settings:
    """Every setting, the command's own options on top.

    Args:
        frame: The invocation.
        models: The first is the setting `models.default`.
        given: Every option of the command by its name; None where it is not given.
    """
    flags = {key: given[name] for name, key in _SETTINGS.items()}
    flags["models.default"] = models[0] if models else None
    return frame.settings({key: value for key, value in flags.items() if value is not None})


def setup_options(
    frame: Frame, settings: Settings, said: Translated, given: Mapping[str, Any]
) -> SetupOptions:
    """How every target is set up."""
    from honing.contract import SetupOptions, SourceOptions

    as_given = ("seed", "contract", "split", "config", "as_of", "judge_model")
    return SetupOptions(
        **{name: given[name] for name in as_given},
        home=settings.paths.home,
        source=SourceOptions(**settings.fetching(frame.environ)),
        sandbox=settings.sandbox.kind.value,
        serve_with=given["serve_with"],
        env=said.env,
        max_command_s=number(said, "max_cmd_seconds", given["max_cmd_seconds"]),
        max_total_s=number(said, "max_total_seconds", given["max_total_seconds"]),
        max_connections=settings.limits.max_connections,
        requests_per_minute=settings.limits.requests_per_minute,
        tokens_per_minute=settings.limits.tokens_per_minute,
        choices=pairs(given["choose"] or [], "--set", "NAME=VALUE"),
        oracle=oracle_of(given["oracle"], frame.cwd),
    )


def rollout_options(settings: Settings, said: Translated, given: Mapping[str, Any]) -> RolloutOptions:
    """How every model is asked."""
    from honing.contract import Mode, RolloutOptions, columns_asked
    from honing.llm import Sampling

    as_given = ("epochs", "system", "allow_uncalibrated", "min_coverage", "require_samples")
    limits = settings.limits
    return RolloutOptions(
        **{name: given[name] for name in as_given},
        mode=mode_of(given["mode"] or said.options.get("mode", "smoke"), Mode),
        limit=whole(said, "limit", given["limit"]),
        sampling=Sampling(
            temperature=given["temperature"],
            top_p=given["top_p"],
            max_tokens=whole(said, "max_tokens", given["max_tokens"]),
        ),
        samples_columns=columns_asked(given["samples_column"] or []),
        max_tokens_total=limits.budget_tokens,
        max_cost_usd=None if limits.budget_usd is None else Decimal(str(limits.budget_usd)),
        max_wall_s=limits.budget_wall_s,
    )


def repair_options(
    frame: Frame, settings: Settings, answerer: str, asked: RolloutOptions, given: Mapping[str, Any]
) -> RepairOptions | None:
    """Who may write or mend contracts; None where nobody is asked to.

    Args:
        frame: The invocation.
        settings: Name the agent, its model and where its program lies.
        answerer: The first model that is measured.
        asked: How it is asked.
        given: Every option of the command by its name.
    """
    from honing.agents import AgentSettings
    from honing.contract import RepairRequest

    asks = given["agent"] is not None or given["opencode_model"] is not None or given["repair_iters"]
    if not asks:
        return None
    agent = given["agent"] or ("opencode" if given["opencode_model"] else settings.agents.default)
    request = RepairRequest(
        agent=agent or "",
        model=given["opencode_model"] or settings.agents.model or "",
        iterations=given["repair_iters"],
        installed=AgentSettings(**settings.installed_agents(frame.environ)),
        told=_silent if settings.output.quiet else _tell,
    )
    return request.options(answerer, asked, settings.models.endpoints())


def _tell(iteration: Iteration) -> None:
    said = iteration.reason.splitlines()[0] if iteration.reason else ""
    typer.echo(f"repair {iteration.number}: {iteration.verdict.value}{f': {said}' if said else ''}", err=True)


def _silent(_: Iteration) -> None:
    pass
