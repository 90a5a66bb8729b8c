"""Phase 1, the contextual patch test (CPT): does a note in context change the ending, and more than any note?

From each snapshot the student goes on under five conditions: base, placebo, demo, contrast, hint. Episode i
of every condition meets the same random numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from honing.learn import CONDITIONS, Lesson, diagnosis_from_kinds, patch_text, reason_from_kind
from honing.teach.desk import Desk
from honing.teach.labels.arms import Acting, Arm, Played, Trial, play
from honing.teach.labels.disruption import disruption
from honing.teach.labels.forcing import NO_ADVICE, NO_STATE
from honing.teach.labels.rates import rate_of, share_of
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
from honing.teach.phases.advise import ADVISED_SUCCEEDING
from honing.teach.phases.mine import SUCCEEDING
from honing.teach.phases.prepare import STUDENT, student_policy
from honing.teach.snapshot import PatchTest, Route, Snapshot
from honing.teach.study_spec import PatchTestSpec
from honing.teach.supervision import lesson_of

Json = Any

DISRUPTION = "phase1/disruption.json"
_AGAIN = "_retest"

Outcomes = Mapping[str, Sequence[int]]


def label_patch_test(desk: Desk) -> PhaseOutcome:
    """Try every patch on every snapshot, and on states that succeed."""
    student = Acting(policy=student_policy(desk.run), temperature=desk.spec.collect.temperature)
    done, episodes = patch_tests(desk, student, labeled(desk))
    harmless = _on_succeeding(desk, student)
    written = [*keep_labels(desk, done)]
    written.append(merge_into(desk, EPISODES, {"cpt": episodes, "cpt_succeeding": harmless}))
    reliability = reliability_of(done, episodes)
    written.append(merge_into(desk, RELIABILITY, {"ELP_net": reliability}))
    rates = disruption(_both_pairs(episodes), _both_pairs(harmless))
    desk.run.write_json(DISRUPTION, rates)
    found = [each.cpt for each in done if each.cpt is not None]
    return PhaseOutcome(
        summary={
            "labelled": len(found),
            "missing": why_missing(done, "cpt"),
            "routes": dict(sorted(Counter(each.route_net.value for each in found).items())),
            "ELP_net_retest": reliability["retest"]["rho"],
            "worth_above": {name: one["worth_above"]["p"] for name, one in rates.items()},
        },
        artifacts=(*written, DISRUPTION),
    )


def patch_tests(
    desk: Desk, student: Acting, snapshots: Sequence[Snapshot]
) -> tuple[list[Snapshot], dict[str, Json]]:
    """Every snapshot with its patch test, or with the reason why it has none.

    Args:
        desk: Of the study; `spec.cpt` says how many episodes and for how many steps a patch is shown.
        student: Who goes on.
        snapshots: With advice.

    Returns:
        The snapshots in order; and every outcome, by snapshot and arm.
    """
    lessons = {each.id: lesson for each in snapshots if (lesson := lesson_of(each)) is not None}
    missing = {each.id: NO_ADVICE for each in snapshots if each.id not in lessons}
    missing |= {each.id: NO_STATE for each in snapshots if each.env_state is None}
    trials = [
        Trial(snapshot=each, arms=arms_of(desk.spec.cpt, student, lessons[each.id]))
        for each in snapshots
        if each.id not in missing
    ]
    played = _played(desk, "cpt", student, trials)
    missing |= {name: f"tampered: {one.tampered}" for name, one in played.items() if one.tampered}
    done = [
        with_part(each, "cpt", None, missing=missing[each.id])
        if each.id in missing
        else with_part(each, "cpt", patch_test_of(played[each.id].outcomes, certain=student.certain))
        for each in snapshots
    ]
    return done, {name: dict(one.outcomes) for name, one in played.items() if not one.tampered}


def arms_of(spec: PatchTestSpec, student: Acting, lesson: Lesson) -> tuple[Arm, ...]:
    """The five conditions, and the fresh pair of each where a retest is asked for. All of one pair share
    their draws."""
    draws = {"": "cpt", _AGAIN: "cpt-again"} if spec.retest and not student.certain else {"": "cpt"}
    return tuple(
        Arm(
            name=f"{condition}{again}",
            n=1 if student.certain else spec.n_per_condition,
            draw=draw,
            patch=patch_text(condition, lesson),
            patch_steps=spec.patch_steps,
        )
        for again, draw in draws.items()
        for condition in CONDITIONS
    )


def patch_test_of(outcomes: Outcomes, *, certain: bool = False) -> PatchTest:
    """The patch test that outcomes make.

    Args:
        outcomes: 1 or 0 of each episode, by condition, and by condition with `_retest`.
        certain: Whether endings cannot vary.
    """
    p = {name: rate_of(outcomes[name], exact=certain) for name in CONDITIONS}
    net = {route: p[route.value].p - p["placebo"].p for route in Route}
    raw = {route: p[route.value].p - p["base"].p for route in Route}
    again = None
    if f"base{_AGAIN}" in outcomes:
        fresh = {name: share_of(outcomes[f"{name}{_AGAIN}"]) for name in CONDITIONS}
        again = {route: fresh[route.value] - fresh["placebo"] for route in Route}
    return PatchTest(
        p=p,
        delta_net=net,
        delta_raw=raw,
        ELP_net=max(net.values()),
        ELP_raw=max(raw.values()),
        route_net=best(net),
        ELP_net_retest=None if again is None else max(again.values()),
        delta_net_retest=again,
    )


def best(delta: Mapping[Route, float]) -> Route:
    """The route of the largest gain; the first of demo, contrast, hint among equals."""
    return max(Route, key=lambda route: delta[route])


def reliability_of(snapshots: Sequence[Snapshot], episodes: Mapping[str, Outcomes]) -> dict[str, Json]:
    """How far ELP_net can be believed.

    The largest of three noisy differences is too large on average. `ELP_net` against `same_route_again` says
    by how much: the second is the gain of the chosen route in fresh episodes, which no choice has lifted.
    """
    found = [each.cpt for each in snapshots if each.cpt is not None]
    twice = [each for each in found if each.delta_net_retest is not None]
    first = [each.ELP_net for each in twice]
    again = [each.ELP_net_retest for each in twice if each.ELP_net_retest is not None]
    kept = [each.delta_net_retest[each.route_net] for each in twice if each.delta_net_retest is not None]
    halves = [(_half(one, 0), _half(one, 1)) for one in episodes.values() if len(one["base"]) > 1]
    same = [float(best(each.delta_net_retest) is each.route_net) for each in twice if each.delta_net_retest]
    return {
        "retest": correlation(first, again),
        "retest_same_route": correlation(first, kept),
        "split_half": split_half([one for one, _ in halves], [two for _, two in halves]),
        "ELP_net": mean_of(first),
        "same_route_again": mean_of(kept),
        "same_route_share": sum(same) / len(same) if same else None,
    }


def _half(outcomes: Outcomes, begin: int) -> float:
    rates = {name: share_of(outcomes[name][begin::2]) for name in CONDITIONS}
    return max(rates[route.value] - rates["placebo"] for route in Route)


def _on_succeeding(desk: Desk, student: Acting) -> dict[str, Json]:
    """Outcomes of every condition from states of successful episodes; empty where there are none."""
    written = [name for name in (ADVISED_SUCCEEDING, SUCCEEDING) if (desk.run.path / name).exists()]
    if not written or not desk.spec.cpt.succeeding:
        return {}
    world = desk.world()
    rows = [each for each in desk.snapshots(written[0]) if each.env_state is not None]
    trials = []
    for each in rows[: desk.spec.cpt.succeeding]:
        lesson = lesson_of(each) or own_lesson(each, world.kind(each.action))
        trials.append(Trial(snapshot=each, arms=arms_of(desk.spec.cpt, student, lesson)))
    played = _played(desk, "cpt.succeeding", student, trials)
    return {name: dict(one.outcomes) for name, one in played.items() if not one.tampered}


def own_lesson(snapshot: Snapshot, kind: str) -> Lesson:
    """A lesson for a state of a successful episode that no teacher looked at: what was done there led to
    success, so a demo shows just that; the first other action stands for the wrong one."""
    others = [action for action in snapshot.valid_actions if action != snapshot.action]
    return Lesson(
        observation=snapshot.observation,
        action=snapshot.action,
        reason=reason_from_kind(kind),
        wrong=others[0] if others else "",
        diagnosis=diagnosis_from_kinds(kind),
    )


def _played(desk: Desk, step: str, student: Acting, trials: Sequence[Trial]) -> dict[str, Played]:
    found = play(desk, step, student, trials)
    return {trial.snapshot.id: one for trial, one in zip(trials, found, strict=True)}


def _both_pairs(episodes: Mapping[str, Outcomes]) -> dict[str, dict[str, list[int]]]:
    """Outcomes by condition, those of the retest after the others."""
    return {
        name: {each: [*arms[each], *arms.get(f"{each}{_AGAIN}", ())] for each in CONDITIONS}
        for name, arms in episodes.items()
    }


def _cost(desk: Desk) -> Cost:
    spec = desk.spec.cpt
    each = len(CONDITIONS) * spec.n_per_condition * (2 if spec.retest else 1)
    return Cost(episodes=each * (desk.spec.mine.max_snapshots + spec.succeeding))


PHASE = Phase(
    name="cpt",
    doing="try patches in context against a placebo",
    run=label_patch_test,
    reads=(STUDENT,),
    writes=(LABELED, LABELED_LIST, DISRUPTION, RELIABILITY, EPISODES),
    cost=_cost,
)
