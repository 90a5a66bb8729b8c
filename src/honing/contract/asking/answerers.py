"""Who answers a rollout: a model behind a server, something in this process, or a model of known skill."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from honing.contract.asking.dead_server import Watched
from honing.contract.controls.control import Silent
from honing.contract.stages.runtime_env import DEPLOYED
from honing.contract.workbench.bench import Bench
from honing.errors import UsageError
from honing.llm import (
    Answerer,
    Answering,
    Endpoint,
    Recording,
    Replay,
    SkilledModel,
    Source,
    Upstream,
    resolve,
)
from honing.store import Run

RECORDING = "logs/recording.jsonl"

_SCRIPTED = re.compile(r"^scripted/(perfect|empty|skilled-(0(?:\.\d+)?|1(?:\.0+)?))$")


Llm = str | Path | Answerer | Source
"""A model's name, a file of samples that exist already, or something that answers in this process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tape:
    """Whether replies are kept, or come from where they were kept."""

    record: bool = False
    """Keep every reply in the run's `logs/recording.jsonl`."""
    replay: Path | None = None
    """Answer from this recording (a file, or a run that recorded); no call is made."""

    def around(self, source: Callable[[], Source], run: Run) -> Source:
        """The source to ask; `source` is not even opened where everything is replayed."""
        if self.replay is not None:
            return Replay(self.replay / RECORDING if self.replay.is_dir() else self.replay)
        asked = source()
        if not self.record:
            return asked
        path = run.artifact(RECORDING)
        if isinstance(asked, Watched):
            return asked.around(lambda inner: Recording(inner, path))
        return Recording(asked, path)


def name_of(llm: Llm) -> str:
    """The name under which an answerer is reported."""
    if isinstance(llm, str):
        return llm
    if isinstance(llm, Path):
        return f"samples:{llm.name}"
    return str(getattr(llm, "name", type(llm).__name__))


def source_for(llm: str | Answerer | Source, bench: Bench, models: Mapping[str, str], *, seed: int) -> Source:
    """What answers for a model.

    Args:
        llm: A model's name; `deployed` for what the target itself deployed; `scripted/perfect`,
            `scripted/empty` or `scripted/skilled-0.6`, which need no server and know the gold; or an
            answerer or source of the caller's own.
        bench: Where the gold is.
        models: Addresses and keys by their usual variable names.
        seed: Of a scripted model's mistakes.

    Raises:
        ModelAuthenticationError: The model's provider needs a key that is not set.
        UsageError: A scripted model is named that does not exist, or the target has no gold for it.
    """
    if not isinstance(llm, str):
        return Answering(llm) if hasattr(llm, "answer") and not hasattr(llm, "settled") else cast(Source, llm)
    if llm.startswith("scripted/"):
        return Answering(_scripted(llm, bench, seed), name=llm)
    if llm == DEPLOYED:
        return _deployed(bench)
    found = resolve(llm, models)
    return Watched(Upstream(found.endpoint, model=found.model), found.endpoint.base_url)


def _deployed(bench: Bench) -> Source:
    """The model that the target itself deployed, asked through the gateway like any other."""
    told = bench.surroundings.runtime
    if not told.base_url:
        raise UsageError(
            f"--llm {DEPLOYED}: nothing the target deployed says where a model answers; its deploy.setup "
            "must write base_url and model to $HONING_RUNTIME_ENV."
        )
    model = told.model or DEPLOYED
    return Watched(Upstream(Endpoint(base_url=told.base_url, wire="openai_chat"), model=model), told.base_url)


def _scripted(name: str, bench: Bench, seed: int) -> Answerer:
    found = _SCRIPTED.match(name)
    if found is None:
        raise UsageError(
            f"{name!r}: scripted models are scripted/perfect, scripted/empty and scripted/skilled-P with P "
            "from 0 to 1."
        )
    if found[1] == "empty":
        return Silent()
    if bench.policy is not None and found[1] == "perfect":
        return bench.policy
    if bench.gold is None:
        raise UsageError(
            f"{name!r} answers from the target's gold, and this target has none that Honing can read. "
            "Name a file of right answers in its contract, such as `oracle: {file: oracle.jsonl}`."
        )
    gold = bench.gold
    book = gold.book(gold.right)
    if found[1] == "perfect":
        return book
    # Wrong is another row's answer, as a model would write it: never right by accident of its form.
    others = gold.shuffled(list(gold.right), seed)
    wrong = {gold.right[row_id]: other for row_id, other in others.items()}
    return SkilledModel(
        lambda request: book.answer(request).text,
        skill=float(found[2]),
        seed=seed,
        wrong=lambda right, _: wrong.get(right, ""),
    )
