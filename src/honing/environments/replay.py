"""Saved states for worlds that cannot write their own: the task, the actions, and the hash of every step.

Restoring begins the task again, takes the actions and compares the hash at every step. Where a world's
episodes can be copied in memory, it does so once per saved state and process: later restores copy what was
verified.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, Protocol

from honing.environments.base import Json, Step, Task
from honing.errors import EnvironmentFaultError

_DIGITS = 8
"""Of a step's hash, how many a saved state keeps; the last step's is kept whole."""
_REMEMBERED = 512


class Play(Protocol):
    """One episode of a world, as the world's own code plays it. It knows no limit of steps."""

    def show(self) -> Step:
        """The state an agent stands in now."""
        ...

    def act(self, action: str) -> None:
        """Take an action of `show().actions`."""
        ...

    def freeze(self) -> Callable[[], Play] | None:
        """Something that makes independent copies of the present state; None where it cannot be copied."""
        ...

    def close(self) -> None: ...


class PlayMemory:
    """Episodes begun or replayed in this process, to be copied. A world's environments share one."""

    def __init__(self, limit: int = _REMEMBERED) -> None:
        self._limit = limit
        self._kept: OrderedDict[str, tuple[Callable[[], Play], Step]] = OrderedDict()

    def find(self, key: str) -> tuple[Play, Step] | None:
        """A fresh copy and what it shows."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        self._kept.move_to_end(key)
        return kept[0](), kept[1]

    def keep_begun(self, task: Task, play: Play) -> None:
        """Remember how a task begins."""
        self.keep(_key([task.as_document()]), play, play.show())

    def keep(self, key: str, play: Play, shown: Step) -> None:
        """Remember an episode, where it can be copied; forget the one unused for longest."""
        frozen = play.freeze()
        if frozen is None:
            return
        self._kept[key] = (frozen, shown)
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)


class ReplayedEnvironment:
    """A text environment over a world's plays. See `TextEnvironment` for what its methods promise.

    A task whose parameter `steps` is lower than the world's limit ends after so many steps.
    """

    def __init__(
        self,
        world: str,
        begin: Callable[[Task], Play],
        *,
        max_steps: int,
        memory: PlayMemory | None = None,
    ) -> None:
        self._world = world
        self._begin = begin
        self._max_steps = max_steps
        self._memory = PlayMemory() if memory is None else memory
        self._task: Task | None = None
        self._play: Play | None = None
        self._now: Step | None = None
        self._actions: list[str] = []
        self._hashes: list[str] = []

    @property
    def task(self) -> Task:
        if self._task is None:
            raise self._fault("no episode was begun. Call reset first")
        return self._task

    @property
    def goal(self) -> str:
        return self.now().goal

    @property
    def steps_taken(self) -> int:
        return len(self._actions)

    @property
    def play(self) -> Play:
        """The episode under way, for a world's own expert."""
        if self._play is None:
            raise self._fault("no episode was begun. Call reset first")
        return self._play

    def now(self) -> Step:
        if self._now is None:
            raise self._fault("no episode was begun. Call reset first")
        return self._now

    def valid_actions(self) -> tuple[str, ...]:
        return self.now().actions

    def reset(self, task: Task) -> Step:
        self.close()
        key = _key([task.as_document()])
        known = self._memory.find(key)
        if known is None:
            play = self._begin(task)
            known = play, play.show()
            self._memory.keep(key, *known)
        self._play, shown = known
        self._task, self._actions, self._hashes = task, [], []
        return self._arrive(shown)

    def step(self, action: str) -> Step:
        self.check_action(action)
        self.play.act(action)
        self._actions.append(action)
        return self._arrive(self.play.show())

    def check_action(self, action: str) -> None:
        """Raise unless the action may be taken now.

        Raises:
            EnvironmentFaultError: It is not one of the valid ones, or the episode is over.
        """
        now = self.now()
        if now.done:
            raise self._fault(f"the episode is over, {action!r} cannot be taken. Call reset")
        if action not in now.actions:
            raise self._fault(
                f"{action!r} is not a valid action after {len(self._actions)} steps; valid are "
                f"{', '.join(map(repr, now.actions))}"
            )

    def save(self) -> dict[str, Json]:
        return {
            "world": self._world,
            "task": self.task.as_document(),
            "actions": list(self._actions),
            "hashes": "".join(found[:_DIGITS] for found in self._hashes),
            "hash": self._hashes[-1],
        }

    def restore(self, state: Mapping[str, Json]) -> Step:
        saved = _checked(state, self._world)
        key = _key(saved)
        known = self._memory.find(key)
        if known is None:
            self._replay(saved)
            self._memory.keep(key, self.play, self.now())
            return self.now()
        self.close()
        self._play, self._now = known
        self._task, self._actions = Task.from_document(saved["task"]), list(saved["actions"])
        prefixes = saved["hashes"]
        self._hashes = [prefixes[at : at + _DIGITS] for at in range(0, len(prefixes) - _DIGITS, _DIGITS)]
        self._hashes.append(saved["hash"])
        return self._now

    def fork(self) -> ReplayedEnvironment:
        other = type(self)(self._world, self._begin, max_steps=self._max_steps, memory=self._memory)
        frozen = self.play.freeze()
        if frozen is None:
            other.restore(self.save())
            return other
        other._task, other._play, other._now = self.task, frozen(), self.now()
        other._actions, other._hashes = list(self._actions), list(self._hashes)
        return other

    def close(self) -> None:
        if self._play is not None:
            self._play.close()
        self._play = self._now = None

    def _arrive(self, shown: Step) -> Step:
        """Note where the episode is, with the limit of steps applied."""
        limit = min(self._max_steps, self.task.parameters.get("steps", self._max_steps))
        if not shown.done and len(self._actions) >= limit:
            shown = replace(shown, done=True, actions=())
        self._now = shown
        self._hashes.append(shown.hash())
        return shown

    def _replay(self, saved: Mapping[str, Json]) -> None:
        task = Task.from_document(saved["task"])
        self.reset(task)
        self._verify(saved, "the start of the task")
        for number, action in enumerate(saved["actions"], start=1):
            try:
                self.step(action)
            except EnvironmentFaultError as error:
                why = str(error).rstrip(".")
                raise self._fault(f"task {task.id!r} cannot be replayed: at step {number}: {why}") from error
            self._verify(saved, f"step {number}, {action!r}")
        if self._hashes[-1] != saved["hash"]:
            raise self._differs(saved["hash"], "the last step")

    def _verify(self, saved: Mapping[str, Json], where: str) -> None:
        at = (len(self._hashes) - 1) * _DIGITS
        wanted = saved["hashes"][at : at + _DIGITS]
        if not self._hashes[-1].startswith(wanted):
            raise self._differs(wanted, where)

    def _differs(self, wanted: str, where: str) -> EnvironmentFaultError:
        return self._fault(
            f"task {self.task.id!r} replays otherwise: after {where} the state has the hash "
            f"{self._hashes[-1][: len(wanted)]}, saved was {wanted}. The state was changed, or comes from "
            "other options or package versions; compare the world's identity"
        )

    def _fault(self, text: str) -> EnvironmentFaultError:
        return EnvironmentFaultError(f"{self._world}: {text}.")


class AdvisingPlay(Play, Protocol):
    """An episode with an expert inside."""

    def advise(self, knows: Collection[str] | None) -> str:
        """See `KnowsBest.expert_action`."""
        ...


class ExpertEnvironment(ReplayedEnvironment):
    """One whose plays advise."""

    def expert_action(self, knows: Collection[str] | None = None) -> str:
        """See `KnowsBest`."""
        if self.now().done:
            raise self._fault("the episode is over, there is nothing to advise")
        play: AdvisingPlay = self.play  # type: ignore[assignment]
        return play.advise(knows)


def _key(document: Any) -> str:
    return json.dumps(document, sort_keys=True)


def _checked(state: Mapping[str, Json], world: str) -> dict[str, Json]:
    """A saved state of the right form.

    Raises:
        EnvironmentFaultError: It is of another form or another world.
    """
    wanted = {"world": str, "task": dict, "actions": list, "hashes": str, "hash": str}
    found = {name: state.get(name) for name in wanted}
    wrong = [name for name, kind in wanted.items() if not isinstance(found[name], kind)]
    if wrong or set(state) != set(wanted):
        raise EnvironmentFaultError(
            f"{world}: a saved state has the keys {', '.join(wanted)} with their kinds of value, got "
            f"{', '.join(map(str, state)) or 'none'}."
        )
    if found["world"] != world:
        raise EnvironmentFaultError(f"{world}: the saved state belongs to the world {found['world']!r}.")
    steps = len(found["actions"])  # type: ignore[arg-type]
    if len(found["hashes"]) != _DIGITS * (steps + 1):  # type: ignore[arg-type]
        raise EnvironmentFaultError(
            f"{world}: a saved state of {steps} actions needs {steps + 1} hashes of {_DIGITS} digits."
        )
    return found
