"""The same attacks on Honing: a process with a key in its environment, which is told what to judge.

    python redteam_protected.py HOME      and one line of JSON for each attack: its name, and a folder

It answers with one line for each: how the candidate ended, and what was found afterwards.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redteam_attack import Attack
from redteam_everything import BY_NAME
from redteam_lab import (
    CANARY,
    Lab,
    agent_text,
    alive,
    carriers,
    differences,
    mark_of,
    open_lab,
    plant,
    raw_signs,
)

from honing.agents import Agent, AgentOutcome, AgentRun, AgentSettings, AgentTask, agent_named
from honing.harness import Asked, OptimizeOptions, OptimizeResult, load_project, optimize_project
from honing.sandbox import Cancel
from honing.store import TreeStore

_HANGING_S = 4.0
heard: list[bytes] = []


@dataclass(frozen=True)
class Planter:
    """An agent of ours that leaves what an attack says, links and pipes too."""

    attack: Attack
    words: Mapping[str, str]
    name: str = "planter"
    reads_brief: bool = False

    def run(self, task: AgentTask, *, cancel: Cancel | None = None) -> AgentRun:
        del cancel
        plant(task.workspace, self.attack.files, self.words)
        return AgentRun(agent=self.name, outcome=AgentOutcome.FINISHED)


def attacked(attack: Attack, folder: Path, home: Path, port: int) -> dict[str, Any]:
    """Judge an attack with Honing.

    Args:
        attack: Which.
        folder: An empty folder for it.
        home: Of the user whose key is at stake.
        port: Where a server of the machine listens.
    """
    runs = folder / "runs"
    lab = open_lab(folder, attack, home=home, runs=runs, port=port)
    before, listened = lab.watched(), len(heard)
    asked = Asked(proposals=1, control="none", timeout_s=_HANGING_S if attack.outcome == "timeout" else 60.0)
    result = optimize_project(
        load_project(lab.project),
        OptimizeOptions(
            agent=_agent(attack, lab),
            asked=asked,
            home=runs,
            run_name="run",
            workers=1,
            endpoints={"OPENAI_API_KEY": CANARY},
        ),
    )
    made = result.ledger.candidates[1]
    return {
        "outcome": made.outcome.value,
        "score": made.score,
        "sentence": made.sentence,
        "improved": result.improved,
        "changed": differences(before, lab.watched()),
        "leaked": carriers(runs),
        "alive": alive(mark_of(folder)),
        "damaged": _damaged(result, runs),
        "raw": raw_signs(runs / "run"),
        "heard": len(heard) - listened,
    }


def _agent(attack: Attack, lab: Lab) -> Agent:
    if not attack.agent:
        return Planter(attack, lab.words)
    return agent_named(
        "command", AgentSettings(options={"argv": ["bash", "-c", agent_text(attack, lab)]}, base=lab.folder)
    )


def _damaged(result: OptimizeResult, runs: Path) -> list[str]:
    """What of the run is not as it must be."""
    trees = TreeStore(runs / "trees")
    found = [f"tree {tree}" for tree in trees.trees() if not trees.verify(tree).ok]
    if not result.run.evidence().verify().ok:
        found.append("evidence")
    if [each.id for each in result.ledger.candidates] != ["c0000", "c0001"]:
        found.append("ledger")
    if result.baseline.outcome.value != "baseline" or result.winner is not result.baseline:
        found.append("baseline")
    return found


@contextmanager
def listening() -> Iterator[int]:
    """A server of the machine that nothing may reach; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    heard.append(connection.recv(4096))

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]


class Protected:
    """The process that judges, for as long as somebody asks it."""

    def __init__(self, home: Path) -> None:
        self._home = home
        home.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "API_KEY": CANARY, "HOME": str(home)},
        )

    def judge(self, attack: Attack, folder: Path) -> dict[str, Any]:
        """What Honing makes of an attack; see `attacked`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([attack.name, str(folder)]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the judge ended with {self._process.wait()}"
        found: dict[str, Any] = json.loads(line)
        assert "broke" not in found, found["broke"]
        return found

    def __enter__(self) -> Protected:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait()


def main() -> None:
    home = Path(sys.argv[1])
    with listening() as port:
        for line in sys.stdin:
            name, folder = json.loads(line)
            try:
                found = attacked(BY_NAME[name], Path(folder), home, port)
            except Exception:  # noqa: BLE001 - the next attack is judged all the same
                found = {"broke": traceback.format_exc()}
            sys.stdout.write(json.dumps(found) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
