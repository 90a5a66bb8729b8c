"""Any Gymnasium environment whose observations are texts and whose actions have names, as a world.

The environment is the user's own; what it must do is to be the same again when it is reset with the same
seed. A saved state is replayed, so that a world which is not shows it at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from honing.environments.base import Json, Step, Task
from honing.environments.drawing import checked_split, drawn_seed
from honing.environments.options import as_plain, options_from
from honing.environments.replay import ExpertEnvironment, ReplayedEnvironment
from honing.errors import EnvironmentFaultError, MissingToolError, UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class GymnasiumOptions:
    """Which environment, and where it says what an agent needs."""

    environment: str
    """An id that Gymnasium knows, or `module:factory` of one's own."""
    arguments: dict[str, Any] = field(default_factory=dict)
    """Passed on when the environment is made."""
    actions: tuple[str, ...] = ()
    """Names of a discrete action space, in its order; all are valid at any time. Empty where the environment
    lists texts."""
    actions_key: str = "admissible_commands"
    """Key of `info` with the list of valid texts, where `actions` is empty."""
    observation_key: str = ""
    """Key of the observation where that is a mapping."""
    goal: str = ""
    """The goal, where it is always the same."""
    goal_key: str = "goal"
    """Key of `info` with the goal, where `goal` is empty."""
    expert_key: str = ""
    """Key of `info` with an expert's action; empty where there is no expert."""
    success_key: str = ""
    """Key of `info` that is true where the task is solved; empty takes a terminated episode whose rewards sum
    up to `success_reward`."""
    success_reward: float = 1.0
    max_steps: int = 50


class GymnasiumWorld:
    """See `World` for what its methods promise."""

    name = "gymnasium_text"
    facts: tuple[str, ...] = ()
    escapes: tuple[str, ...] = ()

    def __init__(self, options: GymnasiumOptions) -> None:
        self.options = options
        self.max_steps = options.max_steps

    @classmethod
    def from_options(cls, options: Mapping[str, Json]) -> GymnasiumWorld:
        """A world with its options.

        Raises:
            UsageError: There is no such option, or no environment is named.
        """
        found = options_from(GymnasiumOptions, options, world="gymnasium_text")
        if found.success_reward <= 0:
            raise UsageError("gymnasium_text: the option 'success_reward' must be above 0.")
        return cls(found)

    def identity(self) -> dict[str, Json]:
        return {"name": self.name, "options": as_plain(self.options), "packages": _versions()}

    def make(self) -> ReplayedEnvironment:
        _versions()
        kind = ExpertEnvironment if self.options.expert_key else ReplayedEnvironment
        return kind(self.name, self._begin, max_steps=self.max_steps)

    def tasks(self, split: str, n: int, *, seed: int = 0) -> list[Task]:
        checked_split(split)
        seeds = [drawn_seed("gymnasium", split, seed, at) for at in range(n)]
        # What the seed hides inside the environment cannot be seen, so the seed itself tells tasks apart.
        return [
            Task(id=f"{split}-{seed}-{at}", seed=each, parameters={"seed": each})
            for at, each in enumerate(seeds)
        ]

    def kind(self, action: str) -> str:
        words = action.split()
        return words[0] if words else action

    def _begin(self, task: Task) -> GymnasiumPlay:
        return GymnasiumPlay(_made(self.options), self.options, task.seed)


class GymnasiumPlay:
    """One episode of a Gymnasium environment."""

    def __init__(self, environment: Any, options: GymnasiumOptions, seed: int) -> None:
        self._environment = environment
        self._options = options
        self._observation, self._info = environment.reset(seed=seed)
        self._earned = 0.0
        self._over = False
        self._success = False

    def show(self) -> Step:
        options = self._options
        return Step(
            goal=options.goal or self._named(options.goal_key, "goal"),
            observation=self._text(),
            actions=() if self._over else self._actions(),
            reward=min(max(self._earned, 0.0), 1.0),
            done=self._over,
            success=self._success,
        )

    def act(self, action: str) -> None:
        options = self._options
        taken: Any = options.actions.index(action) if options.actions else action
        self._observation, reward, terminated, truncated, self._info = self._environment.step(taken)
        self._earned += float(reward)
        self._over = bool(terminated or truncated)
        if options.success_key:
            self._success = self._over and bool(self._info.get(options.success_key, False))
        else:
            # Sums of tenths and the like do not add up exactly.
            self._success = bool(terminated) and self._earned >= options.success_reward - 1e-9

    def advise(self, knows: Collection[str] | None) -> str:
        found = self._info.get(self._options.expert_key)
        if found not in self._actions():
            raise EnvironmentFaultError(
                f"gymnasium_text: info[{self._options.expert_key!r}] of {self._options.environment} must be "
                f"one of the valid actions, got {found!r}."
            )
        return str(found)

    def freeze(self) -> None:
        """Somebody's environment is replayed, not copied."""

    def close(self) -> None:
        self._environment.close()

    def _actions(self) -> tuple[str, ...]:
        if self._options.actions:
            return self._options.actions
        found = self._info.get(self._options.actions_key)
        texts = isinstance(found, Sequence) and not isinstance(found, str)
        if not texts or not found or not all(isinstance(text, str) for text in found):
            raise EnvironmentFaultError(
                f"gymnasium_text: info[{self._options.actions_key!r}] of {self._options.environment} must be "
                f"a list of texts, got {found!r}. Name the key by 'actions_key', or the actions by 'actions'."
            )
        return tuple(dict.fromkeys(found))

    def _text(self) -> str:
        found = self._observation
        if self._options.observation_key and isinstance(found, Mapping):
            found = found.get(self._options.observation_key)
        if not isinstance(found, str):
            raise EnvironmentFaultError(
                f"gymnasium_text: {self._options.environment} must observe texts, got "
                f"{type(found).__name__}. Name the part that is a text by 'observation_key', or wrap the "
                "environment."
            )
        return found

    def _named(self, key: str, what: str) -> str:
        found = self._info.get(key)
        if not isinstance(found, str):
            raise EnvironmentFaultError(
                f"gymnasium_text: info[{key!r}] of {self._options.environment} must be the {what} as a text, "
                f"got {found!r}. Name the key by '{what}_key', or give the option {what!r}."
            )
        return found


def _made(options: GymnasiumOptions) -> Any:
    """The environment itself.

    Raises:
        UsageError: There is none of that name, or it does not take these arguments.
    """
    import gymnasium

    module, colon, name = options.environment.partition(":")
    try:
        if colon:
            make = getattr(import_module(module), name)
        else:
            # The checker warns of texts as observations, which are what is wanted here.
            make = partial(gymnasium.make, options.environment, disable_env_checker=True)
        return make(**options.arguments)
    except (ImportError, AttributeError, TypeError, gymnasium.error.Error) as error:
        raise UsageError(
            f"gymnasium_text: the environment {options.environment!r} cannot be made with the arguments "
            f"{options.arguments!r}: {error}. Name an id that Gymnasium knows, or module:factory."
        ) from error


def _versions() -> dict[str, str]:
    try:
        return {"gymnasium": version("gymnasium")}
    except PackageNotFoundError as error:
        raise MissingToolError(
            "The world gymnasium_text needs the package gymnasium, which is not installed. "
            "Install Honing with the extra teach: pip install 'honing[teach]'."
        ) from error
