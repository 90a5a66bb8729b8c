"""Laying the places a setting may come from over one another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from honing.errors import SettingsError
from honing.settings.documents import Document, read_entries
from honing.settings.dotenv import parse_dotenv
from honing.settings.fields import (
    FIELDS,
    SECTIONS,
    SOURCE_VARIABLES,
    Agents,
    Containment,
    Devices,
    Field,
    Hub,
    Limits,
    Models,
    Output,
    Paths,
    Sources,
    Tracking,
)
from honing.settings.readers import Unfit, secret
from honing.settings.secret import Secret

_NEXT = "`hone config show --origin` says where every setting comes from."


class Place(StrEnum):
    """Where a value came from, strongest first."""

    FLAG = "flag"
    VARIABLE = "variable"
    DOTENV = "dotenv"
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one setting's value came from."""

    place: Place
    where: str
    """For people: the flag, the variable, or file and line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, and where each came from."""

    paths: Paths = field(default_factory=Paths)
    models: Models = field(default_factory=Models)
    limits: Limits = field(default_factory=Limits)
    sandbox: Containment = field(default_factory=Containment)
    output: Output = field(default_factory=Output)
    hub: Hub = field(default_factory=Hub)
    tracking: Tracking = field(default_factory=Tracking)
    devices: Devices = field(default_factory=Devices)
    sources: Sources = field(default_factory=Sources)
    agents: Agents = field(default_factory=Agents)
    origins: Mapping[str, Origin] = field(default_factory=dict)
    """By key (`limits.max_connections`)."""

    def value(self, key: str) -> Any:
        """One setting by its key."""
        section, _, name = key.partition(".")
        return getattr(getattr(self, section), name)

    def installed_agents(self, environ: Mapping[str, str]) -> dict[str, Any]:
        """Where coding agents are looked for, as the arguments of `honing.agents.AgentSettings`.

        Args:
            environ: Variables of the process; its PATH is taken.
        """
        folder = self.agents.folder or self.paths.cache / "agents"
        return {"folder": folder, "path": environ.get("PATH", "")}

    def fetching(self, environ: Mapping[str, str]) -> dict[str, Any]:
        """How targets that lie elsewhere are reached, as the arguments of `honing.contract.SourceOptions`.

        Args:
            environ: Variables of the process; those of `SOURCE_VARIABLES` are taken. Reveals secrets.
        """
        return {
            "cache": self.paths.cache / "targets",
            "mirror": self.sources.mirror,
            "variables": {name: environ[name] for name in SOURCE_VARIABLES if environ.get(name)}
            | self._source_variables(),
            "max_total_bytes": self.sources.max_target_mib * 1024**2,
            "max_file_bytes": self.sources.max_target_file_mib * 1024**2,
        }

    def _source_variables(self) -> dict[str, str]:
        values = {
            "HF_TOKEN": self.hub.token,
            "HF_ENDPOINT": self.hub.endpoint,
            "HF_HUB_OFFLINE": "1" if self.hub.offline else "0",
            "GITHUB_TOKEN": self.sources.github_token,
            "GITLAB_TOKEN": self.sources.gitlab_token,
            "UV_DEFAULT_INDEX": self.sources.package_index,
        }
        return {
            name: value.reveal() if isinstance(value, Secret) else value
            for name, value in values.items()
            if value is not None
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """One raw value, before it is read."""

    raw: Any
    origin: Origin
    base: Path
    """What a relative path counts from."""
    ready: bool = False
    """Whether `raw` is the setting's value already."""


_Layer = Mapping[str, _Given]


def load_settings(
    *,
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    dotenv: Document | None = None,
    configs: Sequence[Document] = (),
    cwd: Path = Path(),
) -> Settings:
    """Read every setting from the strongest place that gives it.

    Flag, then `HONING_*` variable, then the variables that other programs use, then `.env` (in the same
    order), then the config files as given, then the default. An empty variable counts as not set, but for
    `CUDA_VISIBLE_DEVICES`. Pure: nothing is read but the arguments.

    Args:
        flags: Values by key; None counts as not given.
        environ: Variables of the process.
        dotenv: The `.env` file, if there is one.
        configs: Config files, strongest first.
        cwd: What a relative path in a flag or a variable counts from.

    Raises:
        SettingsError: A key is unknown or a value cannot be used; the text names its origin.
    """
    environ = environ or {}
    layers = [
        _flag_layer(flags or {}, cwd),
        _variable_layer(environ, cwd),
        *([] if dotenv is None else [_dotenv_layer(dotenv)]),
        *(_file_layer(document) for document in configs),
    ]
    values: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    origins: dict[str, Origin] = {}
    for key, declared in FIELDS.items():
        given = next((layer[key] for layer in layers if key in layer), None) or _default(declared, cwd)
        section, _, name = key.partition(".")
        values[section][name] = _read(declared, given, environ.get("HOME", ""))
        origins[key] = given.origin
    sections = {section: kind(**values[section]) for section, kind in SECTIONS.items()}
    return Settings(**sections, origins=MappingProxyType(origins))


def _flag_layer(flags: Mapping[str, Any], cwd: Path) -> _Layer:
    layer: dict[str, _Given] = {}
    for key, raw in flags.items():
        if raw is None:
            continue
        _check_known(key, "--" + key.rpartition(".")[2].replace("_", "-"))
        layer[key] = _Given(raw=raw, origin=Origin(Place.FLAG, FIELDS[key].flag), base=cwd)
    return layer


def _variable_layer(environ: Mapping[str, str], cwd: Path) -> _Layer:
    _check_variables(environ, lambda name: name)
    return dict(_from_variables(environ, lambda name: Origin(Place.VARIABLE, name), cwd))


def _dotenv_layer(document: Document) -> _Layer:
    found = parse_dotenv(document.text, where=str(document.path))

    def where(name: str) -> str:
        return f"{document.path}:{found[name].line} {name}"

    _check_variables(found, where)
    values = {name: assignment.value for name, assignment in found.items()}
    return dict(_from_variables(values, lambda name: Origin(Place.DOTENV, where(name)), document.path.parent))


def _file_layer(document: Document) -> _Layer:
    layer: dict[str, _Given] = {}
    for entry in read_entries(document):
        line = "" if entry.line is None else f":{entry.line}"
        where = f"{document.path}{line}"
        _check_known(entry.key, where)
        layer[entry.key] = _Given(
            raw=entry.value, origin=Origin(Place.FILE, where), base=document.path.parent
        )
    return layer


def _from_variables(values: Mapping[str, str], origin: Any, base: Path) -> Iterator[tuple[str, _Given]]:
    for key, declared in FIELDS.items():
        raw = values.get(declared.variable, "")
        if raw != "":
            yield key, _Given(raw=raw, origin=origin(declared.variable), base=base)
            continue
        for usual in declared.usual:
            if usual.name not in values or (values[usual.name] == "" and not declared.empty_counts):
                continue
            raw = values[usual.name]
            value = raw if usual.convert is None else usual.convert(raw)
            if value is not None:
                ready = usual.convert is not None
                yield key, _Given(raw=value, origin=origin(usual.name), base=base, ready=ready)
                break


def _default(declared: Field, cwd: Path) -> _Given:
    return _Given(raw=declared.default, origin=Origin(Place.DEFAULT, "default"), base=cwd, ready=True)


def _read(declared: Field, given: _Given, user_home: str) -> Any:
    place = given.origin.place
    if declared.reader is secret and place in {Place.FLAG, Place.FILE}:
        usual = declared.usual[0].name
        raise SettingsError(
            f"{given.origin.where}: {declared.key} is a key, and keys are not taken from flags or config "
            f"files, where others can read them. Set {usual}, or write it in .env."
        )
    try:
        value = given.raw if given.ready else declared.reader(given.raw)
    except Unfit as unfit:
        found = "something else (not shown)" if declared.reader is secret else _shown(given.raw)
        raise SettingsError(
            f"{given.origin.where}: {declared.key} must be {unfit}; found {found}. {_NEXT}"
        ) from None
    return _resolved(value, given.base, user_home) if isinstance(value, Path) else value


def _shown(raw: Any) -> str:
    words = repr(raw)
    return words if len(words) <= 80 else words[:77] + "..."


def _resolved(path: Path, base: Path, user_home: str) -> Path:
    if path.parts[:1] == ("~",):
        return Path(user_home or ".").joinpath(*path.parts[1:])
    return base / path


def _check_known(key: str, where: str) -> None:
    if key in FIELDS:
        return
    leaf = key.rpartition(".")[2]
    near = [known for known in FIELDS if known.endswith("." + leaf)] or get_close_matches(key, FIELDS, n=1)
    meant = f"Did you mean '{near[0]}'?" if near else f"The sections are {', '.join(SECTIONS)}."
    raise SettingsError(f"{where}: there is no setting '{key}'. {meant} docs/settings.md lists them all.")


def _check_variables(names: Iterable[str], where: Any) -> None:
    """Refuse what looks like a misspelt variable of ours.

    Other `HONING_*` variables are left alone: Honing itself gives some to the commands it runs, and one of
    those may be `hone`.
    """
    ours = {declared.variable for declared in FIELDS.values()}
    for name in names:
        if name.startswith("HONING_") and name not in ours:
            near = get_close_matches(name, ours, n=1, cutoff=0.85)
            if near:
                raise SettingsError(
                    f"{where(name)}: there is no setting {name}. Did you mean {near[0]}? "
                    "Unset it otherwise; docs/settings.md lists them all."
                )


def shown(value: Any) -> str | int | float | bool | None:
    """A setting's value as it may be printed: secrets hidden, a password in an address removed."""
    if isinstance(value, Secret | Path):
        return str(value)
    if isinstance(value, str) and "@" in value and "://" in value:
        scheme, _, rest = value.partition("://")
        return f"{scheme}://...@{rest.rpartition('@')[2]}"
    return value  # type: ignore[no-any-return]
