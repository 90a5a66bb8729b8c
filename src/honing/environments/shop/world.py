"""The shop as a world: pages, moves, rewards, and a state that is a small flat JSON."""

from __future__ import annotations

import re
import zlib
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from honing.environments.base import Json, Step, Task, TextEnvironment
from honing.environments.shop.catalogue import COLOURS, PAGE, SIZES, Catalogue, ShopOptions
from honing.environments.shop.expert import next_action
from honing.environments.shop.goals import Goal, draw_task, facts_of, goal_from
from honing.environments.shop.state import Page, State
from honing.errors import EnvironmentFaultError

_SPLIT = re.compile(r"[A-Za-z0-9_.-]+")
_SIZES = tuple(f"click[size {size}]" for size in SIZES)
_RESULT = re.compile(r"click\[\w+ \w+ [1-4]\]")
_KINDS = {
    **dict.fromkeys(_SIZES, "size"),
    **{f"click[{name}]": name for name in ("next", "back", "buy", "price", "details")},
}


class ShopWorld:
    """A family of tasks: buy what a customer asks for."""

    def __init__(self, options: ShopOptions) -> None:
        self._options = options
        self._catalogue = Catalogue(options)

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> ShopWorld:
        """With these options; see `ShopOptions`.

        Raises:
            UsageError: An option is unknown or has a value that cannot be used.
        """
        return cls(ShopOptions.from_options(options))

    @property
    def name(self) -> str:
        return "shop"

    @property
    def max_steps(self) -> int:
        return self._options.max_steps

    @property
    def facts(self) -> tuple[str, ...]:
        """`family:subject`, for example `colour_synonym:crimson`."""
        return facts_of(self._catalogue, self._options)

    @property
    def escapes(self) -> tuple[str, ...]:
        return ("back",)

    def identity(self) -> dict[str, Json]:
        """Name, version of the rules and every option."""
        return {"name": self.name, "version": 4, **self._options.as_document()}

    def make(self) -> ShopEnvironment:
        return ShopEnvironment(self._catalogue, max_steps=self.max_steps)

    def tasks(self, split: str, n: int, *, seed: int = 0) -> list[Task]:
        """The first `n` tasks of a split; no split ever ends.

        Raises:
            EnvironmentFaultError: The name of the split cannot be part of a task's id.
        """
        if not _SPLIT.fullmatch(split):
            raise EnvironmentFaultError(
                f"The split {split!r} cannot be part of a task's id: use letters, digits, '-', '_' and '.'."
            )
        return [
            draw_task(self._catalogue, self._options, split=split, seed=seed, index=index)
            for index in range(n)
        ]

    def kind(self, action: str) -> str:
        """search, open, next, back, price, size, details or buy; empty for what is none of them."""
        return _kind(action)


class ShopEnvironment:
    """One visit to the shop."""

    def __init__(self, catalogue: Catalogue, *, max_steps: int) -> None:
        self._catalogue = catalogue
        self._max_steps = max_steps
        self._task: Task | None = None
        self._goal: Goal
        self._goal_text = ""
        self._searches: tuple[str, ...] = ()
        self._state = State()
        self._now: Step

    @property
    def task(self) -> Task:
        self._begun()
        assert self._task is not None
        return self._task

    def reset(self, task: Task) -> Step:
        self._begin(task)
        return self._show(State())

    def step(self, action: str) -> Step:
        self._begun()
        if action not in self._now.actions:
            state = "the episode is over" if self._now.done else f"there are {', '.join(self._now.actions)}"
            raise EnvironmentFaultError(f"{self.task.id}: {action!r} is no valid action: {state}.")
        moved = self._move(self._state, action)
        return self._show(replace(moved, steps=self._state.steps + 1))

    def now(self) -> Step:
        self._begun()
        return self._now

    def valid_actions(self) -> tuple[str, ...]:
        return self.now().actions

    @property
    def goal(self) -> str:
        return self.now().goal

    @property
    def steps_taken(self) -> int:
        return self._state.steps

    def save(self) -> dict[str, Json]:
        """About 216 bytes of flat JSON."""
        state = self._state
        return {
            "task": self.task.id,
            "seed": self.task.seed,
            **self._goal.as_parameters(),
            "page": state.page.value,
            "query": state.query,
            "first": state.first,
            "item": state.item,
            "chosen": state.size,
            "details": state.details,
            "seen": " ".join(map(str, state.seen)),
            "priced": " ".join(map(str, state.priced)),
            "searches": state.searches,
            "steps": state.steps,
            "check": _check(self._now),
        }

    def restore(self, state: Mapping[str, Json]) -> Step:
        try:
            task_id, seed = str(state["task"]), int(state["seed"])
            found = State(
                page=Page(state["page"]),
                query=str(state["query"]),
                first=int(state["first"]),
                item=int(state["item"]),
                size=int(state["chosen"]),
                details=bool(state["details"]),
                seen=tuple(map(int, state["seen"].split())),
                priced=tuple(map(int, state["priced"].split())),
                searches=int(state["searches"]),
                steps=int(state["steps"]),
            )
            check = state["check"]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EnvironmentFaultError(
                f"This is no saved state of the shop ({type(error).__name__}: {error}): {dict(state)}."
            ) from error
        goal = goal_from(state, self._catalogue)
        tags = goal.needs(self._catalogue)
        self._begin(Task(id=task_id, seed=seed, parameters=goal.as_parameters(), tags=tags))
        shown = self._show(found)
        if _check(shown) != check:
            raise EnvironmentFaultError(
                f"The saved state of {task_id} shows something else here than where it was saved: expected "
                f"check {check}, found {_check(shown)}. Is the shop made with the same options?"
            )
        return shown

    def fork(self) -> TextEnvironment:
        self._begun()
        twin = ShopEnvironment(self._catalogue, max_steps=self._max_steps)
        twin._task, twin._goal, twin._goal_text = self._task, self._goal, self._goal_text
        twin._searches, twin._state, twin._now = self._searches, self._state, self._now
        return twin

    def close(self) -> None:
        """Nothing is held."""

    def expert_action(self, knows: Collection[str] | None = None) -> str:
        if self.now().done:
            raise EnvironmentFaultError(f"{self.task.id}: the episode is over; there is nothing to do.")
        return next_action(self._goal, self._state, self._catalogue, knows)

    def _begun(self) -> None:
        if self._task is None:
            raise EnvironmentFaultError("No episode has begun: call `reset` or `restore` first.")

    def _begin(self, task: Task) -> None:
        self._goal = goal_from(task.parameters, self._catalogue)
        self._goal_text = self._goal.text
        self._searches = _search_actions(self._goal, self._catalogue)
        self._task = task

    def _move(self, state: State, action: str) -> State:
        """The state after a valid action, but for the count of steps."""
        match _kind(action):
            case "search":
                return State(
                    page=Page.RESULTS, query=action[7:-1], priced=state.priced, searches=state.searches + 1
                )
            case "open":
                number = self._results(state)[state.first + int(action[-2]) - 1]
                seen = state.seen if number in state.seen else (*state.seen, number)
                return replace(state, page=Page.ITEM, item=number, size=0, details=False, seen=seen)
            case "next":
                return replace(state, first=state.first + PAGE)
            case "back" if state.page is Page.ITEM:
                return replace(state, page=Page.RESULTS, item=-1, size=0, details=False)
            case "back":
                return State(query=state.query, priced=state.priced, searches=state.searches)
            case "size":
                return replace(state, size=SIZES[_SIZES.index(action)])
            case "price":
                priced = state.priced if state.item in state.priced else (*state.priced, state.item)
                return replace(state, priced=priced)
            case "details":
                return replace(state, details=True)
        return replace(state, page=Page.BOUGHT)

    def _show(self, state: State) -> Step:
        """Take a state as the present one and say what it shows."""
        reward, success = 0.0, False
        if state.page is Page.BOUGHT:
            matched, asked = self._goal.matched(self._catalogue.products[state.item], state.size)
            reward, success = matched / asked, matched == asked
        done = state.page is Page.BOUGHT or state.steps >= self._max_steps
        self._state = state
        self._now = Step(
            goal=self._goal_text,
            observation=self._observation(state),
            actions=() if done else self._actions(state),
            reward=reward,
            done=done,
            success=success,
        )
        return self._now

    def _results(self, state: State) -> tuple[int, ...]:
        return self._catalogue.results(state.query, self._goal.layout)

    def _actions(self, state: State) -> tuple[str, ...]:
        if state.page is Page.SEARCH:
            return self._searches
        if state.page is Page.RESULTS:
            results = self._results(state)
            opening = [f"click[{line}]" for line in self._lines(state)]
            more = ("click[next]",) if len(results) > state.first + PAGE else ()
            return (*opening, *more, "click[back]")
        sizes = _SIZES if self._catalogue.products[state.item].category in self._catalogue.sized else ()
        return ("click[back]", "click[details]", "click[price]", *sizes, "click[buy]")

    def _observation(self, state: State) -> str:
        if state.page is Page.SEARCH:
            return "search page."
        if state.page is Page.RESULTS:
            return self._results_page(state)
        product = self._catalogue.products[state.item]
        if state.page is Page.BOUGHT:
            return f"bought {product.text}."
        said = [f"product page. {product.text}."]
        if state.details:
            said.append("well made.")
        if state.item in state.priced:
            over = " over the limit" if self._goal.limit and product.price >= self._goal.limit else ""
            said.append(f"price {product.price} dollars{over}.")
        if state.size:
            said.append(f"size {state.size} chosen.")
        return " ".join(said)

    def _results_page(self, state: State) -> str:
        shown = self._results(state)[state.first : state.first + PAGE]
        lines = [
            f"{line} seen" if number in state.seen else line
            for number, line in zip(shown, self._lines(state), strict=True)
        ]
        category = self._catalogue.products[shown[0]].category
        return f"results page {state.first // PAGE + 1}. {category}: {', '.join(lines)}."

    def _lines(self, state: State) -> list[str]:
        """The results on the page, as they are shown and as they are opened."""
        shown = self._results(state)[state.first : state.first + PAGE]
        return [self._catalogue.products[number].line(place) for place, number in enumerate(shown, 1)]


def _kind(action: str) -> str:
    if action.startswith("search["):
        return "search"
    return _KINDS.get(action) or ("open" if _RESULT.fullmatch(action) else "")


def _search_actions(goal: Goal, catalogue: Catalogue) -> tuple[str, ...]:
    """The searches on offer: the right one, the literal one, broader ones and wrong ones; in an order that
    tells nothing."""
    wanted = goal.product
    colours = [each for each in COLOURS if each != wanted.colour]
    others = [each for each in catalogue.categories if each != wanted.category]
    found = [goal.query, f"{wanted.material} {wanted.category}", wanted.category]
    found += [goal.literal] if goal.literal != goal.query else []
    found.append(f"{wanted.colour} {wanted.category}")
    while len(found) < 7:
        turn = goal.layout // 8 + len(found)
        found.append(f"{colours[turn % len(colours)]} {wanted.material} {wanted.category}")
    found.append(f"{wanted.colour} {wanted.material} {others[goal.layout % len(others)]}")
    found.sort(key=lambda query: zlib.crc32(f"{goal.layout} {query}".encode()))
    return tuple(f"search[{query}]" for query in found)


def _check(step: Step) -> str:
    """Enough of the hash to see that a restored state shows what the saved one showed."""
    return step.hash()[:12]
