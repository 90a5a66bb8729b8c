"""WebShop as a world: over files, or over a site."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from honing.environments.base import Json, Task
from honing.environments.drawing import content_digest, drawn_seed
from honing.environments.options import as_plain, options_from
from honing.environments.replay import ExpertEnvironment, PlayMemory, ReplayedEnvironment
from honing.environments.webshop.catalogue import Catalogue, read_catalogue
from honing.environments.webshop.pages import BACK, BUY, NEXT, PREVIOUS, SUB_PAGES
from honing.environments.webshop.play import FilePlay
from honing.environments.webshop.search import Index
from honing.environments.webshop.site import Site, SitePlay
from honing.errors import EnvironmentFaultError, UsageError

_KINDS = {BACK: "back", PREVIOUS: "back", NEXT: "next", BUY: "buy"}


@dataclass(frozen=True, slots=True, kw_only=True)
class WebShopOptions:
    """What a WebShop world consists of: three files, or a server."""

    products: str = ""
    """File of products, `items_shuffle.json`."""
    attributes: str = ""
    """File of attributes by product, `items_ins_v2.json`."""
    human: str = ""
    """File of instructions by people, `items_human_ins.json`; empty takes the machine-made ones."""
    num_products: int = 0
    """Products read from the start of the file; 0 for all."""
    server: str = ""
    """Address of a running WebShop site, in place of the files."""
    server_goals: int = 0
    """Goals that the site has."""
    timeout_s: float = 30.0
    """For one page of the site."""
    queries: int = 4
    """Searches that are offered for an instruction, at most."""
    splits: tuple[str, ...] = (
        "warm_start:5",
        "replay:1",
        "collect:5",
        "expert:1",
        "validation:1",
        "evaluate:4",
        "retention:1",
    )
    """Splits with their shares: the goals are as many as they are, and no two splits share one."""
    max_steps: int = 15


class WebShopWorld:
    """See `World` for what its methods promise."""

    name = "webshop"
    facts: tuple[str, ...] = ()
    escapes = ("back",)

    def __init__(self, options: WebShopOptions) -> None:
        self.options = options
        self.max_steps = options.max_steps
        self._shares = _shares(options.splits)
        self._memory = PlayMemory()

    @classmethod
    def from_options(cls, options: Mapping[str, Json]) -> WebShopWorld:
        """A world with its options.

        Raises:
            UsageError: There is no such option, or neither files nor a server are named.
        """
        found = options_from(WebShopOptions, options, world="webshop")
        if found.server:
            if found.products or not found.server_goals:
                raise UsageError("webshop: a 'server' needs 'server_goals', and no files beside it.")
        elif not (found.products and found.attributes):
            raise UsageError(
                "webshop: name your WebShop files by the options 'products', 'attributes' and 'human', or "
                "a running site by 'server' and 'server_goals'."
            )
        return cls(found)

    def identity(self) -> dict[str, Json]:
        options = as_plain(self.options)
        if not self.options.server:
            # What a file holds decides, not where it lies.
            for name in ("products", "attributes", "human"):
                options[name] = self._catalogue.digests.get(Path(options[name]).name, "")
        return {"name": self.name, "options": options, "packages": {}}

    def make(self) -> ReplayedEnvironment:
        kind = ReplayedEnvironment if self.options.server else ExpertEnvironment
        return kind(self.name, self._begin, max_steps=self.max_steps, memory=self._memory)

    def tasks(self, split: str, n: int, *, seed: int = 0) -> list[Task]:
        if split not in self._shares:
            raise EnvironmentFaultError(
                f"webshop: there is no split {split!r}; the goals are divided among "
                f"{', '.join(self._shares)}. The option 'splits' divides them otherwise."
            )
        mine = sorted(
            self._by_split.get(split, ()), key=lambda number: (drawn_seed("webshop", seed, number), number)
        )
        if len(mine) < n:
            raise EnvironmentFaultError(
                f"webshop: the split {split!r} has {len(mine)} goals, {n} were asked for. Give more goals, "
                "or change the shares in the option 'splits'."
            )
        return [
            Task(id=f"goal-{number}", seed=number, parameters={"goal": self._names[number]})
            for number in mine[:n]
        ]

    def kind(self, action: str) -> str:
        if action.startswith("search["):
            return "search"
        text = action.removeprefix("click[").removesuffix("]")
        if text in SUB_PAGES:
            return "look"
        return _KINDS.get(text, "item" if self._is_product(text) else "option")

    def _is_product(self, text: str) -> bool:
        if self.options.server:
            # An asin has ten letters and digits, among them a digit.
            return len(text) == 10 and text.isalnum() and any(letter.isdigit() for letter in text)
        return text.upper() in self._catalogue.products

    def _begin(self, task: Task) -> FilePlay | SitePlay:
        if not 0 <= task.seed < len(self._names) or task.parameters.get("goal") != self._names[task.seed]:
            raise EnvironmentFaultError(
                f"webshop: the task {task.id!r} is not a goal of this shop. Use the files it was drawn from."
            )
        if self.options.server:
            site = Site(self.options.server, timeout_s=self.options.timeout_s)
            return SitePlay(site, task.seed, queries=self.options.queries)
        goal = self._catalogue.goals[task.seed]
        return FilePlay(self._catalogue, self._index, goal, queries=self.options.queries)

    @cached_property
    def _catalogue(self) -> Catalogue:
        options = self.options
        return read_catalogue(
            Path(options.products),
            Path(options.attributes),
            Path(options.human) if options.human else None,
            limit=options.num_products,
        )

    @cached_property
    def _index(self) -> Index:
        return Index(self._catalogue.products.values())

    @cached_property
    def _names(self) -> list[str]:
        """A short name of every goal by its content; of a site's by its number."""
        if self.options.server:
            return [f"fixed_{number}" for number in range(self.options.server_goals)]
        goals = self._catalogue.goals
        return [content_digest(json.dumps(asdict(goal), sort_keys=True).encode()) for goal in goals]

    @cached_property
    def _by_split(self) -> dict[str, list[int]]:
        """Which goals are whose: by a goal's content, so that no split takes another's, whatever the seed."""
        choose = _chooser(self._shares)
        found: dict[str, list[int]] = {}
        seen: set[str] = set()
        for number, name in enumerate(self._names):
            if name not in seen:
                seen.add(name)
                found.setdefault(choose(name), []).append(number)
        return found


def _shares(texts: tuple[str, ...]) -> dict[str, int]:
    found = {}
    for text in texts:
        name, _, share = text.partition(":")
        if not name or not share.isdecimal() or not int(share):
            raise UsageError(f"webshop: 'splits' takes NAME:SHARE, such as collect:5, got {text!r}.")
        found[name] = int(share)
    return found


def _chooser(shares: Mapping[str, int]) -> Callable[[str], str]:
    places = [name for name, share in shares.items() for _ in range(share)]
    return lambda name: places[drawn_seed("webshop split", name) % len(places)]
