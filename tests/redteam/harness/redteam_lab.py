"""Where an attack is made: a project, a host with things worth having, and what is looked at afterwards."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from redteam_attack import Attack, Files, filled, lay_out
from redteam_courses import BASELINE, PROJECT, project_yaml

CANARY = "canary7Qz4Xv9Lm2Rt8Wk3Ys6"
"""A secret in the judge's environment, in the user's home and in the settings of a model."""

_MOST_BYTES = 20_000_000
"""Of a file that are looked through."""


@dataclass(frozen=True, kw_only=True)
class Lab:
    """One project, and what an attacker may want."""

    folder: Path
    home: Path
    words: Mapping[str, str]
    """What the attacker knows."""

    @property
    def host(self) -> Path:
        return self.folder / "host"

    @property
    def project(self) -> Path:
        return self.folder / "project"

    def watched(self) -> dict[str, str]:
        """Digests of everything that nobody may change."""
        folders = (self.host, self.project, self.home)
        return {path: digest for folder in folders for path, digest in digests(folder).items()}


def open_lab(folder: Path, attack: Attack, *, home: Path, runs: Path, port: int) -> Lab:
    """A fresh lab for an attack."""
    words = {
        "HOST": str(folder / "host"),
        "HOME": str(home),
        "PROJECT": str(folder / "project"),
        "RUNS": str(runs),
        "PORT": str(port),
        "MARK": mark_of(folder),
    }
    lab = Lab(folder=folder, home=home, words=words)
    furnish(home)
    lay_out(str(lab.host), {"precious.txt": "as it was\n"}, words)
    lay_out(str(lab.project), {**PROJECT, "honing.yaml": project_yaml(attack.course)}, words)
    lay_out(str(lab.project / "baseline"), {**BASELINE, **attack.baseline}, words)
    return lab


def furnish(home: Path) -> None:
    """A home with secrets in it."""
    lay_out(str(home), {".netrc": f"machine example.org password {CANARY}\n", ".env": f"KEY={CANARY}\n"}, {})
    lay_out(str(home / "notes"), {"change_manifest.json": f'{{"summary": "{CANARY}"}}\n'}, {})


def mark_of(folder: Path) -> str:
    """A word in the arguments of whatever an attack starts."""
    return "mark" + hashlib.sha256(str(folder).encode()).hexdigest()[:20]


def plant(workspace: Path, files: Files, words: Mapping[str, str]) -> None:
    """What a candidate holds."""
    lay_out(str(workspace), files, words)


def agent_text(attack: Attack, lab: Lab) -> str:
    """What the agent of an attack runs."""
    return filled(attack.agent, lab.words)


def digests(folder: Path) -> dict[str, str]:
    """Digest of every file and link below a folder, and the name of every folder."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            if path.is_symlink():
                found[str(path)] = f"link to {path.readlink()}"
            else:
                found[str(path)] = (
                    hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "other"
                )
    return found


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Paths that came, went or changed."""
    return sorted(path for path in {*before, *after} if before.get(path) != after.get(path))


def forms_of(secret: str) -> tuple[bytes, ...]:
    """A secret as it is, backwards, in hexadecimal, and in base 64 wherever it begins."""
    plain = secret.encode()
    forms = [
        plain,
        plain[::-1],
        plain.hex().encode(),
        plain.hex().upper().encode(),
        plain[::-1].hex().encode(),
    ]
    forms += [base64.b64encode(b"\0" * shift + plain)[4:-4] for shift in range(3)]
    return tuple(forms)


def carriers(folder: Path, secret: str = CANARY) -> list[str]:
    """Files below a folder, and their names, that hold a secret in any form."""
    forms = forms_of(secret)
    return [
        str(path.relative_to(folder))
        for path in _everything(folder)
        if _holds(os.fsencode(path.name) + b"\0" + _content(path), forms)
    ]


def alive(mark: str) -> list[str]:
    """Processes of this machine with a word in their arguments or variables."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            for each in ("cmdline", "environ"):
                try:
                    if mark.encode() in (entry / each).read_bytes():
                        found.append(entry.name)
                except OSError:
                    continue
    return found


def raw_signs(run: Path) -> list[str]:
    """Texts of a run that hold a terminal sequence, or markup that a browser would act on."""
    kinds = (".tsv", ".json", ".jsonl", ".html", ".md", ".txt", ".patch")
    return [
        str(path.relative_to(run))
        for path in _everything(run)
        if path.suffix in kinds
        and (b"\x1b" in _content(path) or (path.suffix == ".html" and b"<script>alert" in _content(path)))
    ]


def forget(folder: Path) -> None:
    """Remove a lab, whatever became of it."""
    for place, folders, _ in os.walk(folder):
        for name in folders:
            path = Path(place, name)
            with contextlib.suppress(OSError):
                if not path.is_symlink():
                    path.chmod(0o700)
    shutil.rmtree(folder)


def _everything(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        yield from (Path(place, name) for name in (*folders, *files))


def _holds(content: bytes, forms: tuple[bytes, ...]) -> bool:
    return any(form in content for form in forms)


def _content(path: Path) -> bytes:
    """What a file holds, or where a link leads; nothing of what cannot be reached by its path."""
    try:
        if path.is_symlink():
            return os.fsencode(path.readlink())
        if not path.is_file():
            return b""
        with path.open("rb") as stream:
            return stream.read(_MOST_BYTES)
    except OSError:
        return b""
