"""The simple end of Dockerfiles: a plain base image, packages, files and a working folder."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from honing.contract.readers.base import Note, Unportable

_BASES = re.compile(r"(?:docker\.io/)?(?:library/)?(python|debian|ubuntu)(?::([\w.-]+))?")
_NO_EFFECT = frozenset({"LABEL", "MAINTAINER", "EXPOSE", "CMD", "ENTRYPOINT", "STOPSIGNAL", "ARG"})
_SHELL = re.compile(r"[|<>;`]|\$\(|&(?!&)")
_QUOTED = re.compile(r"'[^']*'|\"[^\"$`]*\"")
_CLOSES = "a Dockerfile of FROM python, debian or ubuntu, apt, pip, mkdir, COPY, ENV and WORKDIR"
_PIP = (
    ("pip", "install"),
    ("pip3", "install"),
    ("python", "-m", "pip", "install"),
    ("python3", "-m", "pip", "install"),
)
_PIP_QUIET = frozenset(
    {
        "--no-cache-dir",
        "--quiet",
        "-q",
        "--upgrade",
        "-U",
        "--break-system-packages",
        "--root-user-action=ignore",
    }
)


@dataclass
class Image:
    """What a simple Dockerfile says."""

    file: str
    python: str = ""
    """Version of a python base image, as `3.11`."""
    workdir: str = "/"
    packages: list[str] = field(default_factory=list)
    """Debian packages."""
    installs: list[str] = field(default_factory=list)
    """Arguments of `pip install` calls, paths below the target."""
    copies: list[tuple[str, str]] = field(default_factory=list)
    """File or folder below the target, and where it lies in the image."""
    makes: list[str] = field(default_factory=list)
    """Folders that are made."""
    env: dict[str, str] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)


def read_image(folder: Path, context: str) -> Image:
    """What the Dockerfile of a build folder says.

    Args:
        folder: The target.
        context: The build folder below it.

    Raises:
        Unportable: A line needs docker; the text names it.
    """
    file = f"{context}/Dockerfile"
    image = Image(file)
    for number, name, rest in _instructions((folder / file).read_text(encoding="utf-8", errors="replace")):
        anchor = f"{file}:{number}"
        if name == "FROM":
            _from(image, rest, anchor, first=number)
        elif name == "RUN":
            _run(image, rest, anchor, context)
        elif name == "ADD" and re.search(r"\.(tar|tgz|gz|bz2|xz)\b", rest):
            raise Unportable(anchor, f"ADD {rest} unpacks an archive", _CLOSES)
        elif name in ("COPY", "ADD"):
            _copy(image, folder, context, rest, anchor)
        elif name == "WORKDIR":
            image.workdir = str(PurePosixPath(image.workdir, _plain(rest, anchor)))
            image.makes.append(image.workdir)
        elif name == "ENV":
            image.env |= _env(rest, anchor)
        elif name == "USER":
            image.notes.append(Note(anchor, "everything runs as one ordinary user"))
        elif name not in _NO_EFFECT:
            raise Unportable(anchor, f"{name} needs docker", _CLOSES)
    return image


def _instructions(text: str) -> Iterator[tuple[int, str, str]]:
    """(line, instruction, arguments), continued lines joined and comments left out."""
    start = 0
    parts: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") or (not line.strip() and not parts):
            continue
        start = start or number
        parts.append(line.rstrip().removesuffix("\\").strip())
        if line.rstrip().endswith("\\"):
            continue
        name, _, rest = " ".join(part for part in parts if part).partition(" ")
        yield start, name.upper(), rest.strip()
        start, parts = 0, []


def _plain(text: str, anchor: str) -> str:
    if "$" in text:
        raise Unportable(anchor, f"{text!r} depends on a variable of the build", _CLOSES)
    return text.strip().strip("\"'")


def _from(image: Image, rest: str, anchor: str, *, first: int) -> None:
    words = [word for word in rest.split() if not word.startswith("--")]
    match = _BASES.fullmatch(words[0]) if words else None
    if match is None or len(words) > 1:
        raise Unportable(anchor, f"the image {rest!r} must be pulled or built with docker", _CLOSES)
    if match.group(1) == "python" and (version := re.match(r"\d+\.\d+", match.group(2) or "")):
        image.python = version.group()
    image.notes.append(Note(anchor, f"this machine's own system stands for {words[0]}"))


def _run(image: Image, rest: str, anchor: str, context: str) -> None:
    for part in rest.split("&&"):
        if _SHELL.search(_QUOTED.sub("", part)):
            raise Unportable(anchor, f"RUN {part.strip()[:60]!r} is more than one plain command", _CLOSES)
        try:
            words = shlex.split(part)
        except ValueError:
            raise Unportable(anchor, f"RUN {part.strip()[:60]!r} cannot be parsed", _CLOSES) from None
        if not words or _is_housekeeping(words):
            continue
        if words[0] == "mkdir":
            named = (_plain(word, anchor) for word in words[1:] if not word.startswith("-"))
            image.makes += [str(PurePosixPath(image.workdir, name)) for name in named]
        elif words[:2] in (["apt-get", "install"], ["apt", "install"]):
            image.packages += [word.split("=")[0] for word in words[2:] if not word.startswith("-")]
        elif pip := next((head for head in _PIP if tuple(words[: len(head)]) == head), None):
            _pip(image, words[len(pip) :], anchor)
        else:
            raise Unportable(anchor, f"RUN {part.strip()[:60]!r} changes the image", _CLOSES)


def _is_housekeeping(words: list[str]) -> bool:
    """Whether a command only tidies up, or fetches lists of packages."""
    if words[:2] in (["apt-get", "update"], ["apt", "update"], ["apt-get", "clean"], ["apt", "clean"]):
        return True
    return words[0] == "rm" and all(
        one.startswith(("-", "/var/lib/apt", "/var/cache/apt")) for one in words[1:]
    )


def _pip(image: Image, words: list[str], anchor: str) -> None:
    arguments = []
    names = iter(word for word in words if word not in _PIP_QUIET)
    for word in names:
        if word in ("-r", "--requirement"):
            wanted = str(PurePosixPath(image.workdir, next(names, "")))
            source = _source_of(image, wanted)
            if source is None:
                raise Unportable(anchor, f"no COPY brings {wanted}", _CLOSES)
            arguments += ["-r", source]
        elif word.startswith("-") or "/" in word or word == ".":
            raise Unportable(anchor, f"pip install {word} depends on the image", _CLOSES)
        else:
            arguments.append(word)
    image.installs.append(shlex.join(arguments))


def _source_of(image: Image, inside: str) -> str | None:
    """The file below the target that a COPY before this line lays at a path of the image."""
    for source, target in image.copies:
        if target == inside:
            return source
        if PurePosixPath(inside).is_relative_to(target):
            return f"{source}/{PurePosixPath(inside).relative_to(target)}"
    return None


def _copy(image: Image, folder: Path, context: str, rest: str, anchor: str) -> None:
    words = json.loads(rest) if rest.startswith("[") else shlex.split(rest)
    flags = [word for word in words if word.startswith("--")]
    if any(flag.startswith("--from") for flag in flags):
        raise Unportable(anchor, "COPY --from takes a file of another image", _CLOSES)
    *sources, target = [_plain(word, anchor) for word in words if word not in flags]
    inside = str(PurePosixPath(image.workdir, target))
    into = target.endswith("/") or len(sources) > 1 or inside in (image.workdir, *image.makes)
    for source in sources:
        found = _found(folder, context, source, anchor)
        for path in found:
            relative = path.relative_to(folder).as_posix()
            at = inside if path.is_dir() or not (into or len(found) > 1) else f"{inside}/{path.name}"
            image.copies.append((relative, at))


def _found(folder: Path, context: str, source: str, anchor: str) -> list[Path]:
    """The files of the build folder that a COPY names."""
    if "://" in source:
        raise Unportable(anchor, f"{source!r} is downloaded", _CLOSES)
    build = (folder / context).resolve()
    pattern = source.lstrip("/").removeprefix("./") or "."
    found = [build] if pattern == "." else sorted(build.glob(pattern))
    if not found or any(not path.resolve().is_relative_to(build) for path in found):
        raise Unportable(anchor, f"{source!r} is no file of {context}", _CLOSES)
    return [folder / path.relative_to(folder.resolve()) for path in found]


def _env(rest: str, anchor: str) -> dict[str, str]:
    words = shlex.split(rest)
    if words and "=" not in words[0]:
        words = [f"{words[0]}={' '.join(words[1:])}"]
    return {name: _plain(value, anchor) for name, _, value in (word.partition("=") for word in words)}
