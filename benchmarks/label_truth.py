"""Labels against their closed form on the scripted chain: bias, error, coverage of the intervals.

    python benchmarks/label_truth.py [--snapshots 400] [--seed 5] [--write benchmarks/results/label-truth.md]

The student's chances are stated, so every success rate is known exactly (`honing.environments.chain_truth`).
Prints Markdown; the same arguments print the same text.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb, prod
from pathlib import Path
from statistics import fmean, pvariance
from typing import Any

from honing.environments import ChainPolicy, ChainTruth, TruthOptions, World, chain_truth, world_named
from honing.learn import Episode, Keep, Start, draw, roll_out
from honing.stats import Interval, mean_interval, spearman_interval, wilson
from honing.store import Run
from honing.teach.desk import Desk
from honing.teach.labels.arms import Acting
from honing.teach.phases.leverage import leverages
from honing.teach.phases.patch_test import patch_tests
from honing.teach.phases.quadrants import chance_of_high_leverage
from honing.teach.snapshot import Advice, Leverage, Route, Snapshot
from honing.teach.study_spec import StudySpec

CHAIN = "honing.environments:ChainPolicy"
STUDENT = Acting(policy={"kind": CHAIN})
EXPERT = Acting(policy={"kind": CHAIN, "expert": True})
"""Errs now and then, so that p_expert is no matter of 0 and 1."""
WORLDS: Mapping[str, dict[str, Any]] = {
    "as drawn by default": {},
    "without pits, short": {"length": 4, "pit_share": 0.0, "stay_share": 0.4},
}
CPT_SIZES = (2, 4, 8)
COLUMNS = (
    "| quantity | n | mean truth | bias | 95% interval of bias | RMSE | coverage, all | "
    "coverage, ending open |"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """One label of every snapshot beside its truth."""

    name: str
    truth: tuple[float, ...]
    found: tuple[float, ...]
    limits: tuple[tuple[float, float], ...] = ()
    """Of the 95% intervals; empty where the label has none."""
    open_to_chance: tuple[bool, ...] = ()
    """Whether the truth is neither bound to fail nor bound to succeed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Snapshots of one kind of chain, and the study that labels them."""

    name: str
    options: dict[str, Any]
    world: World
    snapshots: tuple[Snapshot, ...]
    truth: tuple[ChainTruth, ...]
    seed: int

    def desk(self, folder: Path, **parts: Any) -> Desk:
        """A fresh run."""
        document = {"seed": self.seed, "environment": {"name": "scripted", "options": self.options}, **parts}
        run = Run.create(folder, kind="teach", config={}, command=[], seed=self.seed)
        return Desk(run=run, spec=StudySpec.model_validate(document), workers=0)


def main() -> None:
    options = _options()
    parts = [
        f"# Labels against the closed form ({options.snapshots} snapshots a chain, seed {options.seed})\n"
    ]
    for name, chosen in WORLDS.items():
        scene = _scene(name, chosen, options.snapshots, options.seed)
        with tempfile.TemporaryDirectory() as scratch:
            parts += [f"## Chains {name}: `{chosen}`\n", *_leverage(scene, Path(scratch))]
            parts += _payoff(scene, Path(scratch))
    text = "\n".join(parts) + "\n"
    print(text, end="")
    if options.write:
        Path(options.write).write_text(text, encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--snapshots", type=int, default=400)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--write", default="", help="also write the text to this file")
    return parser.parse_args()


def _leverage(scene: Scene, folder: Path) -> list[str]:
    """The table of rates and differences at the counts of the plan, 7, 7 and 2; retest with fresh draws."""
    done, episodes = leverages(scene.desk(folder / "leverage"), STUDENT, EXPERT, scene.snapshots)
    found = [one.leverage for one in done if one.leverage is not None]
    quantities = [
        _rate(scene, found, "p_policy"),
        _rate(scene, found, "p_force"),
        _rate(scene, found, "p_expert"),
        _difference(scene, found, "L_local"),
        _difference(scene, found, "L_upper"),
    ]
    retest = spearman_interval(
        [one.L_local for one in found], [one.L_local_retest or 0.0 for one in found], seed=scene.seed
    )
    known = spearman_interval([one.L_local for one in found], [one.L_local for one in scene.truth])
    return [
        *_table(quantities),
        "",
        f"L_local against its retest: rho {retest}; against the truth: rho {known}.",
        f"Variance of L_local's error, shared draws over fresh draws: {_sharing(scene, episodes):.2f}.",
        _quadrants(scene, found),
        "",
    ]


def _payoff(scene: Scene, folder: Path) -> list[str]:
    """ELP_net at several numbers of episodes, and what is left of it when its route is measured again."""
    lines = [
        "| episodes per condition | mean truth | bias of ELP_net | bias were no draws shared (exact) | "
        "chosen route, measured again: bias | best route found | rho with the truth |",
        "|---" * 7 + "|",
    ]
    truth = [one.ELP_net for one in scene.truth]
    for n in CPT_SIZES:
        desk = scene.desk(folder / f"cpt{n}", cpt={"n_per_condition": n})
        rows = [one.cpt for one in patch_tests(desk, STUDENT, scene.snapshots)[0] if one.cpt is not None]
        again = [one.delta_net_retest[one.route_net] for one in rows if one.delta_net_retest is not None]
        chosen = [
            known.delta_net()[one.route_net.value] for one, known in zip(rows, scene.truth, strict=True)
        ]
        worth = [(one, known) for one, known in zip(chosen, truth, strict=True) if known > 0.05]
        best = fmean(one >= known - 1e-9 for one, known in worth)
        rho = spearman_interval([one.ELP_net for one in rows], truth)
        lines.append(
            f"| {n} | {fmean(truth):.3f} | {_bias([one.ELP_net for one in rows], truth)} | "
            f"{fmean(_lift(one, n) for one in scene.truth):+.3f} | {_bias(again, chosen)} | "
            f"{best:.2f} of {len(worth)} | {rho} |"
        )
    return [*lines, ""]


def _lift(truth: ChainTruth, n: int) -> float:
    """How far the mean of the largest of three rates, each of n episodes of its own, lies above the largest
    true one: E max - max E, where P(max <= k) is the product of the three binomial distributions."""
    rates = [truth.p[route.value] for route in Route]
    below = [prod(_at_most(k, n, rate) for rate in rates) for k in range(n)]
    return (n - sum(below)) / n - max(rates)


def _at_most(k: int, n: int, rate: float) -> float:
    return sum(comb(n, hits) * rate**hits * (1 - rate) ** (n - hits) for hits in range(k + 1))


def _rate(scene: Scene, found: Sequence[Leverage], name: str) -> Quantity:
    truth = tuple(float(getattr(one, name)) for one in scene.truth)
    rates = [getattr(one, name) for one in found]
    return Quantity(
        name=name,
        truth=truth,
        found=tuple(rate.p for rate in rates),
        limits=tuple((rate.low, rate.high) for rate in rates),
        open_to_chance=tuple(1e-12 < known < 1 - 1e-12 for known in truth),
    )


def _difference(scene: Scene, found: Sequence[Leverage], name: str) -> Quantity:
    return Quantity(
        name=name,
        truth=tuple(float(getattr(one, name)) for one in scene.truth),
        found=tuple(float(getattr(one, name)) for one in found),
        limits=tuple((getattr(one, f"{name}_low"), getattr(one, f"{name}_high")) for one in found),
        open_to_chance=tuple(1e-12 < one.p_force < 1 - 1e-12 for one in scene.truth),
    )


def _table(quantities: Sequence[Quantity]) -> list[str]:
    lines = [COLUMNS, "|---" * 8 + "|"]
    for one in quantities:
        errors = [found - known for found, known in zip(one.found, one.truth, strict=True)]
        bias = mean_interval(errors, bounds=(-2.0, 2.0))
        held = [
            low - 1e-9 <= known <= high + 1e-9
            for (low, high), known in zip(one.limits, one.truth, strict=True)
        ]
        inner = [yes for yes, free in zip(held, one.open_to_chance, strict=True) if free]
        lines.append(
            f"| {one.name} | {len(errors)} | {fmean(one.truth):.3f} | {bias.estimate:+.3f} | "
            f"{bias.low:+.3f} to {bias.high:+.3f} | {fmean(e * e for e in errors) ** 0.5:.3f} | "
            f"{_share(held)} | {_share(inner)} |"
        )
    return lines


def _sharing(scene: Scene, episodes: Mapping[str, Mapping[str, Sequence[int]]]) -> float:
    """How much of the variance of L_local is left when both arms meet the same draws."""
    shared, fresh = [], []
    for known, one in zip(scene.truth, episodes.values(), strict=True):
        shared.append(fmean(one["force"]) - fmean(one["policy"]) - known.L_local)
        fresh.append(fmean(one["force"]) - fmean(one["policy_retest"]) - known.L_local)
    return pvariance(shared) / pvariance(fresh)


def _quadrants(scene: Scene, found: Sequence[Leverage]) -> str:
    """Whether P(L_local is high) means what it says."""
    threshold = sorted(one.L_local for one in scene.truth)[len(scene.truth) * 3 // 4]
    said = [chance_of_high_leverage(one, threshold) for one in found]
    true = [float(known.L_local > threshold) for known in scene.truth]
    sure = [yes for chance, yes in zip(said, true, strict=True) if chance >= 0.9]
    unlikely = [yes for chance, yes in zip(said, true, strict=True) if chance <= 0.1]
    return (
        f"P(L_local > {threshold:.3f}), its upper quartile in truth: said {fmean(said):.3f} on average, true "
        f"of {fmean(true):.3f}; where at least .9 was said, true of {_share(sure)}; where at most .1, true "
        f"of {_share(unlikely)}."
    )


def _bias(found: Sequence[float], truth: Sequence[float]) -> str:
    errors = [one - known for one, known in zip(found, truth, strict=True)]
    return _signed(mean_interval(errors, bounds=(-2.0, 2.0)))


def _signed(found: Interval) -> str:
    return f"{found.estimate:+.3f} ({found.low:+.3f} to {found.high:+.3f})"


def _share(flags: Sequence[float]) -> str:
    if not flags:
        return "none"
    found = wilson(round(sum(flags)), len(flags))
    return f"{found.estimate:.3f} ({found.low:.3f} to {found.high:.3f}, n {len(flags)})"


def _scene(name: str, options: dict[str, Any], n: int, seed: int) -> Scene:
    """A moment of each of the student's failed episodes, with advice, and what is true of it."""
    world = world_named("scripted", options)
    snapshots: list[Snapshot] = []
    size = 0
    while len(snapshots) < n:
        tasks = world.tasks("collect", size + 500, seed=seed)[size:]
        size += 500
        starts = [Start(task=task, draw="collect") for task in tasks]
        played = roll_out(ChainPolicy(), world, starts, temperature=1.0, seed=seed, keep=Keep.STATES)
        snapshots += [_moment(world, one) for one in played if not one.success]
    kept = tuple(snapshots[:n])
    return Scene(
        name=name,
        options=options,
        world=world,
        snapshots=kept,
        truth=tuple(_truth(world, one) for one in kept),
        seed=seed,
    )


def _moment(world: World, episode: Episode) -> Snapshot:
    step = int(draw("moment", episode.task.id) * len(episode.moves))
    move = episode.moves[step]
    environment: Any = world.make()
    environment.restore(move.state or {})
    return Snapshot(
        id=f"{episode.task.id}-{step}",
        task=episode.task.as_document(),
        task_hash=episode.task_hash,
        goal=episode.goal,
        observation=move.observation,
        valid_actions=list(move.actions),
        history=list(episode.actions[:step]),
        action=move.action,
        action_kind=world.kind(move.action),
        step_index=step,
        n_steps=len(episode.actions),
        env_state=dict(move.state or {}),
        advice=Advice(
            suggested_action=environment.expert_action(),
            rationale="it leads on",
            diagnosis="the sign was not minded",
            teacher="expert",
        ),
    )


def _truth(world: World, snapshot: Snapshot) -> ChainTruth:
    advice = snapshot.advice
    assert advice is not None
    options = TruthOptions(max_steps=world.max_steps, forced=advice.suggested_action, wrong=snapshot.action)
    return chain_truth(snapshot.env_state or {}, options=options)


if __name__ == "__main__":
    main()
