"""The table of commands. A command's module is imported when the command is invoked, and not before."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from honing.cli.own_options import OWN_OPTIONS


@dataclass(frozen=True, slots=True)
class Listed:
    """One command of `hone`."""

    name: str
    module: str
    """Has `app`, a `typer.Typer` made by `command_app`."""
    sentence: str
    """What `hone --help` says about it."""


COMMANDS = (
    Listed(
        "demo", "honing.cli.demo", "Improve a tiny student in a text shop, and prove it; no key, no network."
    ),
    Listed(
        "measure",
        "honing.cli.measure",
        "Measure a model on a benchmark: a calibrated score with an interval.",
    ),
    Listed("contract", "honing.cli.contract", "Check, show, write and edit the contract of a target."),
    Listed("harness", "honing.cli.harness", "Improve the files around an agent, and prove it."),
    Listed("teach", "honing.cli.teach", "Improve a model's weights from its own failures, and prove it."),
    Listed(
        "improve",
        "honing.cli.improve",
        "Improve harness and weights of an agent on a target, and prove it on sealed tasks.",
    ),
    Listed(
        "experiment",
        "honing.cli.experiment",
        "Run registered experiments; show what they have come to on this disk.",
    ),
    Listed("sweep", "honing.cli.sweep", "Train a model in segments; measure the same targets after each."),
    Listed("reverify", "honing.cli.reverify", "Judge a run's stored samples again, without any model."),
    Listed("doctor", "honing.cli.doctor", "Say what is ready on this machine, and how to fix what is not."),
    Listed("runs", "honing.cli.runs", "List, show, compare, export and remove runs."),
    Listed("report", "honing.cli.report", "Write a run's page as one HTML file."),
    Listed("view", "honing.cli.view", "Serve a live page over all runs: watch, compare, stop, resume."),
    Listed("config", "honing.cli.config", "Show every setting and where it comes from."),
)
"""In the order of `hone --help`. To add a command, write its module and add its line here."""

_COMMON: dict[str, Any] = {
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}


def command_app(help_text: str | None = None, *, group: bool = False, **options: Any) -> typer.Typer:
    """The `app` of a command's module.

    Args:
        help_text: For a group: examples first. A single command is described by its function's docstring.
        group: Whether the command has commands of its own.
        **options: Passed on to `typer.Typer`.
    """
    options = {"add_completion": False, "no_args_is_help": group, **_COMMON, **options}
    app = typer.Typer(help=help_text, **options)
    if group:
        app.callback()(lambda: None)
    return app


class CommandTable(TyperGroup):
    """The group `hone`: knows its commands by name and sentence, and loads the one that is asked for."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """The names, in the table's order."""
        return [listed.name for listed in COMMANDS]

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        """Load one command; None where there is none of that name."""
        for listed in COMMANDS:
            if listed.name == cmd_name:
                command = typer.main.get_command(import_module(listed.module).app)
                command.name = cmd_name
                for one in (command, *getattr(command, "commands", {}).values()):
                    _keep_light(one.get_help_option(ctx))
                return command
        return None

    def get_help_option(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """The option `--help` of `hone` itself."""
        return _keep_light(super().get_help_option(ctx))

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        """Find the command, or say which one may be meant."""
        names = self.list_commands(ctx)
        if not args[0].startswith("-") and args[0] not in names:
            near = get_close_matches(args[0], names, n=1)
            meant = f" Did you mean '{near[0]}'?" if near else f" There are {', '.join(names)}."
            ctx.fail(f"there is no command {args[0]!r}.{meant}")
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Write the options, those read by `take_own_options` first."""
        with formatter.section("Options, anywhere on the line"):
            formatter.write_dl([option.help_row for option in OWN_OPTIONS])
        super().format_options(ctx, formatter)

    def format_commands(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        """Write the table without loading anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(listed.name, listed.sentence) for listed in COMMANDS])


def _keep_light(help_option: Any) -> Any:
    """Make `--help` false where it is not given.

    typer leaves it None, and then loads pydantic to find out that None is no bool.
    """
    if help_option is not None:
        help_option.default = False
    return help_option
