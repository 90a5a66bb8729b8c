"""A small project that is judged in this process: a harness is good when it holds the right words."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.agents import AgentTask, ScriptedAgent
from honing.harness.project import Project, SearchSettings, Spending
from honing.harness.tasks.base import Cascade, Place, TaskScore, TaskStatus

RIGHT = tuple(f"right{number}" for number in range(8))
WRONG = tuple(f"wrong{number}" for number in range(8))


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsTask:
    """The share of its words that a file holds; each wrong word in it takes one away."""

    id: str = "words"
    words: tuple[str, ...] = RIGHT
    path: str = "prompt.md"
    weight: float = 1.0
    log: Path | None = None
    """Where each judgement is noted, one line each."""
    cascade: Cascade = Cascade.STATIC
    shares: str = ""
    deterministic: bool = True
    pause_s: float = 0.0
    """How long a judgement takes at least."""
    noise: float = 0.0
    """Standard deviation of what a seed adds, for a task that is not deterministic."""

    def identity(self) -> Mapping[str, Any]:
        return {"type": "words", "words": list(self.words), "path": self.path, "noise": self.noise}

    def judge(self, place: Place, seed: int) -> TaskScore:
        time.sleep(self.pause_s)
        text = (place.read_text(self.path) or "").split()
        if self.log is not None:
            with self.log.open("a") as stream:
                stream.write(f"{self.id}\t{seed}\t{' '.join(text)}\n")
        right = sum(word in text for word in self.words) - sum(word in WRONG for word in text)
        score = right / len(self.words)
        if self.noise:
            score += random.Random(f"{self.id}/{seed}/{text}").gauss(0.0, self.noise)
        missing = [word for word in self.words if word not in text]
        return TaskScore(
            status=TaskStatus.SCORED,
            score=min(1.0, max(0.0, score)),
            reason=f"{len(missing)} words are missing" if missing else "",
        )


def one_more_word(task: AgentTask) -> dict[str, str]:
    """Adds a word, drawn by the number that every proposal has for itself."""
    draw = random.Random(task.env["HONING_PROPOSAL_SEED"])
    text = (task.workspace / "prompt.md").read_text()
    return {"prompt.md": f"{text}{draw.choice([*RIGHT, *WRONG])}\n"}


def guesser() -> ScriptedAgent:
    return ScriptedAgent(one_more_word, name="guesser", reads_brief=False)


def words_project(folder: Path, **changes: Any) -> Project:
    """The project; `proposals`, `in_flight`, `control` and `search` may be given by name."""
    baseline = folder / "baseline"
    baseline.mkdir(parents=True, exist_ok=True)
    (baseline / "prompt.md").write_text("right0\n")
    search = {name: changes.pop(name) for name in ("name", "in_flight", "control") if name in changes}
    spending = {name: changes.pop(name) for name in ("proposals", "task_runs", "wall_s") if name in changes}
    return Project(
        **{
            "folder": folder,
            "file": folder / "honing.yaml",
            "name": "words",
            "objective": "hold the right words",
            "baseline": baseline,
            "tasks": (WordsTask(),),
            "search": SearchSettings(**search),
            "spending": Spending(**{"proposals": 6, **spending}),
            **changes,
        }
    )
