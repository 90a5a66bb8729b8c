"""Where the commands of a contract run: the same folders, variables and sandbox for every measurement of a
run."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from honing.contract.asking.rollout import Plan
from honing.contract.stages.concealing import secret_values
from honing.contract.stages.limits import Deadline
from honing.contract.stages.runtime_env import RuntimeEnv
from honing.contract.stages.stage import StageContext
from honing.contract.workbench.environment import BuiltEnvironment
from honing.llm import Channel
from honing.sandbox import Capability, Forward, Mount, Sandbox, python_mounts

GATEWAY_PORT = 4141
"""Where a command with a network of its own finds the gateway."""

UNATTENDED = {
    "CI": "1",
    "DEBIAN_FRONTEND": "noninteractive",
    "NEEDRESTART_MODE": "a",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
    "PIP_NO_INPUT": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "npm_config_yes": "true",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "TERM": "dumb",
    "MPLBACKEND": "Agg",
    "WANDB_MODE": "offline",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "SE_AVOID_STATS": "true",
}
"""Nobody is there to answer, no screen is there to draw on, and nothing is to be reported to anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every stage sees, beside its own variables."""

    run_id: str
    sandbox: Sandbox | None
    """None where the contract has no command."""
    record: Callable[[str, Mapping[str, Any]], Any]
    env: Mapping[str, str] = field(default_factory=dict)
    """The user's variables."""
    mounts: tuple[Mount, ...] = ()
    """Read-only folders and files that the user's variables name."""
    max_command_s: float | None = None
    deadline: Deadline | None = None
    built: BuiltEnvironment | None = None
    """The target's own environment, where it has one."""
    runtime: RuntimeEnv = field(default_factory=RuntimeEnv)
    """What the deployment told."""

    def context(self, folder: Path, channel: Channel | None, plan: Plan | None) -> StageContext:
        """The context of one measurement's stages; a stage without a channel reaches no model."""
        assert self.sandbox is not None  # chosen whenever a stage has commands
        address, forwards = self._way_to_gateway(channel)
        # Only what asks the model sees them: what judges must not read what the judged brought.
        asks = plan is not None and channel is not None
        shown = {name: folder.path for name, folder in plan.folders.items()} if plan and asks else {}
        return StageContext(
            sandbox=self.sandbox,
            workspace=folder,
            env={
                **self._base(folder),
                **(channel.env(address) if channel is not None else {}),
                **(_plan_env(plan) if plan is not None else {}),
                "HONING_RUN_ID": self.run_id,
                **self.runtime.variables(),
                **self.env,
                **(plan.env if plan is not None else {}),
                **{name: str(path) for name, path in shown.items()},
            },
            mounts=(
                *python_mounts(),
                *(self.built.mounts if self.built is not None else ()),
                *self.mounts,
                *(Mount(path) for path in shown.values()),
            ),
            forwards=forwards,
            record=self.record,
            max_command_s=self.max_command_s,
            deadline=self.deadline,
            secrets=secret_values(self.env, plan.env if plan is not None else {}),
            model_calls=(lambda: channel.counts().calls) if channel is not None else lambda: 0,
        )

    def _base(self, folder: Path) -> dict[str, str]:
        path = f"{Path(sys.base_prefix) / 'bin'}:/usr/local/bin:/usr/bin:/bin"
        own = {} if self.built is None else self.built.env(folder, path)
        return {
            "PATH": path,
            "HOME": "/tmp",
            "TMPDIR": "/tmp",
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            **UNATTENDED,
            "HONING_TARGET": str(folder),
            **own,
        }

    def _way_to_gateway(self, channel: Channel | None) -> tuple[str | None, tuple[Forward, ...]]:
        """The gateway's address as the command sees it, and the forward that leads there."""
        if channel is None or channel.socket is None or self.sandbox is None:
            return None, ()
        port = port_inside(self.sandbox, GATEWAY_PORT)
        return f"127.0.0.1:{port}", (Forward(port, channel.socket),)


def port_inside(sandbox: Sandbox, wanted: int) -> int:
    """A port for a forward: the wanted one where commands have a network of their own, else one that nobody
    has now."""
    if Capability.NET_CUT in sandbox.capabilities:
        return wanted
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _plan_env(plan: Plan) -> Mapping[str, str]:
    return {
        "HONING_MODEL": plan.model,
        "OPENAI_MODEL": plan.model,
        "HONING_LIMIT": "" if plan.limit is None else str(plan.limit),
        "HONING_SEED": str(plan.seed),
    }
