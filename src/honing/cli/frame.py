"""What every command is given: the settings, read once they are asked for, and a printer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer

from honing.cli.printing import Look
from honing.cli.surroundings import find_configs, find_dotenv, read_document
from honing.settings import Settings, load_settings


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One invocation of `hone`."""

    environ: Mapping[str, str]
    cwd: Path
    flags: Mapping[str, Any] = field(default_factory=dict)
    """Settings given before the command, by key; None counts as not given."""
    arguments: Sequence[str] = ()
    """The command and what follows it, as the user gave them; own options of `hone` left out."""
    settings_file: Path | None = None
    """The config file to use instead of those found."""

    @classmethod
    def of(cls, ctx: typer.Context) -> Frame:
        """The frame of the command that is running."""
        frame = ctx.find_object(cls)
        if frame is None:
            raise RuntimeError("no Frame: a command runs below `hone` only")
        return frame

    def settings(self, flags: Mapping[str, Any] | None = None) -> Settings:
        """Every setting; reads `.env` and the config files.

        Args:
            flags: The command's own options that are settings, by key (`limits.max_connections`).

        Raises:
            SettingsError: A key is unknown or a value cannot be used.
        """
        dotenv = find_dotenv(self.cwd)
        configs = find_configs(self.cwd, self.environ) if self.settings_file is None else [self.settings_file]
        return load_settings(
            flags={**self.flags, **(flags or {})},
            environ=self.environ,
            dotenv=None if dotenv is None else read_document(dotenv),
            configs=[read_document(path) for path in configs],
            cwd=self.cwd,
        )

    def look(self, settings: Settings) -> Look:
        """How output looks under these settings."""
        return Look(colour=settings.output.colour, columns=self.environ.get("COLUMNS", ""))
