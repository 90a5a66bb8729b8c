"""`hone harness probe`: does a coding agent work here, and if not, what is in its way?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from honing.cli.frame import Frame
from honing.cli.measure_words import pairs
from honing.cli.printing import Column, Format, print_json, print_rows

if TYPE_CHECKING:
    from honing.harness import SupportReport

_COLUMNS = (Column(key="name", heading=""), Column(key="value", heading="", lines=True))


def probe(
    ctx: typer.Context,
    agent: Annotated[
        str, typer.Argument(metavar="AGENT", help="Its name, command:PROGRAM, or module:callable.")
    ],
    agent_model: Annotated[
        str | None, typer.Option("--agent-model", metavar="MODEL", help="The agent's model.")
    ] = None,
    agent_option: Annotated[
        list[str] | None,
        typer.Option("--agent-option", metavar="NAME=VALUE", help="Of the agent itself; repeatable."),
    ] = None,
    level: Annotated[
        str, typer.Option("--level", help="How far to try: launches, writes or validated.")
    ] = "validated",
    agent_timeout: Annotated[
        float, typer.Option("--agent-timeout", min=0.1, help="Limit of each session, in seconds.")
    ] = 240.0,
    sandbox: Annotated[
        str | None, typer.Option("--sandbox", help="auto, bubblewrap, landlock or unconfined.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be asked of the agent; start nothing.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Try a coding agent: does it launch, does it write, does it make a harness better?

    \b
    Examples:
      hone harness probe codex --agent-model gpt-5-codex
      hone harness probe codex --agent-option oss=ollama --agent-model gpt-oss:20b
      hone harness probe claude_code --level launches        (starts its program, asks no model)

    What is in its way is told apart (program, version, key, model, permission, server), with the next step.
    Exit code 0: it works as far as it was tried; 1: it does not.
    """
    import yaml

    from honing.agents import AgentSettings, Support
    from honing.errors import UsageError
    from honing.harness import SupportRequest, support_of

    frame = Frame.of(ctx)
    flags = {"agents.model": agent_model, "sandbox.kind": sandbox}
    settings = frame.settings({key: value for key, value in flags.items() if value is not None})
    if level not in {each.value for each in Support}:
        raise UsageError(f"--level {level!r}: expected launches, writes or validated.")
    told = pairs(agent_option or [], "--agent-option", "NAME=VALUE")
    request = SupportRequest(
        agent=agent,
        model=settings.agents.model or "",
        options={name: yaml.safe_load(value) for name, value in told.items()},
        level=Support(level),
        timeout_s=agent_timeout,
        sandbox=settings.sandbox.kind.value,
        installed=AgentSettings(**settings.installed_agents(frame.environ), here=frame.cwd),
        endpoints=settings.models.endpoints(),
    )
    if dry_run:
        return _forecast(request.level, agent_timeout, json=json)
    report = support_of(request)
    if json:
        print_json(report.as_document())
    else:
        rows = [{"name": name, "value": value} for name, value in _lines(report)]
        print_rows(_COLUMNS, rows, format=Format.TABLE, look=frame.look(settings))
    return 0 if report.ok else 1


def _forecast(level: str, limit_s: float, *, json: bool) -> int:
    """What a probe may spend: sessions of the agent, and their time."""
    sessions = {"launches": 0, "none": 0, "writes": 1}.get(level, 2)
    document: dict[str, Any] = {
        "sessions": sessions,
        "longest_s": sessions * limit_s,
        "tokens": None,
        "cost_usd": None,
    }
    if json:
        print_json(document)
    else:
        typer.echo(f"{sessions} sessions of the agent, {sessions * limit_s:.0f} s at most")
    return 0


def _lines(report: SupportReport) -> Iterator[tuple[str, str]]:
    """The report for people, one line a level."""
    found = report.as_document()
    tested = found["tested_version"]
    version = found["version"] or "no version of its own"
    if tested and found["version"] and found["version"] != tested:
        version += f" (tested with {tested})"
    yield "agent", f"{found['agent']}, {version}"
    yield "model", found["model"] or "-"
    yield "launches", _word(found["launches"])
    if report.writes_nothing:
        yield "writes", "not asked: it does not read its brief"
    else:
        yield "answers", _word(found["answers"])
        yield "writes", _word(found["writes"])
    validated = _word(found["validated"])
    if found["validated"] is not None and found["score_after"] is not None:
        validated += f" (score {found['score_before']:.3f} -> {found['score_after']:.3f})"
    yield "benchmark-validated", validated
    yield "support", found["support"]
    if found["trouble"]:
        yield "trouble", f"{found['trouble']}: {found['reason']}"
    if found["next_step"]:
        yield "next step", found["next_step"]
    yield "sandbox", found["sandbox"]


def _word(held: bool | None) -> str:
    return "not tried" if held is None else "yes" if held else "no"
