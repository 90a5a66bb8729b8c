"""What there is where an agent works: looked at once per run, in the sandbox that the agent gets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from honing.sandbox import Capability, Command, Limits, Mount, Sandbox

PROGRAMS = (
    "bash", "python3", "pip3", "uv", "git", "make", "gcc", "cc", "node", "npm", "java", "go", "cargo",
    "rustc", "ruby", "perl", "sqlite3", "jq", "curl", "rg", "patch", "diff", "awk", "sed",
)  # fmt: skip
"""Programs that are looked for. Of those with a version option their first line is kept."""
_WITH_VERSION = ("bash", "python3", "git", "gcc", "node", "java", "make")
_PATH = "/usr/local/bin:/usr/bin:/bin"
_NUMBER = re.compile(r"\d+\.\d+[\w.+-]*")
_SCRIPT = f"""\
echo "platform $(uname -s -m)"
[ -r /etc/os-release ] && . /etc/os-release && echo "distribution $PRETTY_NAME"
echo "cpus $(nproc)"
for program in {" ".join(PROGRAMS)}; do
  command -v "$program" > /dev/null 2>&1 || continue
  echo "program $program"
done
for program in {" ".join(_WITH_VERSION)}; do
  command -v "$program" > /dev/null 2>&1 || continue
  echo "version $program $("$program" --version 2>&1 < /dev/null | head -n 1)"
done
"""
_WALL_S = 60.0


def surroundings_of(sandbox: Sandbox, folder: Path) -> dict[str, Any]:
    """Platform, interpreter and programs as an agent finds them.

    Keep the result in the run (`Memo`): briefs are then the same in a session on another machine.

    Args:
        sandbox: The one that agents run in.
        folder: An empty folder of ours.

    Returns:
        `platform`, `distribution`, `cpus`, `programs` (version by name, empty where it was not asked), and
        `problem` where the look failed.

    Raises:
        SandboxError: The sandbox itself failed.
    """
    inside = Path("/workspace") if Capability.PID_NAMESPACE in sandbox.capabilities else folder
    command = Command(
        argv=("bash", "-c", _SCRIPT),
        workdir=inside,
        mounts=(Mount(folder, inside, writable=True),),
        env={"PATH": _PATH, "HOME": str(inside), "LANG": "C.UTF-8"},
        limits=Limits(wall_s=_WALL_S),
    )
    finished = sandbox.run(command)
    found: dict[str, Any] = {"platform": "", "distribution": "", "cpus": 0, "programs": {}, "problem": ""}
    if not finished.ok:
        found["problem"] = f"the look at the surroundings ended with {finished.ending.value}"
        return found
    for line in finished.stdout.splitlines():
        _note(found, *line.partition(" ")[::2])
    return found


def _note(found: dict[str, Any], key: str, value: str) -> None:
    if key in ("platform", "distribution"):
        found[key] = value.strip()[:100]
    elif key == "cpus" and value.strip().isdigit():
        found["cpus"] = int(value)
    elif key == "program" and value in PROGRAMS:
        found["programs"].setdefault(value, "")
    elif key == "version":
        name, _, said = value.partition(" ")
        number = _NUMBER.search(said)
        if name in found["programs"] and number is not None:
            found["programs"][name] = number[0]
