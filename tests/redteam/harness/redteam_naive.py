"""An attack on the naive judge, in a sandbox that holds what it needs and nothing else of the machine."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from naive import PORT
from redteam_attack import Attack, Effect
from redteam_lab import CANARY, Lab, agent_text, carriers, differences, digests, open_lab, plant

from honing.sandbox import BubblewrapSandbox, Command, Ending, Finished, Limits, Mount, python_mounts

_PROGRAM = Path(__file__).with_name("naive.py")
_LIMITS = Limits(wall_s=90.0, memory_bytes=200 * 1024**2, processes=100, disk_bytes=512 * 1024**2)
_HANGING_S = 6.0


class Naive:
    """What became of the naive judge."""

    def __init__(self, finished: Finished, lab: Lab, before: dict[str, str], others: dict[str, str]) -> None:
        self.finished = finished
        self.said = f"{finished.stdout}\n{finished.stderr}\n{finished.ending.value}"
        lines = finished.stdout.splitlines()
        self.report = json.loads(lines[-1]) if finished.ok and lines else {}
        self.score = self.report.get("score", "")
        self.effects = frozenset(self._effects(lab, before, others))

    def _effects(self, lab: Lab, before: dict[str, str], others: dict[str, str]) -> list[Effect]:
        runs = lab.folder / "naive"
        table = runs / "ledger.tsv"
        changed = differences(before, lab.watched())
        held = {
            Effect.FULL_SCORE: self.score == "1.0",
            Effect.NO_NUMBER: bool(self.report) and not _is_score(self.score),
            Effect.HUNG: self.finished.ending is Ending.TIMEOUT,
            Effect.DIED: self.finished.ending is not Ending.TIMEOUT and not self.finished.ok,
            Effect.HOST: any(not path.endswith("/late") for path in changed),
            Effect.SURVIVED: (lab.host / "late").exists(),
            Effect.OTHERS: bool(differences(others, digests(runs / "candidates" / "c0000"))),
            Effect.LEAKED: bool(carriers(runs / "store") + carriers(runs / "candidates")),
            Effect.HEARD: self.report.get("heard", 0) > 0,
            Effect.MISJUDGED: "a command timed out" in self.said,
            Effect.STARVED: any(sign in self.said for sign in ("timed out", "could not be started")),
            Effect.RAW: table.exists() and b"\x1b" in table.read_bytes(),
        }
        return [effect for effect, here in held.items() if here]


def naively(attack: Attack, folder: Path) -> Naive:
    """Judge an attack naively.

    Args:
        attack: Which.
        folder: An empty folder for it.
    """
    lab = open_lab(folder, attack, home=folder / "home", runs=folder / "naive", port=PORT)
    runs = folder / "naive"
    workspace = runs / "candidates" / "c0001" / "workspace"
    shutil.copytree(lab.project / "baseline", workspace)
    plant(workspace, attack.files, lab.words)
    (runs / "store").mkdir()
    other = runs / "candidates" / "c0000"
    other.mkdir()
    (other / "c0000.json").write_text('{"score": 0.2}')
    before, others = lab.watched(), digests(other)
    return Naive(BubblewrapSandbox().run(_command(attack, lab)), lab, before, others)


def _command(attack: Attack, lab: Lab) -> Command:
    texts = [text for text in (attack.agent, *attack.files.values()) if isinstance(text, str)]
    waits = "waits" if any("@HOST@/late" in text for text in texts) else "goes on"
    limits, base = _LIMITS, os.path.realpath(Path(sys.base_prefix) / "bin")
    if attack.effect is Effect.HUNG:
        limits = Limits(wall_s=_HANGING_S, memory_bytes=limits.memory_bytes)
    return Command(
        argv=(sys.executable, str(_PROGRAM), attack.course, str(lab.folder), agent_text(attack, lab), waits),
        workdir=lab.folder,
        mounts=(Mount(lab.folder, writable=True), Mount(_PROGRAM), *python_mounts()),
        env={
            "PATH": f"{Path(sys.executable).parent}:{base}:/usr/bin:/bin",
            "HOME": str(lab.home),
            "API_KEY": CANARY,
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        limits=limits,
    )


def _is_score(text: str) -> bool:
    try:
        return 0 <= float(text) <= 1 and text not in ("True", "False")
    except ValueError:
        return False
