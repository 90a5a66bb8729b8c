"""Every setting, where it may come from, and what it means.

A setting's key is section and field, `limits.max_connections`: the name in a config file. Its own variable is
`HONING_` and the field's name, unless stated; the variables that other programs use follow in `usual`.
"""

# ruff: noqa: RUF009 - `setting` makes a `dataclasses.field`, evaluated once on purpose.
from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from honing.settings.readers import (
    Reader,
    address,
    any_text,
    duration,
    folder,
    host,
    money,
    one_of,
    secret,
    switch,
    text,
    whole,
)
from honing.settings.secret import Secret

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Usual:
    """A variable that other programs use too."""

    name: str
    convert: Callable[[str], Any] | None = None
    """Gives the setting's value, or None where the variable says nothing about it; when absent, the setting's
    own reader does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One setting, as the loader sees it."""

    key: str
    flag: str
    """The option that commands give it."""
    variable: str
    usual: tuple[Usual, ...]
    reader: Reader
    default: Any
    empty_counts: bool
    """Whether an empty variable is a value; elsewhere it counts as not set."""


def setting(
    default: T,
    reader: Reader,
    usual: Sequence[str | Usual] = (),
    *,
    variable: str = "",
    flag: str = "",
    empty_counts: bool = False,
) -> T:
    """Declare one setting as a dataclass field."""
    declared = {
        "reader": reader,
        "usual": tuple(Usual(name) if isinstance(name, str) else name for name in usual),
        "variable": variable,
        "flag": flag,
        "empty_counts": empty_counts,
    }
    made: T = dataclasses.field(default=default, metadata=declared)
    return made


class Colour(StrEnum):
    """When output is coloured."""

    AUTO = "auto"
    """On a terminal."""
    ALWAYS = "always"
    NEVER = "never"


class SandboxKind(StrEnum):
    """Which sandbox contains what is foreign."""

    AUTO = "auto"
    """The strongest that passes its probe; never `unconfined`."""
    BUBBLEWRAP = "bubblewrap"
    LANDLOCK = "landlock"
    UNCONFINED = "unconfined"
    """None: a risk that must be asked for and is recorded beside every result."""


def _below(name: str) -> Callable[[str], Path]:
    return lambda raw: Path(raw) / name


def _forced(raw: str) -> Colour:
    return Colour.NEVER if raw.strip() == "0" else Colour.ALWAYS


def _dumb(raw: str) -> Colour | None:
    return Colour.NEVER if raw == "dumb" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Where things lie. A relative path of a file counts from that file's folder, any other from the working
    directory."""

    home: Path = setting(Path("runs"), folder)
    """The folder of runs."""
    cache: Path = setting(
        Path("~/.cache/honing"), folder, [Usual("XDG_CACHE_HOME", _below("honing"))], variable="HONING_CACHE"
    )
    """Downloads and mirrors, safe to delete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """Which model servers can be reached, and with which keys. A key comes from a variable or `.env` only."""

    default: str | None = setting(None, text, variable="HONING_MODEL", flag="--llm")
    """Model to use where a command names none."""
    openai_api_key: Secret | None = setting(None, secret, ["OPENAI_API_KEY"])
    openai_base_url: str | None = setting(None, address, ["OPENAI_BASE_URL", "OPENAI_API_BASE"])
    """Any server that speaks chat completions; the public one when not set."""
    anthropic_api_key: Secret | None = setting(None, secret, ["ANTHROPIC_API_KEY"])
    anthropic_base_url: str | None = setting(None, address, ["ANTHROPIC_BASE_URL"])
    gemini_api_key: Secret | None = setting(None, secret, ["GEMINI_API_KEY", "GOOGLE_API_KEY"])
    gemini_base_url: str | None = setting(None, address, ["GOOGLE_GEMINI_BASE_URL"])
    ollama_host: str | None = setting(None, host, ["OLLAMA_HOST"])
    """Address of an Ollama server."""

    def endpoints(self) -> dict[str, str]:
        """Keys and addresses that are set, by their usual names, for `honing.llm`. Reveals secrets."""
        values = {
            "OPENAI_API_KEY": self.openai_api_key,
            "OPENAI_BASE_URL": self.openai_base_url,
            "ANTHROPIC_API_KEY": self.anthropic_api_key,
            "ANTHROPIC_BASE_URL": self.anthropic_base_url,
            "GEMINI_API_KEY": self.gemini_api_key,
            "GOOGLE_GEMINI_BASE_URL": self.gemini_base_url,
            "OLLAMA_HOST": self.ollama_host,
        }
        return {
            name: value.reveal() if isinstance(value, Secret) else value
            for name, value in values.items()
            if value is not None
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a run may use. A budget that is not set is not limited."""

    max_connections: int = setting(8, whole(at_least=1))
    """Model calls under way at once."""
    requests_per_minute: int | None = setting(None, whole(at_least=1))
    tokens_per_minute: int | None = setting(None, whole(at_least=1))
    workers: int | None = setting(None, whole(at_least=1))
    """Worker processes for units that compute; as many as there are cores when not set."""
    budget_usd: float | None = setting(None, money, flag="--cost-limit")
    """Money for model calls, in US dollars."""
    budget_tokens: int | None = setting(None, whole(at_least=1), flag="--token-limit")
    budget_calls: int | None = setting(None, whole(at_least=1))
    budget_wall_s: float | None = setting(None, duration, flag="--time-limit")
    """Wall-clock time of one command, in seconds; `30m` and `2h` are understood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Containment:
    """How foreign commands are contained."""

    kind: SandboxKind = setting(
        SandboxKind.AUTO, one_of(SandboxKind), variable="HONING_SANDBOX", flag="--sandbox"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What is printed."""

    colour: Colour = setting(
        Colour.AUTO,
        one_of(Colour),
        [Usual("NO_COLOR", lambda _: Colour.NEVER), Usual("FORCE_COLOR", _forced), Usual("TERM", _dumb)],
        variable="HONING_COLOR",
        flag="--color",
    )
    quiet: bool = setting(default=False, reader=switch)
    """Whether only results and errors are printed."""
    progress: bool = setting(default=True, reader=switch, flag="--no-progress")
    """Whether progress is shown on stderr."""
    debug: bool = setting(default=False, reader=switch)
    """Whether an error shows its stack trace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """The Hugging Face hub."""

    token: Secret | None = setting(
        None, secret, ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"], variable="HONING_HF_TOKEN"
    )
    home: Path | None = setting(None, folder, ["HF_HOME"], variable="HONING_HF_HOME")
    endpoint: str | None = setting(None, address, ["HF_ENDPOINT"], variable="HONING_HF_ENDPOINT")
    offline: bool = setting(
        default=False, reader=switch, usual=["HF_HUB_OFFLINE"], variable="HONING_HF_OFFLINE"
    )
    """Whether the hub must not be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """Where training curves go, and runs when they have ended."""

    wandb_project: str | None = setting(None, text, ["WANDB_PROJECT"])
    track: str | None = setting(None, text)
    """Tracker that is told of every run when it has ended (`hone runs export --list` names them)."""
    track_folder: Path = setting(Path("tracked"), folder)
    """Where trackers write that have no server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """Which accelerators may be used."""

    cuda_visible: str | None = setting(None, any_text, ["CUDA_VISIBLE_DEVICES"], empty_counts=True)
    """Device numbers with commas; empty hides all; every device when not set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agents:
    """Coding agents that write and mend contracts."""

    default: str | None = setting(None, text, variable="HONING_AGENT", flag="--agent")
    """Agent to use where a command asks for one and names none."""
    model: str | None = setting(None, text, variable="HONING_AGENT_MODEL", flag="--agent-model")
    """Model that an agent uses; the measured one when not set."""
    folder: Path | None = setting(None, folder, variable="HONING_AGENTS")
    """Where `make agents` installed them; `agents` in the cache folder when not set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where targets that lie elsewhere are fetched from."""

    mirror: Path | None = setting(None, folder)
    """A folder that stands for the network: what is not in it does not exist."""
    github_token: Secret | None = setting(None, secret, ["GITHUB_TOKEN", "GH_TOKEN"])
    gitlab_token: Secret | None = setting(None, secret, ["GITLAB_TOKEN"])
    package_index: str | None = setting(None, text, ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"])
    """Address of a package index; the public one when not set."""
    max_target_mib: int = setting(2048, whole(at_least=1))
    """Size of a target altogether, and of a download, in MiB."""
    max_target_file_mib: int = setting(512, whole(at_least=1))
    """Size of one of its files, in MiB."""


SOURCE_VARIABLES = (
    "GH_HOST", "GITLAB_HOST", "PATH", "SSH_AUTH_SOCK", "GIT_SSH_COMMAND",
    "https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY",
    "no_proxy", "NO_PROXY",
    "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "GIT_SSL_NO_VERIFY",
    "PIP_CONFIG_FILE", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_TRUSTED_HOST",
    "PIP_CERT", "PIP_DEFAULT_TIMEOUT", "PIP_PROXY", "UV_EXTRA_INDEX_URL", "XDG_CONFIG_HOME", "HOME",
)  # fmt: skip
"""Variables of the process that are heeded as they are where targets are fetched and installed."""


SECTIONS: Mapping[str, type[Any]] = {
    "paths": Paths,
    "models": Models,
    "limits": Limits,
    "sandbox": Containment,
    "output": Output,
    "hub": Hub,
    "tracking": Tracking,
    "devices": Devices,
    "sources": Sources,
    "agents": Agents,
}


def _declared() -> Iterator[Field]:
    for section, kind in SECTIONS.items():
        for made in dataclasses.fields(kind):
            given = made.metadata
            yield Field(
                key=f"{section}.{made.name}",
                flag=given["flag"] or "--" + made.name.replace("_", "-"),
                variable=given["variable"] or f"HONING_{made.name.upper()}",
                usual=given["usual"],
                reader=given["reader"],
                default=made.default,
                empty_counts=given["empty_counts"],
            )


FIELDS: Mapping[str, Field] = {declared.key: declared for declared in _declared()}
"""Every setting by its key."""
