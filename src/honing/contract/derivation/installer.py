"""Installing packages into a new environment, inside the sandbox, with known repairs until it works."""

from __future__ import annotations

import itertools
import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from honing.contract.derivation.console_scripts import without_odd_scripts, write_script
from honing.contract.derivation.indexes import Indexes, without_credentials
from honing.contract.derivation.install_repairs import InstallPlan, relaxed_text, repaired
from honing.contract.spec import EnvironmentSpec
from honing.contract.stages.failures import Failure, FailureKind, StageFailedError, classify
from honing.documents import read_plain_file
from honing.errors import MetricsError, MissingToolError, StageError, boundary
from honing.sandbox import (
    Command,
    Ending,
    Finished,
    Limits,
    Mount,
    Network,
    Sandbox,
    python_mounts,
    remove_tree,
)

_ATTEMPTS = 10
_PIP_WITH_DATES = "pip>=26"
"""The first line of versions that can be told to take nothing newer than a date."""
_DISK = 24 * 1024**3
_PROGRAMS = ("/usr/local/bin", "/usr/bin")
_PACKAGING = ("*requirements*.txt", "pyproject.toml", "setup.cfg", "setup.py")
_CUDA = re.compile(r"\bnvidia-[a-z0-9-]+-cu\d+", re.IGNORECASE)
_MAX_TEXT = 1024 * 1024
_MAX_REPORT, _MAX_WHEEL = 64 * 1024**2, 1024**3
_NO_DATES = re.compile(r"does not provide upload-time|missing an upload date|exclude-newer", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Python:
    """An interpreter that can make environments."""

    program: Path
    version: str
    """As in `3.11.7`, or `3.9` where only that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """Where environments are kept, and what builds them."""

    root: Path
    sandbox: Sandbox
    indexes: Indexes = field(default_factory=Indexes)
    record: Callable[[str, Mapping[str, Any]], None] = lambda _kind, _fields: None
    """Appends one evidence record (kind, fields)."""
    uv: Path | None = None
    """The program uv, which is faster than pip; pip is used where None."""


def find_uv() -> Path | None:
    """uv beside our own interpreter, or where system programs lie."""
    places = [Path(sys.prefix) / "bin", *map(Path, _PROGRAMS)]
    return next((place / "uv" for place in places if os.access(place / "uv", os.X_OK)), None)


def find_python(version: str) -> Python:
    """The interpreter of a version; our own where none is asked for.

    Raises:
        MissingToolError: It is not installed.
    """
    own = ".".join(map(str, sys.version_info[:3]))
    if not version or own == version or own.startswith(f"{version}."):
        return Python(Path(os.path.realpath(sys.executable)), own)
    minor = ".".join(version.split(".")[:2])
    for place in _PROGRAMS:
        program = Path(place) / f"python{minor}"
        if os.access(program, os.X_OK):
            return Python(program, minor)
    raise MissingToolError(
        f"environment.python: the contract asks for Python {version}, and this machine has {own} only. "
        f"Install python{minor} (with its venv module), or take the line out of the contract."
    )


class Installer:
    """Builds one environment. Everything it runs is in the sandbox."""

    def __init__(self, spec: EnvironmentSpec, folder: Path, python: Python, place: Workplace) -> None:
        self.python = python
        self._spec = spec
        self._folder = folder
        self._venv = folder / "venv"
        self._place = place
        self._indexes = place.indexes.dated() if spec.as_of else place.indexes
        self._source = folder / "source"
        self._scratch = folder / "tmp"
        # What we write and foreign set-up code only reads: it could lay a link where we write next.
        self._given = folder / "given"

    def install(self, plan: InstallPlan) -> InstallPlan:
        """Install what the plan names, with a repair after each failure that a repair is known for.

        Returns:
            The plan that worked, with its repairs.

        Raises:
            StageError: No repair is known; the error carries the failure.
        """
        for place in (self._venv, self._scratch, self._given):
            place.mkdir()
        self._make()
        for attempt in itertools.count(1):
            failed = self._try(plan)
            if failed is None:
                break
            changed = repaired(plan, f"{failed.stdout}\n{failed.stderr}")
            if changed is None or failed.ending is not Ending.EXITED or attempt == _ATTEMPTS:
                raise self._why(failed, plan)
            plan = changed
            self._relax(plan)
        return plan

    def _why(self, failed: Finished, plan: InstallPlan) -> StageError:
        said = f"{failed.stdout}\n{failed.stderr}"
        if self._spec.as_of and _NO_DATES.search(said):
            text = (
                f"environment: --as-of {self._spec.as_of} cannot be kept: a package index does not say when "
                "its files were published. Name one that does with PIP_INDEX_URL, or leave the date out."
            )
            return _error(Failure(kind=FailureKind.INSTALL, stage="environment", text=text))
        return _failed(failed, f"pip install {' '.join(plan.install)}")

    def lock(self) -> str:
        """The resolved versions, one a line, with the hashes that the index gave."""
        finished = self._run(
            [*self._pip(), "list", "--format=json"]
            if self._place.uv is None
            else [str(self._place.uv), "pip", "list", "--format=json", "--python", self._own()]
        )
        if not finished.ok:
            raise _failed(finished)
        found = json.loads(finished.stdout or "[]")
        hashes = self._hashes()
        lines = []
        for one in sorted(found, key=lambda one: _normal(one["name"])):
            name, version = _normal(one["name"]), one["version"]
            known = hashes.get((name, version), "")
            mark = "  # the target itself" if one.get("editable_project_location") else ""
            lines.append(f"{name}=={version}{f' --hash=sha256:{known}' if known else ''}{mark}\n")
        return f"# Python {self.python.version}\n{''.join(lines)}"

    def clean(self) -> None:
        """Remove what was only needed for building."""
        remove_tree(self._scratch)
        remove_tree(self._given)

    def _make(self) -> None:
        """An empty environment, with a pip that knows the date limit where one is set."""
        uv = self._place.uv
        if uv is not None:
            make = [
                str(uv),
                "venv",
                "--seed",
                *self._indexes.uv_options(),
                "--no-project",
                "--python",
                str(self.python.program),
                str(self._venv),
            ]
        else:
            make = [str(self.python.program), "-I", "-m", "venv", str(self._venv)]
        finished = self._run(make)
        if not finished.ok:
            raise _failed(finished)
        if uv is None and self._spec.as_of:
            newer = self._run([*self._pip(), *_QUIET, *self._place.indexes.pip_options(), _PIP_WITH_DATES])
            if not newer.ok:
                raise MissingToolError(
                    f"--as-of {self._spec.as_of}: needs uv, or a pip of version 26 or later, and neither can "
                    f"be had ({_last_line(newer)}). Install uv (pip install uv) beside Honing."
                )

    def _try(self, plan: InstallPlan) -> Finished | None:
        """One pass over the whole plan; the command that failed, None where all went well."""
        for arguments in (*((" ".join(map(shlex.quote, plan.first)),) if plan.first else ()), *plan.install):
            words = shlex.split(arguments)
            if plan.own_scripts and (local := _local_path(words)):
                failed = self._install_built(plan, local)
            else:
                failed = self._pip_install(plan, words)
            if failed is not None:
                return failed
        return None

    def _pip_install(self, plan: InstallPlan, words: Iterable[str]) -> Finished | None:
        constraints = self._constraints(plan)
        report = self._scratch / f"report-{len(list(self._scratch.glob('report-*')))}.json"
        if self._place.uv is not None:
            command = [str(self._place.uv), "pip", "install", "--python", self._own(), "--no-config"]
            command += self._indexes.uv_options()
            command += ["--exclude-newer", self._spec.as_of] if self._spec.as_of else []
            command += ["--build-constraint", str(constraints)] if plan.build_constraints else []
        else:
            command = [*self._pip(), *_QUIET, *self._indexes.pip_options(), "--report", str(report)]
            command += ["--uploaded-prior-to", f"{self._spec.as_of}T23:59:59Z"] if self._spec.as_of else []
        command += [] if plan.build_isolation else ["--no-build-isolation"]
        command += ["--constraint", str(self._torch())]
        finished = self._run([*command, *words], plan)
        if not finished.ok:
            return finished
        if found := _CUDA.search(finished.stdout):
            raise _cuda(found[0])
        return None

    def _install_built(self, plan: InstallPlan, local: str) -> Finished | None:
        """Build the target's wheel, take the odd scripts out, install it and write them ourselves."""
        wheels = self._scratch / "wheels"
        path, _, extras = local.partition("[")
        build = [*self._pip(), "wheel", "--no-deps", "--wheel-dir", str(wheels), path]
        build += self._indexes.pip_options() + ([] if plan.build_isolation else ["--no-build-isolation"])
        finished = self._run(build, plan)
        built = sorted(wheels.glob("*.whl")) if finished.ok else []
        if not built:
            return finished
        wheel = self._given / built[0].name
        with boundary(StageError, "taking the wheel that the target's set-up built"):
            wheel.write_bytes(read_plain_file(self._scratch, f"wheels/{wheel.name}", max_bytes=_MAX_WHEEL))
        scripts = without_odd_scripts(wheel)
        failed = self._pip_install(plan, [f"{wheel}{'[' + extras if extras else ''}"])
        if failed is None:
            for name, module in scripts.items():
                write_script(self._venv / "bin", name, module)
        return failed

    def _constraints(self, plan: InstallPlan) -> Path:
        path = self._given / "build-constraints.txt"
        path.write_text("".join(f"{one}\n" for one in plan.build_constraints))
        return path

    def _torch(self) -> Path:
        """Where this machine offers torch without CUDA, no other build of it is taken."""
        version = self._indexes.cpu_build_of_torch()
        path = self._given / "constraints.txt"
        path.write_text(f"torch=={version}+cpu\n" if version else "")
        return path

    def _relax(self, plan: InstallPlan) -> None:
        """Turn the exact versions that cannot be had into lower bounds, in the kept copy of the sources."""
        for pattern in _PACKAGING if plan.relaxed else ():
            for path in self._source.rglob(pattern):
                if path.is_symlink() or not path.is_file() or path.stat().st_size > _MAX_TEXT:
                    continue
                text = path.read_text("utf-8", "surrogateescape")
                changed = relaxed_text(text, plan.relaxed)
                if changed != text:
                    path.write_text(changed, "utf-8", "surrogateescape")

    def _hashes(self) -> dict[tuple[str, str], str]:
        """sha256 of every package file, by name and version, as pip's own reports have them."""
        found: dict[tuple[str, str], str] = {}
        for path in sorted(self._scratch.glob("report-*.json")):
            try:
                report = read_plain_file(self._scratch, path.name, max_bytes=_MAX_REPORT)
                installed = json.loads(report)["install"]
                for one in installed:
                    metadata = one["metadata"]
                    known = one["download_info"].get("archive_info", {}).get("hashes", {}).get("sha256", "")
                    if not one["download_info"]["url"].startswith(f"file://{self._given}"):
                        found[_normal(metadata["name"]), metadata["version"]] = known
            except (MetricsError, OSError, ValueError, KeyError, TypeError, RecursionError, AttributeError):
                # The report is written beside foreign set-up code: a damaged one only costs the hashes.
                continue
        return found

    def _pip(self) -> list[str]:
        return [self._own(), "-m", "pip"]

    def _own(self) -> str:
        return str(self._venv / "bin" / "python")

    def _run(self, argv: list[str], plan: InstallPlan | None = None) -> Finished:
        programs = f"{self._venv / 'bin'}:{self.python.program.parent}:/usr/local/bin:/usr/bin:/bin"
        env = {
            "PATH": programs,
            "HOME": str(self._scratch),
            "TMPDIR": str(self._scratch),
            "LANG": "C.UTF-8",
            "PIP_CONFIG_FILE": "/dev/null",
            "PIP_NO_INPUT": "1",
            "PIP_CACHE_DIR": str(self._scratch / "cache"),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "UV_CACHE_DIR": str(self._scratch / "cache"),
            "UV_PYTHON_DOWNLOADS": "never",
            **({"SSL_CERT_FILE": self._indexes.cert} if self._indexes.cert else {}),
            **dict(self._indexes.proxies),
        }
        if plan is not None:
            env |= dict(plan.env)
            if plan.build_constraints:
                # Old versions of pip take constraints for builds from the first variable, new ones from the
                # second.
                env |= dict.fromkeys(("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT"), str(self._constraints(plan)))
        finished = self._place.sandbox.run(
            Command(
                argv=argv,
                workdir=self._source,
                mounts=(*self._own_mounts(), *python_mounts(), *self._extra_mounts()),
                env=env,
                network=Network.OPEN,
                limits=Limits(wall_s=self._spec.timeout_s, disk_bytes=_DISK, open_files=4096),
            )
        )
        self._place.record("command", _evidence(argv, finished, self._indexes))
        return finished

    def _own_mounts(self) -> list[Mount]:
        """Each folder by itself: what is mounted cannot be replaced by a link, and what lies beside it (the
        note that the environment is finished) is out of reach."""
        writable = [Mount(place, writable=True) for place in (self._venv, self._source, self._scratch)]
        return [*writable, Mount(self._given)]

    def _extra_mounts(self) -> list[Mount]:
        folders = [Mount(path) for path in self._indexes.folders() if not path.is_relative_to("/usr")]
        uv = self._place.uv
        return [*folders, Mount(uv)] if uv is not None and not uv.is_relative_to("/usr") else folders


_QUIET = ("install", "--no-input", "--progress-bar", "off")


def _local_path(words: list[str]) -> str:
    """The path that an install names, editable or not; empty where it names none."""
    paths = [word for word in words if not word.startswith("-") and word.startswith((".", "/"))]
    return paths[0] if len(paths) == 1 and "-r" not in words and "--requirement" not in words else ""


def _evidence(argv: list[str], finished: Finished, indexes: Indexes) -> dict[str, Any]:
    return {
        "stage": "environment",
        "command": shlex.join(without_credentials(word) for word in argv),
        "indexes": indexes.redacted(),
        "ending": finished.ending.value,
        "exit_code": finished.exit_code,
        "stdout": finished.stdout,
        "stderr": finished.stderr,
        "duration_s": round(finished.duration_s, 4),
        "sandbox": finished.sandbox,
    }


def _failed(finished: Finished, command: str = "") -> StageError:
    failure = classify("environment", finished, command=command)
    if failure.kind in (FailureKind.OTHER, FailureKind.PYTHON_MODULE):
        failure = replace(failure, kind=FailureKind.INSTALL)
    return _error(failure)


def _cuda(package: str) -> StageError:
    text = (
        f"environment: the install pulled {package}, a CUDA library of several gigabytes. Offer a build of "
        "torch without CUDA: put it into a folder and name that with PIP_FIND_LINKS, or set "
        "PIP_EXTRA_INDEX_URL to an index that has it."
    )
    return _error(Failure(kind=FailureKind.INSTALL, stage="environment", text=text, names=("torch",)))


def _error(failure: Failure) -> StageError:
    return StageFailedError(failure)


def _last_line(finished: Finished) -> str:
    lines = (finished.stderr.strip() or finished.stdout.strip()).splitlines()
    return lines[-1] if lines else "it printed nothing"


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
