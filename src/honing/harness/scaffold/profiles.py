"""What a new project can start from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from honing.errors import UsageError
from honing.harness.scaffold.template import write_project

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One beginning."""

    name: str
    sentence: str
    template: str
    """Its folder among the templates."""


PROFILES = (
    Profile(
        name="standard",
        sentence="a small Python project with tasks of each kind, to be replaced by your own",
        template="standard",
    ),
    Profile(
        name="local-oss-smoke",
        sentence="two texts and one script: does a local model edit anything at all? (baseline 0.200)",
        template="smoke",
    ),
    Profile(
        name="local-oss-medium",
        sentence="two texts and three scripts that depend on each other, for a local model (baseline 0.0625)",
        template="medium",
    ),
)


def write_scaffold(folder: Path, profile: str = "standard", *, legacy: bool = False) -> tuple[str, ...]:
    """Write a new project.

    Args:
        folder: Must not exist, or be empty.
        profile: Name of one of `PROFILES`.
        legacy: Whether as metaharness.json and tasks.json, for the predecessor as well.

    Returns:
        The files written, relative to the folder, sorted.

    Raises:
        UsageError: There is no such profile, or something lies there already; nothing is written then.
    """
    known = {one.name: one for one in PROFILES}
    if profile not in known:
        raise UsageError(f"--profile {profile!r}: there is no such profile; there are {', '.join(known)}.")
    source = _TEMPLATES / known[profile].template
    return write_project((source / "project", source / ("legacy" if legacy else "own")), folder)
