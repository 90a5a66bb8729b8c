"""What a target needs installed, from its packaging files and the install commands that it names."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from configparser import ConfigParser
from configparser import Error as ConfigError
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.contract.hints import Hint, Role, Trap
from honing.contract.spec import EnvironmentSpec, Provenance

_PACKAGING = ("pyproject.toml", "setup.py", "setup.cfg")
_HEAVY = re.compile(
    r"(?i)^(?:vllm|flash[-_]attn|deepspeed|xformers|bitsandbytes|auto[-_]gptq|gptqmodel|tensorrt.*|cupy.*|apex|"
    r"nvidia-.*|sglang|lmdeploy|triton|ninja|packaging|pip|setuptools|wheel|uv)$"
)
_GPU_EXTRA = re.compile(r"(?i)vllm|gpu|cuda|flash|deepspeed|perf|dev|test|lint|doc|train|all")
_SCORING = re.compile(r"(?i)\b(?:just|only|merely|alone)\b.*\b(?:scor|evaluat|grad|judg)\w*")
_INSTALLERS = ("pip", "pip3", "uv")
_MAX_TEXT = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Packages:
    """An environment, with where each part of it comes from."""

    spec: EnvironmentSpec | None
    provenance: tuple[Provenance, ...] = ()


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one `pip install` of the target's asks for."""

    hint: Hint
    requirement_files: tuple[str, ...]
    paths: tuple[str, ...]
    packages: tuple[str, ...]


def packages_of(folder: Path, hints: Sequence[Hint], chosen: Sequence[Hint], *, as_of: str = "") -> Packages:
    """The environment that the chosen commands need.

    Args:
        folder: The target.
        hints: All its hints.
        chosen: The commands that will run; what is installed for other purposes is left out.
        as_of: Date (YYYY-MM-DD) after which nothing may be published; empty for today.
    """
    own = project_names(folder)
    asked = [_read(hint, folder) for hint in hints if _is_install(hint)]
    asked, beside = _for_scoring(folder, asked, chosen)
    pages = {hint.anchor.rpartition(":")[0] for hint in chosen}
    places = {".", *(hint.workdir for hint in chosen)}
    complete = _declares_dependencies(folder)
    project = _project(folder, own, asked, places)
    install: dict[str, Provenance] = dict([project] if project is not None else [])
    for one in asked:
        near = one.hint.anchor.rpartition(":")[0] in pages
        for file in one.requirement_files:
            if not (folder / file).is_file() or str(Path(file).parent) not in places:
                continue
            if (near or _usual(file)) and ("/" in file or not complete):
                key, without = _requirements(folder, file)
                install.setdefault(key, _part(one.hint, f"names {file}{without}"))
    for file in sorted({f"{place}/requirements.txt".removeprefix("./") for place in places}):
        if beside and (folder / file).is_file() and ("/" in file or not complete):
            key, without = _requirements(folder, file)
            why = f"the list of packages beside the command{without}"
            part = Provenance(part="environment", by="derivation", anchor=f"{file}:1", why=why)
            install.setdefault(key, part)
    install |= _single(asked, pages, own)
    if not install:
        return Packages(None)
    roots = _source_roots(folder) if project is not None else (".",)
    spec = EnvironmentSpec(install=tuple(install), source_roots=roots, as_of=as_of)
    return Packages(spec, tuple(install.values()))


def _for_scoring(folder: Path, asked: Sequence[_Asked], chosen: Sequence[Hint]) -> tuple[list[_Asked], bool]:
    """Where answers are only judged and a page says what that alone needs: this list, and no other.

    Returns:
        The installs to heed, and whether the list beside the command counts as well.
    """
    scoring = [one for one in asked if one.requirement_files and _says_scoring(folder, one.hint)]
    if not scoring or any(hint.asks_model or hint.role is not Role.EVALUATE for hint in chosen):
        return list(asked), True
    return [one for one in asked if one in scoring or not one.requirement_files], False


def _says_scoring(folder: Path, hint: Hint) -> bool:
    """Whether the very sentence that names an install says that it is for scoring."""
    file, _, number = hint.anchor.rpartition(":")
    line = "".join(_text(folder / file).splitlines()[int(number) - 1 : int(number)])
    named = [sentence for sentence in re.split(r"(?<=[.;!?])\s+", line) if hint.command in sentence]
    return any(_SCORING.search(sentence.replace(hint.command, "")) for sentence in named)


def project_names(folder: Path) -> frozenset[str]:
    """The names under which a target's own package may be installed."""
    data = _toml(folder / "pyproject.toml")
    found = {folder.name}
    found |= {str(_section(data, *keys).get("name", "")) for keys in (("project",), ("tool", "poetry"))}
    parser = ConfigParser(strict=False, interpolation=None)
    with suppress(ConfigError):
        parser.read_string(_text(folder / "setup.cfg"))
        found.add(parser.get("metadata", "name", fallback=""))
    script = _text(folder / "setup.py")
    found |= set(re.findall(r"\bname\s*=\s*['\"]([\w.-]+)['\"]", script))
    return frozenset(_normal(name) for name in found if name)


def _project(
    folder: Path, own: frozenset[str], asked: Sequence[_Asked], places: set[str]
) -> tuple[str, Provenance] | None:
    """The target's own package: editable, since programs find their data beside their source."""
    file = next((name for name in _PACKAGING if _is_package(folder / name)), None)
    if file is None:
        return None
    extras: list[str] = []
    anchor, why = f"{file}:1", "the target is a package"
    for one in asked:
        for word in (*one.paths, *one.packages):
            name, _, rest = word.partition("[")
            same = _normal(re.split(r"[ @=<>!~;]", name)[0]) in own if word in one.packages else True
            if same and (anchor == f"{file}:1" or one.hint.workdir in places - {"."}):
                anchor, why = one.hint.anchor, f"the target installs itself ({one.hint.command[:80]})"
                named = [extra.strip() for extra in rest.partition("]")[0].split(",") if extra.strip()]
                extras = [extra for extra in named if not _GPU_EXTRA.search(extra)]
    text = f"-e .[{','.join(extras)}]" if extras else "-e ."
    return text, Provenance(part="environment", by="derivation", anchor=anchor, why=why)


def _declares_dependencies(folder: Path) -> bool:
    """Whether the package itself says what it needs: a list beside it then holds what only some need."""
    data = _toml(folder / "pyproject.toml")
    declared = "dependencies" in {**_section(data, "project"), **_section(data, "tool", "poetry")}
    old = _text(folder / "setup.cfg") + _text(folder / "setup.py")
    return declared or "install_requires" in old


def _requirements(folder: Path, file: str) -> tuple[str, str]:
    """A list of packages as arguments of pip, and what was left out, in words."""
    lines = [line.partition(" #")[0].strip() for line in _text(folder / file).splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    heavy = [line for line in lines if _HEAVY.match(re.split(r"[\[ @=<>!~;]", line)[0])]
    if not heavy or any(line.startswith("-") or line.endswith("\\") for line in lines):
        return f"-r {shlex.quote(file)}", ""
    kept = [shlex.quote(line) for line in lines if line not in heavy]
    return " ".join(kept), f", without {', '.join(heavy)} (needs a GPU, or builds only)"


def _single(asked: Sequence[_Asked], pages: set[str], own: frozenset[str]) -> dict[str, Provenance]:
    """Packages that the page of the chosen command installs by name."""
    found: dict[str, Provenance] = {}
    for one in asked:
        if one.hint.anchor.rpartition(":")[0] not in pages or one.hint.workdir.startswith(".."):
            continue
        for word in one.packages:
            name = re.split(r"[\[ @=<>!~;]", word)[0]
            if "://" in word or _HEAVY.match(name) or _normal(name) in own:
                continue
            found[shlex.quote(word)] = _part(one.hint, f"installs {word}")
    return found


def _is_install(hint: Hint) -> bool:
    blocked = {Trap.GPU, Trap.DOCKER, Trap.SUDO, Trap.INTERACTIVE, Trap.PIPED_INSTALLER}
    if hint.role is not Role.INSTALL or any(found.trap in blocked for found in hint.traps):
        return False
    return hint.source in ("readme", "docs") and any(
        word in hint.command.split() for word in (*_INSTALLERS, "pip3.11")
    )


def _read(hint: Hint, folder: Path) -> _Asked:
    try:
        words = shlex.split(hint.command, comments=True)
    except ValueError:
        words = hint.command.split()
    words = words[words.index("install") + 1 :] if "install" in words else []
    files: list[str] = []
    paths: list[str] = []
    packages: list[str] = []
    expecting = ""
    for word in words:
        if word in ("|", "&&", ";", "||"):
            break
        if expecting:
            if expecting == "-r":
                files.append(_inside(hint, word))
            elif expecting == "-e":
                paths.append(word)
            expecting = ""
        elif word in ("-r", "--requirement", "-e", "--editable"):
            expecting = "-r" if word.startswith(("-r", "--r")) else "-e"
        elif word.startswith("-"):
            taking = (
                "--index-url",
                "-i",
                "--extra-index-url",
                "--find-links",
                "-f",
                "-c",
                "--constraint",
                "-t",
            )
            expecting = "value" if word in taking else ""
        elif word.startswith((".", "/")) or (folder / word).is_dir():
            paths.append(word)
        else:
            packages.append(word)
    return _Asked(hint, tuple(files), tuple(paths), tuple(packages))


def _inside(hint: Hint, file: str) -> str:
    """The file's path below the target, as seen from the hint's working folder."""
    parts: list[str] = []
    for part in (*Path(hint.workdir).parts, *Path(file).parts):
        if part == ".." and parts:
            parts.pop()
        elif part not in (".", ".."):
            parts.append(part)
    return "/".join(parts)


def _usual(file: str) -> bool:
    return Path(file).name == "requirements.txt"


def _part(hint: Hint, what: str) -> Provenance:
    return Provenance(part="environment", by="derivation", anchor=hint.anchor, why=f"{what}: {hint.why}")


def _is_package(file: Path) -> bool:
    """Whether a file says how a package is built; many a pyproject.toml only configures tools."""
    if file.name == "pyproject.toml":
        data = _toml(file)
        return bool({"project", "build-system"} & set(data) or _section(data, "tool", "poetry"))
    if file.name == "setup.cfg":
        return "[metadata]" in _text(file)
    return file.is_file()


def _source_roots(folder: Path) -> tuple[str, ...]:
    source = folder / "src"
    if source.is_dir() and not (source / "__init__.py").exists() and any(source.glob("*/__init__.py")):
        return ("src",)
    return (".",)


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(file))
    except tomllib.TOMLDecodeError:
        return {}


def _section(data: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """A table of a TOML document; empty where there is none."""
    found: Any = data
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _text(file: Path) -> str:
    if file.is_symlink() or not file.is_file() or file.stat().st_size > _MAX_TEXT:
        return ""
    return file.read_text("utf-8", "replace")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
