"""What is known to be wrong with a package's set-up, and what helps: each from the words that pip printed.

A repair changes how packages are installed, never what a benchmark does; each is recorded by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

SETUPTOOLS = "setuptools<81"
"""The last line of versions that brings pkg_resources."""
_BUILDERS = (SETUPTOOLS, "wheel")
_SCM_VERSION = (("SETUPTOOLS_SCM_PRETEND_VERSION", "0.0.0"), ("PBR_VERSION", "0.0.0"))
_PACKAGES = {
    "yaml": "PyYAML", "cv2": "opencv-python-headless", "sklearn": "scikit-learn", "PIL": "Pillow",
    "skbuild": "scikit-build", "git": "GitPython", "dotenv": "python-dotenv", "bs4": "beautifulsoup4",
}  # fmt: skip
"""Distributions that are not called like the module they bring."""
_ODD_SCRIPT = ("callable suffix is required", "Invalid script entry point", "invalid console script")
_MODULE = re.compile(r"(?:ModuleNotFoundError|ImportError): No module named '([\w.]+)'")
_NO_MATCH = re.compile(r"No matching distribution found for ([A-Za-z0-9_.-]+)==([\w.!+-]+)")
_NOT_BUILT = re.compile(
    r"(?:Failed (?:to build|building wheel for)|Failed to build installable wheels for some pyproject\.toml "
    r"based projects \()\s*`?([A-Za-z0-9_.-]+)(?:==([\w.!+-]+))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallPlan:
    """How the packages are installed, as far as repairs have changed it."""

    install: tuple[str, ...]
    """Arguments of successive `pip install` calls."""
    first: tuple[str, ...] = ()
    """Installed before everything else."""
    build_constraints: tuple[str, ...] = ()
    build_isolation: bool = True
    env: tuple[tuple[str, str], ...] = ()
    """Variables for the build."""
    own_scripts: bool = False
    """Whether console scripts without a function are written by us, since pip refuses them."""
    relaxed: tuple[tuple[str, str], ...] = ()
    """Exact versions (name, version) that became lower bounds."""
    repairs: tuple[str, ...] = field(default=())
    """What was done, one sentence each."""


def repaired(plan: InstallPlan, said: str) -> InstallPlan | None:
    """The plan with the first repair that fits what pip printed; None where none does, or it was made
    already.

    Args:
        plan: The plan that failed.
        said: What pip printed on both streams.
    """
    for repair in _REPAIRS:
        changed = repair(plan, said)
        if changed is not None and replace(changed, repairs=()) != replace(plan, repairs=()):
            return changed
    return None


def _with(plan: InstallPlan, why: str, **changes: object) -> InstallPlan:
    return replace(plan, repairs=(*plan.repairs, why), **changes)  # type: ignore[arg-type]


def _pkg_resources(plan: InstallPlan, said: str) -> InstallPlan | None:
    match = _MODULE.search(said)
    if match is None or match[1].partition(".")[0] not in ("pkg_resources", "distutils"):
        return None
    if SETUPTOOLS not in plan.build_constraints:
        why = f"a build needs {match[1]}, which new setuptools no longer bring: builds use {SETUPTOOLS}"
        return _with(plan, why, build_constraints=(*plan.build_constraints, SETUPTOOLS))
    if plan.build_isolation:
        why = (
            f"the build constraint did not help: {SETUPTOOLS} is installed, and builds use what is installed"
        )
        return _with(plan, why, first=(*_BUILDERS, *plan.first), build_isolation=False)
    return None


def _imports_a_dependency(plan: InstallPlan, said: str) -> InstallPlan | None:
    match = _MODULE.search(said)
    if match is None:
        return None
    module = match[1].partition(".")[0]
    package = _PACKAGES.get(module, module)
    if package in plan.first or module in ("pkg_resources", "distutils"):
        return None
    builders = () if set(_BUILDERS) <= set(plan.first) else _BUILDERS
    why = (
        f"a set-up script imports {module} before it is installed: {package} is installed first, and builds "
        "use what is installed"
    )
    return _with(plan, why, first=(*builders, *plan.first, package), build_isolation=False)


def _version_from_git(plan: InstallPlan, said: str) -> InstallPlan | None:
    asked = (
        "setuptools-scm was unable to detect version" in said
        or "setuptools_scm" in said.partition("LookupError")[2]
    )
    asked = asked or "Versioning for this project requires either an sdist" in said
    if not asked:
        return None
    why = "the version would come from git's history, which the working copy has not: 0.0.0 stands for it"
    return _with(plan, why, env=tuple(dict((*plan.env, *_SCM_VERSION)).items()))


def _script_without_function(plan: InstallPlan, said: str) -> InstallPlan | None:
    if not any(words in said for words in _ODD_SCRIPT):
        return None
    why = (
        "a console script names a module without a function, which pip refuses: the script is written by "
        "Honing and runs the module"
    )
    return _with(plan, why, own_scripts=True)


def _version_is_gone(plan: InstallPlan, said: str) -> InstallPlan | None:
    """An exact version that cannot be had or built on this Python becomes a lower bound."""
    found = _NO_MATCH.search(said)
    if found is None and (built := _NOT_BUILT.search(said)) is not None and built[2]:
        found = built
    if found is None or (found[1], found[2]) in plan.relaxed:
        return None
    why = (
        f"{found[1]}=={found[2]} cannot be installed on this Python: {found[1]}>={found[2]} is taken. "
        "Results may differ from the pinned version's"
    )
    return _with(plan, why, relaxed=(*plan.relaxed, (found[1], found[2])))


_REPAIRS: tuple[Callable[[InstallPlan, str], InstallPlan | None], ...] = (
    _pkg_resources,
    _version_from_git,
    _script_without_function,
    _imports_a_dependency,
    _version_is_gone,
)


def relaxed_text(text: str, relaxed: tuple[tuple[str, str], ...]) -> str:
    """A requirements or packaging file with the exact versions that became lower bounds."""
    for name, version in relaxed:
        loose = re.escape(name).replace(r"\-", "[-_.]").replace("_", "[-_.]")
        pattern = rf"(?i)(?<![\w.-])({loose}(?:\[[^\]]*\])?\s*)==(\s*{re.escape(version)})(?![\w.])"
        text = re.sub(pattern, r"\1>=\2", text)
    return text
