"""Labelled snapshots made up for tests of what comes after labelling: chains of the scripted world with
labels that follow from what is seen, so that a predictor can find the relation, or shuffled, so that none
can."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from honing.environments import ScriptedWorld, Task, task_hash
from honing.executors import Budget
from honing.store import Run
from honing.teach.desk import Desk
from honing.teach.snapshot import (
    Advice,
    Leverage,
    PatchTest,
    Profile,
    Quadrant,
    Rate,
    Route,
    Snapshot,
    Uncertainty,
)
from honing.teach.study_spec import StudySpec

HARD = ("leaf", "bell", "fish", "tree")


def rate(p: float, n: int = 10) -> Rate:
    return Rate(p=p, n=n, low=max(0.0, p - 0.2), high=min(1.0, p + 0.2))


def labelled_snapshots(
    n: int, *, seed: int = 0, shuffled: bool = False, noise: float = 0.1
) -> list[Snapshot]:
    """`n` snapshots of as many tasks. Under a hard sign forcing helps (L_local about .8), elsewhere not;
    before a pit the student is unsure (U about 1.2), elsewhere sure; ELP_net is 0.9 L_local, and contrast
    pays best before a pit."""
    draws = random.Random(seed)
    world = ScriptedWorld()
    bare = [_bare(world, task, draws) for task in world.tasks("collect", n)]
    truths = [_truth(snapshot, draws, noise) for snapshot in bare]
    if shuffled:
        draws.shuffle(truths)
    return [_labelled(snapshot, *truth) for snapshot, truth in zip(bare, truths, strict=True)]


def _bare(world: ScriptedWorld, task: Task, draws: random.Random) -> Snapshot:
    environment = world.make()
    step = first = environment.reset(task)
    history: list[str] = []
    rewards: list[float] = []
    for _ in range(draws.randrange(5)):
        history.append(environment.expert_action())
        step = environment.step(history[-1])
        rewards.append(step.reward)
    right = environment.expert_action()
    wrong = draws.choice([action for action in step.actions if action != right])
    return Snapshot(
        id=f"{task.id}-{len(history)}",
        task=task.as_document(),
        task_hash=task_hash(first, task),
        goal=step.goal,
        observation=step.observation,
        valid_actions=list(step.actions),
        history=history,
        action=wrong,
        action_kind=world.kind(wrong),
        step_index=len(history),
        n_steps=15,
        env_state=environment.save(),
        rewards=rewards,
        start_observation=first.observation,
        advice=Advice(suggested_action=right, rationale="It fits the sign.", teacher="expert"),
    )


def _truth(snapshot: Snapshot, draws: random.Random, noise: float) -> tuple[float, float]:
    """U and L_local."""
    hard = any(sign in snapshot.observation for sign in HARD)
    pit = "into a pit" in snapshot.observation
    u = (1.2 if pit else 0.4) + draws.gauss(0.0, noise)
    return max(0.01, u), min(1.0, max(-1.0, (0.8 if hard else 0.05) + draws.gauss(0.0, noise)))


def _labelled(snapshot: Snapshot, u: float, l_local: float) -> Snapshot:
    elp = round(0.9 * l_local, 6)
    best = Route.CONTRAST if u > 0.8 else Route.DEMO
    delta = {route: elp if route is best else elp - 0.3 for route in Route}
    high_u, high_l = u > 0.8, l_local > 0.4
    quadrant = {
        (True, True): Quadrant.Q1,
        (True, False): Quadrant.Q2,
        (False, False): Quadrant.Q3,
        (False, True): Quadrant.Q4,
    }[high_u, high_l]
    return snapshot.model_copy(
        update={
            "U": u,
            "uncertainty": Uncertainty(
                entropy=u, margin=1 / (1 + u), topk_spread=1 / (1 + u), effective_actions=1 + u,
                length_normalised=-u, n_actions=len(snapshot.valid_actions),
            ),
            "leverage": Leverage(
                p_policy=rate(0.1), p_force=rate(max(0.0, min(1.0, 0.1 + l_local))), p_expert=rate(0.9),
                L_local=l_local, L_local_low=l_local - 0.2, L_local_high=l_local + 0.2,
                L_upper=0.8, L_upper_low=0.5, L_upper_high=0.95, profile=Profile.MIXED,
                forced_action=snapshot.advice.suggested_action if snapshot.advice else "",
                L_local_retest=l_local,
            ),
            "cpt": PatchTest(
                p={name: rate(0.5, 2) for name in ("base", "placebo", "demo", "contrast", "hint")},
                delta_net=delta, delta_raw=delta, ELP_net=elp, ELP_raw=elp, route_net=best,
                ELP_net_retest=elp,
            ),
            "quadrant": quadrant,
        }
    )  # fmt: skip


def made_run(home: Path, name: str = "made") -> Run:
    """An empty run folder of a study."""
    return Run.create(home, kind="teach", config={}, command=("hone", "teach", "run"), seed=0, name=name)


def made_desk(home: Path, snapshots: list[Snapshot], *, name: str = "made", **spec: Any) -> Desk:
    """A desk on a run that holds these labelled snapshots; work is done in this process."""
    run = made_run(home, name)
    run.write_jsonl("phase1/labeled_snapshots.jsonl", [each.as_document() for each in snapshots])
    study = StudySpec.model_validate({"environment": {"name": "scripted"}, **spec})
    return Desk(run=run, spec=study, workers=0, budget=Budget())
