"""Phase 1, leverage: what it is worth to act otherwise at a snapshot, by episodes from its saved state.

p_policy: the student goes on. p_force: the right action is forced, then the student goes on. p_expert: the
expert acts to the end. Episode i of the first two meets the same random numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from honing.stats import Interval
from honing.teach.desk import Desk
from honing.teach.labels.arms import Acting, Arm, Played, Trial, play
from honing.teach.labels.depth import Depth, DepthOptions, depths_by_episodes, depths_from_labels
from honing.teach.labels.forcing import NO_ACTION, forced_actions, unplayable
from honing.teach.labels.rates import difference, paired_difference, rate_of, share_of
from honing.teach.labels.reliability import correlation, mean_of, split_half
from honing.teach.labels.rows import (
    EPISODES,
    LABELED,
    LABELED_LIST,
    RELIABILITY,
    keep_labels,
    labeled,
    merge_into,
    why_missing,
    with_part,
)
from honing.teach.phase import Cost, Phase, PhaseOutcome
from honing.teach.phases.collect import expert_policy
from honing.teach.phases.prepare import STUDENT, student_policy
from honing.teach.snapshot import Leverage, Profile, Rate, Snapshot
from honing.teach.study_spec import LeverageSpec

Json = Any

_AGAIN = "_retest"


def label_leverage(desk: Desk) -> PhaseOutcome:
    """Measure the leverage of every snapshot that can be played from."""
    student = Acting(policy=student_policy(desk.run), temperature=desk.spec.collect.temperature)
    expert = Acting(policy=expert_policy(desk), temperature=0.0)
    done, episodes = leverages(desk, student, expert, labeled(desk))
    written = [*keep_labels(desk, done)]
    written.append(merge_into(desk, EPISODES, {"leverage": episodes}))
    reliability = reliability_of(done, episodes)
    written.append(merge_into(desk, RELIABILITY, {"L_local": reliability}))
    found = [each.leverage for each in done if each.leverage is not None]
    return PhaseOutcome(
        summary={
            "labelled": len(found),
            "missing": why_missing(done, "leverage"),
            "profiles": dict(sorted(Counter(each.profile.value for each in found).items())),
            "L_local_zero": sum(each.L_local == 0 for each in found),
            "L_local_retest": reliability["retest"]["rho"],
        },
        artifacts=tuple(written),
    )


def leverages(
    desk: Desk, student: Acting, expert: Acting, snapshots: Sequence[Snapshot]
) -> tuple[list[Snapshot], dict[str, Json]]:
    """Every snapshot with its leverage, or with the reason why it has none.

    Args:
        desk: Of the study; `spec.leverage` says how many episodes.
        student: Who goes on.
        expert: Who acts in p_expert, and whose action is forced where the teacher gave none.
        snapshots: From a student's trajectories (experiment A) or an expert's (B).

    Returns:
        The snapshots in order; and every outcome, by snapshot and arm.
    """
    missing = unplayable(desk, expert, snapshots)
    playable = [each for each in snapshots if each.id not in missing]
    forced = forced_actions(desk, expert, playable, step="leverage.forced")
    trials = [
        Trial(snapshot=each, arms=_arms(desk.spec.leverage, student, forced[each.id])) for each in playable
    ]
    by_student = play(desk, "leverage.student", student, trials)
    n_expert = 1 if expert.certain else desk.spec.leverage.n_expert
    shown = [
        Trial(snapshot=each, arms=(Arm(name="expert", n=n_expert, draw="leverage"),)) for each in playable
    ]
    by_expert = play(desk, "leverage.played", expert, shown)
    played = {
        each.id: _joined(one, two) for each, one, two in zip(playable, by_student, by_expert, strict=True)
    }
    # Nothing forced is the student against itself, which is no leverage of 0.
    missing |= {name: NO_ACTION for name, action in forced.items() if not action}
    missing |= {name: f"tampered: {one.tampered}" for name, one in played.items() if one.tampered}
    certain = (student.certain, expert.certain)
    done = [
        with_part(each, "leverage", None, missing=missing[each.id])
        if each.id in missing
        else with_part(each, "leverage", leverage_of(played[each.id].outcomes, forced[each.id], certain))
        for each in snapshots
    ]
    outcomes = {name: dict(one.outcomes) for name, one in played.items() if name not in missing}
    return _with_depths(desk, student, expert, done), outcomes


def _arms(spec: LeverageSpec, student: Acting, forced: str) -> tuple[Arm, ...]:
    """The arms that the student plays. Those that are compared with one another share their draws."""
    n_policy, n_force = (1, 1) if student.certain else (spec.n_policy, spec.n_force)
    first = (
        Arm(name="policy", n=n_policy, draw="leverage"),
        Arm(name="force", n=n_force, draw="leverage", forced=forced),
    )
    if not spec.retest or student.certain:
        return first
    again = (
        Arm(name=f"policy{_AGAIN}", n=n_policy, draw="leverage-again"),
        Arm(name=f"force{_AGAIN}", n=n_force, draw="leverage-again", forced=forced),
    )
    return first + again


def leverage_of(
    outcomes: Mapping[str, Sequence[int]], forced: str, certain: tuple[bool, bool] = (False, False)
) -> Leverage:
    """The leverage that outcomes make.

    Args:
        outcomes: 1 or 0 of each episode: `policy`, `force`, `expert`, and of the first two also `_retest`.
        forced: The action that was forced.
        certain: Whether the endings of the student, of the expert, cannot vary.
    """
    policy = rate_of(outcomes["policy"], exact=certain[0])
    force = rate_of(outcomes["force"], exact=certain[0])
    expert = rate_of(outcomes["expert"], exact=certain[1])
    local, upper = _local(outcomes, policy, force), difference(expert, policy)
    again = None
    if f"policy{_AGAIN}" in outcomes:
        again = share_of(outcomes[f"force{_AGAIN}"]) - share_of(outcomes[f"policy{_AGAIN}"])
    return Leverage(
        p_policy=policy,
        p_force=force,
        p_expert=expert,
        L_local=local.estimate,
        L_local_low=local.low,
        L_local_high=local.high,
        L_upper=upper.estimate,
        L_upper_low=upper.low,
        L_upper_high=upper.high,
        profile=profile_of(local.estimate, upper.estimate),
        forced_action=forced,
        L_local_retest=again,
    )


def profile_of(local: float, upper: float) -> Profile:
    """What leverage says about a snapshot.

    - deadend: even the expert gains less than 0.3.
    - bottleneck: one action gains more than 0.3 and leaves less than 0.2 to gain.
    - trajectory: one action gains less than 0.2 and leaves more than 0.2: it takes several.
    - mixed: anything else.
    """
    if upper < 0.3:
        return Profile.DEADEND
    if local > 0.3 and upper - local < 0.2:
        return Profile.BOTTLENECK
    if local < 0.2 and upper - local > 0.2:
        return Profile.TRAJECTORY
    return Profile.MIXED


def _local(outcomes: Mapping[str, Sequence[int]], policy: Rate, force: Rate) -> Interval:
    if policy.exact or policy.n != force.n:
        return difference(force, policy)
    return paired_difference(outcomes["force"], outcomes["policy"])


def _with_depths(desk: Desk, student: Acting, expert: Acting, done: Sequence[Snapshot]) -> list[Snapshot]:
    spec = desk.spec.leverage
    if spec.max_depth:
        options = DepthOptions(max_depth=spec.max_depth, n_force=spec.n_force, n_expert=spec.n_expert)
        depths = depths_by_episodes(desk, student, expert, done, options)
    else:
        depths = depths_from_labels(done)
    return [_deep(each, depths.get(each.id, Depth())) for each in done]


def _deep(snapshot: Snapshot, depth: Depth) -> Snapshot:
    if snapshot.leverage is None:
        return snapshot
    found = snapshot.leverage.model_copy(update={"d_force": depth.force, "d_expert": depth.expert})
    return snapshot.model_copy(update={"leverage": found})


def reliability_of(
    snapshots: Sequence[Snapshot], episodes: Mapping[str, Mapping[str, Sequence[int]]]
) -> dict[str, Json]:
    """How far L_local can be believed: against a measurement of its own kind, and half against half.

    `shrinkage` is the mean of L_local where it is above the median of the first measurement, in the second:
    what is left of high labels when they are measured again.
    """
    found = [each.leverage for each in snapshots if each.leverage is not None]
    pairs = [(each.L_local, each.L_local_retest) for each in found if each.L_local_retest is not None]
    halves = [(_half(one, 0), _half(one, 1)) for one in episodes.values() if len(one["policy"]) > 1]
    middle = sorted(first for first, _ in pairs)[len(pairs) // 2] if pairs else 0.0
    high = [(first, second) for first, second in pairs if first > middle]
    return {
        "retest": correlation([first for first, _ in pairs], [second for _, second in pairs]),
        "split_half": split_half([first for first, _ in halves], [second for _, second in halves]),
        "high_first": mean_of([first for first, _ in high]),
        "high_again": mean_of([second for _, second in high]),
    }


def _half(outcomes: Mapping[str, Sequence[int]], begin: int) -> float:
    return share_of(outcomes["force"][begin::2]) - share_of(outcomes["policy"][begin::2])


def _joined(student: Played, expert: Played) -> Played:
    return Played(
        outcomes={**student.outcomes, **expert.outcomes}, tampered=student.tampered or expert.tampered
    )


def _cost(desk: Desk) -> Cost:
    spec = desk.spec.leverage
    each = (spec.n_policy + spec.n_force) * (2 if spec.retest else 1) + spec.n_expert
    deeper = spec.max_depth * (spec.n_force + spec.n_expert)
    return Cost(episodes=desk.spec.mine.max_snapshots * (each + deeper))


PHASE = Phase(
    name="leverage",
    doing="measure what acting otherwise is worth",
    run=label_leverage,
    reads=(STUDENT,),
    writes=(LABELED, LABELED_LIST, RELIABILITY, EPISODES),
    cost=_cost,
)
