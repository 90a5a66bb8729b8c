"""Many episodes in lock step: every policy call decides for all episodes in flight."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypedDict, Unpack

from honing.environments import Step, TextEnvironment, World, task_hash
from honing.errors import EnvironmentFaultError, ModelError
from honing.learn.episode import Episode, Keep, Move, Start
from honing.learn.policy import Policy, Situation, Turn, choose, draw

_DIGITS = 6
"""Log-probabilities are rounded so before an action is chosen: options that are equally likely stay equal,
whatever rows they were scored with."""


class Limits(TypedDict, total=False):
    """How far and how wide `roll_out` goes."""

    in_flight: int
    """Episodes under way at once; 64 where left out. It decides speed; results only where a draw falls within
    float rounding of a boundary between two actions."""
    max_steps: int | None
    """Actions of one episode at most, counted from its start; the world's own limit where None."""


def roll_out(
    policy: Policy,
    world: World,
    starts: Sequence[Start],
    *,
    temperature: float,
    seed: int,
    keep: Keep = Keep.ENDING,
    **limits: Unpack[Limits],
) -> list[Episode]:
    """Play an episode from every start.

    The action of step t (counted from the start of the task) follows from the policy's distribution and from
    `draw(seed, start.draw, task.id, t)`, so episodes of one name meet the same draws whatever else differs.

    Args:
        policy: Who acts. It may look into the environment, never step it.
        world: Where.
        starts: One per episode.
        temperature: 0 takes the likeliest action, 1 follows the distribution.
        seed: Of the draws.
        keep: What is kept of each episode.
        **limits: See `Limits`.

    Returns:
        One episode per start, in their order. One that cannot be trusted is marked `tampered`.

    Raises:
        ModelError: The policy cannot be asked, or gives no distribution.
        EnvironmentFaultError: A task is not of this world, or an environment fails.
    """
    table = _Table(world=world, keep=keep, max_steps=limits.get("max_steps"))
    waiting = iter(enumerate(starts))
    found: dict[int, Episode] = {}
    playing: list[_Seat] = []
    try:
        while True:
            playing += table.seated(waiting, limits.get("in_flight", 64) - len(playing))
            if not playing:
                break
            _decide(policy, playing, temperature=temperature, seed=seed)
            found |= {seat.index: seat.episode(policy.name) for seat in playing if seat.over}
            table.clear([seat for seat in playing if seat.over])
            playing = [seat for seat in playing if not seat.over]
    finally:
        table.close()
    return [found[index] for index in range(len(starts))]


def verified(world: World, episodes: Sequence[Episode]) -> list[Episode]:
    """The episodes, with those marked `tampered` that do not replay as they are told.

    Every episode that began at the start of its task is played again, and what it shows and what it earns is
    compared. Others are left as they are: restoring their state was their check. Data for training goes
    through here.
    """
    environment = world.make()
    try:
        return [
            replace(episode, tampered=_told_falsely(environment, episode))
            if episode.task_hash and not episode.tampered
            else episode
            for episode in episodes
        ]
    finally:
        environment.close()


def _told_falsely(environment: TextEnvironment, episode: Episode) -> str:
    """Why an episode cannot have gone as it is told; empty where it can."""
    step = environment.reset(episode.task)
    if (task_hash(step, episode.task), step.goal) != (episode.task_hash, episode.goal):
        return "its task shows something else now"
    for number, action in enumerate(episode.actions):
        if action not in step.actions:
            return f"action {number + 1}, {action!r}, is not valid there"
        if episode.moves and episode.moves[number].observation != step.observation:
            return f"before action {number + 1} something else is seen"
        step = environment.step(action)
        if episode.moves and episode.moves[number].reward != step.reward:
            return f"action {number + 1} earns {step.reward:g}, not {episode.moves[number].reward:g}"
    if (step.reward, step.success) != (episode.reward, episode.success):
        return f"it earns {step.reward:g}, not {episode.reward:g}"
    return ""


@dataclass(slots=True, kw_only=True)
class _Seat:
    """One episode under way."""

    index: int
    start: Start
    environment: TextEnvironment
    keep: Keep
    limit: int
    step: Step | None
    """What is seen now; None where the episode could not begin."""
    task_hash: str
    tampered: str = ""
    invalid_turns: int = 0
    taken: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    """Before each action of `taken`."""
    moves: list[Move] = field(default_factory=list)

    @property
    def over(self) -> bool:
        step = self.step
        ended = step is None or step.done or len(self.taken) >= self.limit
        return bool(ended or self.tampered or self.invalid_turns)

    def turn(self) -> Turn:
        """What the policy is asked."""
        assert self.step is not None
        shown = self.start.patch_steps is None or len(self.taken) < self.start.patch_steps
        situation = Situation(
            goal=self.step.goal,
            observation=self.step.observation,
            history=(*self.start.history, *self.taken),
            actions=self.step.actions,
            patch=self.start.patch if shown else "",
            seen=tuple(self.seen),
        )
        return Turn(situation=situation, environment=self.environment, adapter=self.start.adapter)

    def draw(self, seed: int) -> float:
        """The random number of the present step."""
        number = len(self.start.history) + len(self.taken)
        return draw(seed, self.start.draw, self.start.task.id, number)

    def act(self, action: str, logprobs: tuple[float, ...] = ()) -> None:
        """Take a valid action and look at what came of it."""
        before = self.step
        assert before is not None
        if self.environment.now() != before:
            self.tampered = "the environment changed while nobody acted"
            return
        state = self.environment.save() if self.keep is Keep.STATES else None
        counted = self.environment.steps_taken
        after = self.environment.step(action)
        if after.reward > before.reward and self.environment.steps_taken <= counted:
            self.tampered = f"the reward rose to {after.reward:g} without a step"
        self.tampered = self.tampered or _incredible(after)
        self.taken.append(action)
        self.seen.append(before.observation)
        self.step = after
        if self.keep is not Keep.ENDING:
            self.moves.append(
                Move(
                    observation=before.observation,
                    actions=before.actions,
                    action=action,
                    logprobs=logprobs,
                    reward=after.reward,
                    state=state,
                )
            )

    def force(self) -> None:
        """Take the action that the start forces, if it forces one."""
        if not self.start.forced or self.over:
            return
        assert self.step is not None
        if self.start.forced not in self.step.actions:
            self.tampered = f"the forced action {self.start.forced!r} is not valid there"
            return
        self.act(self.start.forced)

    def episode(self, policy: str) -> Episode:
        """How it went."""
        step = self.step
        return Episode(
            task=self.start.task,
            task_hash=self.task_hash,
            goal=step.goal if step is not None else "",
            actions=tuple(self.taken),
            reward=step.reward if step is not None else 0.0,
            success=step is not None and step.success,
            policy=policy,
            tampered=self.tampered,
            invalid_turns=self.invalid_turns,
            moves=tuple(self.moves),
        )


@dataclass(slots=True, kw_only=True)
class _Table:
    """Where episodes are played: environments are made as they are needed and used again."""

    world: World
    keep: Keep
    max_steps: int | None
    free: list[TextEnvironment] = field(default_factory=list)
    made: list[TextEnvironment] = field(default_factory=list)

    def seated(self, waiting: Iterator[tuple[int, Start]], count: int) -> list[_Seat]:
        """The next episodes, begun."""
        seats = []
        for _ in range(count):
            following = next(waiting, None)
            if following is None:
                break
            seats.append(self._begun(*following))
        return seats

    def clear(self, seats: Sequence[_Seat]) -> None:
        """Take back the environments of ended episodes."""
        self.free += [seat.environment for seat in seats]

    def close(self) -> None:
        for environment in self.made:
            environment.close()

    def _begun(self, index: int, start: Start) -> _Seat:
        environment = self._environment()
        tampered, step, identity = "", None, ""
        if start.state is None:
            step = environment.reset(start.task)
            identity = task_hash(step, start.task)
            tampered = "there was a reward before any action" if step.reward > 0 else ""
        else:
            try:
                step = environment.restore(start.state)
            except EnvironmentFaultError as error:
                tampered = f"the saved state does not replay: {error}"
        seat = _Seat(
            index=index,
            start=start,
            environment=environment,
            keep=self.keep,
            limit=self.world.max_steps if self.max_steps is None else self.max_steps,
            step=step,
            task_hash=identity,
            tampered=tampered or (_incredible(step) if step is not None else ""),
        )
        seat.force()
        return seat

    def _environment(self) -> TextEnvironment:
        if not self.free:
            self.free.append(self.world.make())
            self.made.append(self.free[-1])
        return self.free.pop()


def _decide(policy: Policy, seats: Sequence[_Seat], *, temperature: float, seed: int) -> None:
    """One action for every episode that is not over."""
    asked = [seat for seat in seats if not seat.over]
    if not asked:
        return
    turns = [seat.turn() for seat in asked]
    given = policy.logprobs(turns)
    if len(given) != len(turns):
        raise ModelError(f"{policy.name}: {len(turns)} turns were asked, {len(given)} answered.")
    for seat, turn, logprobs in zip(asked, turns, given, strict=True):
        actions = turn.situation.actions
        if len(logprobs) != len(actions) or any(math.isnan(value) for value in logprobs):
            raise ModelError(
                f"{policy.name}: expected a log-probability for each of {len(actions)} actions, found "
                f"{list(logprobs)}."
            )
        if max(logprobs) == -math.inf:
            seat.invalid_turns += 1
            continue
        rounded = tuple(round(value, _DIGITS) for value in logprobs)
        chosen = choose(rounded, temperature=temperature, u=seat.draw(seed))
        seat.act(actions[chosen], rounded)


def _incredible(step: Step) -> str:
    """Why a step cannot be what the world really showed; empty where it can."""
    if not 0.0 <= step.reward <= 1.0:
        return f"the reward {step.reward!r} is outside 0 to 1"
    if step.success and not step.done:
        return "success was claimed before the end"
    if not step.done and not step.actions:
        return "there is no valid action, and the episode is not over"
    return ""
