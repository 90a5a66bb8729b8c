"""Which sandbox to use here: tried, never assumed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from honing.errors import HoningError, MissingToolError, UsageError
from honing.sandbox.base import Capability, Sandbox
from honing.sandbox.bubblewrap import BRIDGE_INSIDE, BubblewrapSandbox
from honing.sandbox.cgroups import sweep
from honing.sandbox.landlock import LandlockSandbox
from honing.sandbox.processes import end_unstarted
from honing.sandbox.selfcheck import Proof
from honing.sandbox.unconfined import UnconfinedSandbox

MAKERS: Mapping[str, Callable[[], BubblewrapSandbox | LandlockSandbox | UnconfinedSandbox]] = {
    "bubblewrap": BubblewrapSandbox,
    "landlock": LandlockSandbox,
    "unconfined": UnconfinedSandbox,
}
"""Every sandbox by name, the strongest first."""
AUTOMATIC = ("bubblewrap", "landlock")
"""What `auto` may choose, in this order. `unconfined` has to be asked for."""
SMALLEST = frozenset(
    {
        Capability.HOME_HIDDEN,
        Capability.HOST_READ_ONLY,
        Capability.ENV_CLEAN,
        Capability.PRIVILEGES_DROPPED,
        Capability.TREE_KILLED,
        Capability.NET_PORT_ONLY,
    }
)
"""Without all of these, `auto` does not choose a sandbox."""
FIXES: Mapping[str, str] = {
    "bubblewrap": (
        "install it (Debian: apt-get install bubblewrap; Fedora: dnf install bubblewrap) "
        "and allow user namespaces: on Ubuntu 24.04 `sysctl kernel.apparmor_restrict_unprivileged_userns=0`, "
        "in Docker `--security-opt seccomp=unconfined`"
    ),
    "landlock": "use Linux 6.12 or newer with `landlock` in its `lsm=` list; bubblewrap gives the rest",
    "unconfined": "ask for it by name (`--sandbox unconfined`) where nothing else works",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxStatus:
    """One sandbox on this machine, as `hone doctor` shows it."""

    name: str
    ready: bool
    """Whether it starts commands at all."""
    capabilities: frozenset[Capability]
    """Protections that held under attack."""
    reason: str
    """Why it is not ready or what it does not give; empty where it gives everything."""
    fix: str
    """What to do about it; empty where nothing need be done."""


def choose(name: str = "auto") -> Sandbox:
    """The sandbox of that name, or with `auto` the strongest one that held under attack.

    What a Honing that was killed left behind is removed first: control groups with what runs in them, and
    sandboxes that were just being set up.

    Raises:
        UsageError: There is no such sandbox.
        MissingToolError: It does not work here, or with `auto` none does; the text says how to get one.
    """
    sweep()
    end_unstarted(BRIDGE_INSIDE.encode())
    if name == "auto":
        return _choose_strongest()
    if name not in MAKERS:
        raise UsageError(f"--sandbox {name}: no such sandbox; choose auto, {', '.join(MAKERS)}")
    status = _describe(name)
    if not status.ready:
        raise MissingToolError(
            f"--sandbox {name}: does not work here: {status.reason} To fix it: {status.fix}."
        )
    return MAKERS[name]()


def _choose_strongest() -> Sandbox:
    refused = []
    for name in AUTOMATIC:
        status = _describe(name)
        missing = sorted(SMALLEST - status.capabilities)
        if status.ready and not missing:
            return MAKERS[name]()
        why = status.reason if not status.ready else f"does not give {', '.join(missing)}"
        refused.append(f"{name}: {why} (fix: {status.fix or FIXES[name]})")
    raise MissingToolError(
        "no sandbox works on this machine, and nothing is run without one. "
        + "; ".join(refused)
        + ". Or choose `--sandbox unconfined` to accept the risk; the choice is recorded beside every result."
    )


def describe() -> list[SandboxStatus]:
    """Every sandbox on this machine, tried out (once per process), the strongest first."""
    return [_describe(name) for name in MAKERS]


def _describe(name: str) -> SandboxStatus:
    try:
        found = MAKERS[name]().proof
    except HoningError as error:
        found = Proof(frozenset(), str(error), works=False)
    missing = sorted(set(Capability) - found.capabilities)
    reason = found.reason or (f"does not give {', '.join(missing)}" if missing else "")
    return SandboxStatus(
        name=name,
        ready=found.works,
        capabilities=found.capabilities,
        reason=reason,
        fix=FIXES[name] if reason else "",
    )
