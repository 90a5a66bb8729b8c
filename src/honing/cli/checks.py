"""What `hone doctor` looks at. Every check answers with data; nothing is printed and nothing is installed."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path

from honing.errors import HoningError
from honing.settings import Place, SandboxKind, Settings, shown

LEAST_FREE_BYTES = 1_000_000_000
"""Less than this is too little for even a small run."""

_PROBE_LIMIT_S = 10.0
_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)[^;]*(?:;(.*))?")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")
_INTERNAL_EXTRAS = frozenset({"dev", "docs"})

_TOOLS = {
    "git": ("git", "targets given by a git address", "Debian: apt-get install git"),
    "chromium": ("chromium", "the browser tests", "Debian: apt-get install chromium"),
    "uv": ("uv", "faster installs of targets", "https://docs.astral.sh/uv/"),
    "node": ("node", "coding agents that are npm packages", "https://nodejs.org/, version 20 or newer"),
}
_KEYS = {
    "OpenAI": ("models.openai_api_key", "OPENAI_API_KEY"),
    "Anthropic": ("models.anthropic_api_key", "ANTHROPIC_API_KEY"),
    "Gemini": ("models.gemini_api_key", "GEMINI_API_KEY"),
    "Hugging Face": ("hub.token", "HF_TOKEN"),
}
_ADDRESSES = (
    "models.openai_base_url",
    "models.anthropic_base_url",
    "models.gemini_base_url",
    "models.ollama_host",
)


class Status(StrEnum):
    """What a check found. Exactly one holds."""

    READY = "ready"
    ABSENT = "absent"
    """Not here, and only some jobs need it."""
    MISSING = "missing"
    """Not here or not working, and Honing itself needs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    group: str
    name: str
    status: Status
    detail: str
    """What was found."""
    fix: str = ""
    """What to do about it; empty where nothing need be done."""


def run_checks(settings: Settings, environ: Mapping[str, str]) -> list[Check]:
    """Look at everything, in the order in which it is shown.

    Args:
        settings: Where runs lie, which sandbox is asked for, which keys are set.
        environ: Variables of the process; PATH decides which programs are found.
    """
    return [
        *_base(settings),
        *_sandboxes(settings.sandbox.kind),
        *_tools(environ),
        *_models(settings),
        *_agents(settings, environ),
        *_extras(),
        _gpu(environ),
        _student(environ),
    ]


def _base(settings: Settings) -> Iterator[Check]:
    system = (
        f"{platform.python_version()} on {platform.system()} {platform.release()}, {os.cpu_count()} cores"
    )
    yield Check(group="base", name="python", status=Status.READY, detail=system)
    found, lacking = _versions(name for name, extra in _requirements() if extra is None)
    yield Check(
        group="base",
        name="packages",
        status=Status.MISSING if lacking else Status.READY,
        detail=f"missing: {', '.join(lacking)}" if lacking else ", ".join(found),
        fix="pip install --upgrade honing" if lacking else "",
    )
    yield _home(settings.paths.home)


def _home(home: Path) -> Check:
    place = home.absolute()
    while not place.exists():
        place = place.parent
    usage = os.statvfs(place)
    free = usage.f_bavail * usage.f_frsize
    detail, fix = f"{home} ({free / 1e9:.1f} GB free)", ""
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        fix = f"make {place} a folder you may write in, or set HONING_HOME to another one"
        detail = f"{home}: {place} cannot be written"
    elif free < LEAST_FREE_BYTES:
        fix = "free at least 1 GB (`hone runs gc`), or set HONING_HOME to a folder on another disk"
    status = Status.MISSING if fix else Status.READY
    return Check(group="base", name="runs folder", status=status, detail=detail, fix=fix)


def _sandboxes(wanted: SandboxKind) -> Iterator[Check]:
    from honing.sandbox import choose, describe

    try:
        detail, fix, status = f"{choose(wanted.value).name} (asked for: {wanted.value})", "", Status.READY
    except HoningError as error:
        detail, fix, status = str(error), "see the lines below", Status.MISSING
    yield Check(group="sandbox", name="in use", status=status, detail=detail, fix=fix)
    for sandbox in describe():
        if sandbox.name == SandboxKind.UNCONFINED.value:
            continue
        gives = f"gives {len(sandbox.capabilities)} protections"
        yield Check(
            group="sandbox",
            name=sandbox.name,
            status=Status.READY if sandbox.ready else Status.ABSENT,
            detail=f"{gives}; {sandbox.reason}" if sandbox.reason else gives,
            fix="" if sandbox.ready else sandbox.fix,
        )


def _tools(environ: Mapping[str, str]) -> Iterator[Check]:
    for name, (program, purpose, fix) in _TOOLS.items():
        path = _find(program, environ)
        yield Check(
            group="tools",
            name=name,
            status=Status.READY if path else Status.ABSENT,
            detail=path or f"not found; needed for {purpose}",
            fix="" if path else fix,
        )


def _models(settings: Settings) -> Iterator[Check]:
    for name, (key, variable) in _KEYS.items():
        there = settings.value(key) is not None
        yield Check(
            group="models",
            name=f"{name} key",
            status=Status.READY if there else Status.ABSENT,
            detail=f"set by {settings.origins[key].where}" if there else "not set",
            fix="" if there else f"set {variable}, or write it in .env",
        )
    for key in _ADDRESSES:
        if settings.origins[key].place is not Place.DEFAULT:
            detail = f"{shown(settings.value(key))}, set by {settings.origins[key].where}"
            name = key.partition(".")[2].replace("_", " ")
            yield Check(group="models", name=name, status=Status.READY, detail=detail)


def _agents(settings: Settings, environ: Mapping[str, str]) -> Iterator[Check]:
    """Coding agents, with the version that is here beside the one that is tested; none of them is started."""
    from honing.agents import AgentSettings, find_agents

    for found in find_agents(AgentSettings(**settings.installed_agents(environ))):
        package = found.package
        tested = f"tested with {package.version}"
        said = (
            f"{found.version} (as tested)"
            if found.fits
            else f"{found.version or 'unknown version'}, {tested}"
        )
        yield Check(
            group="agents",
            name=package.agent,
            status=Status.READY if found.program else Status.ABSENT,
            detail=f"{said}: {found.program}" if found.program else f"not found; {tested}",
            fix="" if found.program else f"npm install -g {package.npm}@{package.version}, or `make agents`",
        )


def _extras() -> Iterator[Check]:
    members: dict[str, list[str]] = {}
    for name, extra in _requirements():
        if extra is not None and extra not in _INTERNAL_EXTRAS and name != "honing":
            members.setdefault(extra, []).append(name)
    for extra, names in members.items():
        found, lacking = _versions(names)
        yield Check(
            group="extras",
            name=extra,
            status=Status.ABSENT if lacking else Status.READY,
            detail="; ".join(
                part for part in (", ".join(found), lacking and f"missing: {', '.join(lacking)}") if part
            ),
            fix=f"pip install 'honing[{extra}]'" if lacking else "",
        )


def _gpu(environ: Mapping[str, str]) -> Check:
    program = _find("nvidia-smi", environ)
    listed = _output([program, "-L"], environ) if program else ""
    devices = [re.sub(r"\s*\(UUID.*", "", line) for line in listed.splitlines() if line.startswith("GPU ")]
    detail = ", ".join(devices) or ("nvidia-smi lists no device" if program else "no nvidia-smi; CPU only")
    hidden = environ.get("CUDA_VISIBLE_DEVICES")
    if devices and hidden is not None:
        detail += f" (CUDA_VISIBLE_DEVICES={hidden!r})"
    return Check(
        group="hardware", name="GPU", status=Status.READY if devices else Status.ABSENT, detail=detail
    )


def _student(environ: Mapping[str, str]) -> Check:
    """Which students can be trained here, by the GPU's memory."""
    from honing.learn import student_size

    memory = _gpu_memory(environ)
    # Training takes one GPU; which of several is not known here, so the smallest counts.
    size = student_size(min(memory, default=None))
    where = f"GPU memory {min(memory) / 1024**3:.0f} GiB" if memory else "no GPU whose memory is known"
    example = f", for example {size.example}" if size.example else ""
    return Check(
        group="hardware",
        name="student",
        status=Status.READY if size.full else Status.ABSENT,
        detail=f"{where}: trains {size.student}{example}",
        fix="" if size.full else "full training takes a GPU: 16 GB for 3B, 24 GB for 7-8B instruct models",
    )


def _gpu_memory(environ: Mapping[str, str]) -> list[int]:
    """Bytes of each GPU that CUDA_VISIBLE_DEVICES leaves; of those that tell it."""
    program = _find("nvidia-smi", environ)
    query = ["--query-gpu=index,uuid,memory.total", "--format=csv,noheader,nounits"]
    rows = _output([program, *query], environ).splitlines() if program else []
    wanted = environ.get("CUDA_VISIBLE_DEVICES")
    chosen = None if wanted is None else [name.strip() for name in wanted.split(",") if name.strip()]
    found = []
    for row in rows:
        index, _, rest = (part.strip() for part in row.partition(","))
        uuid, _, mebibytes = (part.strip() for part in rest.partition(","))
        is_chosen = chosen is None or any(name == index or uuid.startswith(name) for name in chosen)
        if is_chosen and mebibytes.isdigit():
            found.append(int(mebibytes) * 1024**2)
    return found


def _find(program: str, environ: Mapping[str, str]) -> str | None:
    return shutil.which(program, path=environ.get("PATH", os.defpath))


def _output(command: list[str], environ: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            command,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PROBE_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _requirements() -> list[tuple[str, str | None]]:
    """The distribution's requirements as (package, extra it belongs to or None)."""
    try:
        lines = metadata.requires("honing") or []
    except metadata.PackageNotFoundError:
        return []
    found = []
    for line in lines:
        if match := _REQUIREMENT.match(line):
            extra = _EXTRA.search(match[2] or "")
            found.append((match[1], extra[1] if extra else None))
    return found


def _versions(names: Iterator[str] | list[str]) -> tuple[list[str], list[str]]:
    """Packages that are installed, with their versions, and those that are not. Nothing is imported."""
    found, lacking = [], []
    for name in names:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            lacking.append(name)
    return found, lacking
