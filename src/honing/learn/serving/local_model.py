"""A model of this machine that answers requests: loaded once, asked by many threads, run in batches."""

from __future__ import annotations

import queue
import random
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.errors import ModelRequestError, UsageError
from honing.learn.checkpoints import load_checkpoint, read_checkpoint
from honing.learn.serving.generation import Row, Voice, first_stop
from honing.learn.serving.prompting import Prompter
from honing.llm import Finish, ModelReply, ModelRequest, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalOptions:
    """How a model is loaded and run."""

    device: str = "auto"
    """`cpu`, `cuda`, `cuda:1`; `auto` takes a GPU where there is one."""
    dtype: str = "auto"
    """`float32`, `bfloat16`, `float16`; `auto` takes what the folder says."""
    max_batch: int = 16
    """Prompts that are continued together."""
    gather_s: float = 0.01
    """How long a batch waits for further requests after its first."""
    max_tokens: int = 1024
    """Tokens of a reply where the request sets no limit."""
    seed: int = 0
    """Of the draws of requests that bring no seed of their own."""


class LocalModel:
    """An `Answerer` on a model folder.

    Raises:
        MissingToolError: torch or transformers is not installed.
        UsageError: The folder cannot be loaded.
    """

    def __init__(self, folder: Path, options: LocalOptions | None = None) -> None:
        self._options = options or LocalOptions()
        self._voice = load(folder, self._options)
        self._prompter = Prompter(self._voice.tokenizer)
        self._room = context_of(self._voice.model.config)
        self._seeds = random.Random(self._options.seed)
        self._waiting: queue.SimpleQueue[tuple[Row, Future[None]] | None] = queue.SimpleQueue()
        self._closed = False
        self.largest_batch = 0
        """Most requests that were continued together so far."""
        self._thread = threading.Thread(target=self._work, name="local-model", daemon=True)
        self._thread.start()

    def about(self) -> dict[str, Any]:
        """What a reader of its answers should know."""
        return {
            "prompting": self._prompter.prompting.value,
            "context_tokens": self._room,
            "device": str(self._voice.model.device),
            "dtype": str(self._voice.model.dtype).removeprefix("torch."),
            "parameters": int(self._voice.model.num_parameters()),
        }

    def answer(self, request: ModelRequest) -> ModelReply:
        """The model's reply: greedy unless the request sets a temperature above 0.

        Raises:
            ModelRequestError: The request cannot be met: too long, or it asks for what the model cannot do.
        """
        row = self._row(request)
        done: Future[None] = Future()
        self._waiting.put((row, done))
        done.result()
        text = self._voice.text(row.said)
        cut = first_stop(text, row.stop)
        return ModelReply(
            text=text if cut is None else text[:cut],
            finish=row.finish or Finish.LENGTH,
            usage=Usage(input_tokens=len(row.prompt), output_tokens=len(row.said)),
            model=request.model,
            logprobs=None if row.alternatives is None else self._logprobs(row),
        )

    def close(self) -> None:
        """Take no more work and wait for the batch under way."""
        self._waiting.put(None)
        self._thread.join()

    def _row(self, request: ModelRequest) -> Row:
        prompt, asked = self._prompter.tokens(request), request.sampling
        room = self._room - len(prompt)
        if room < 1:
            raise ModelRequestError(
                f"the prompt has {len(prompt)} tokens, and the model takes {self._room} with its reply"
            )
        return Row(
            prompt=prompt,
            limit=min(asked.max_tokens or self._options.max_tokens, room),
            temperature=asked.temperature or 0.0,
            top_p=1.0 if asked.top_p is None else asked.top_p,
            stop=tuple(asked.stop or ()),
            seed=self._seeds.getrandbits(63) if asked.seed is None else asked.seed % 2**63,
            alternatives=asked.logprobs,
        )

    def _work(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch, goes_on = self._gathered(first)
            rows = [row for row, _ in batch]
            self.largest_batch = max(self.largest_batch, len(rows))
            try:
                self._voice.speak(rows)
            except Exception as error:  # noqa: BLE001 - the boundary to a model: its callers are told
                for _, done in batch:
                    done.set_exception(error)
            else:
                for _, done in batch:
                    done.set_result(None)
            if not goes_on:
                return

    def _gathered(self, first: tuple[Row, Future[None]]) -> tuple[list[tuple[Row, Future[None]]], bool]:
        """The requests of the next batch, and whether more may come after it."""
        batch = [first]
        until = time.monotonic() + self._options.gather_s
        while len(batch) < self._options.max_batch:
            try:
                found = self._waiting.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            if found is None:
                return batch, False
            batch.append(found)
        return batch, True

    def _logprobs(self, row: Row) -> list[dict[str, Any]]:
        return [
            {
                "token": self._voice.tokenizer.decode([token]),
                "logprob": logprob,
                "top": {self._voice.tokenizer.decode([other]): value for other, value in top.items()},
            }
            for token, (logprob, top) in zip(row.said, row.logprobs, strict=True)
        ]


def load(folder: Path, options: LocalOptions) -> Voice:
    """Model and tokenizer of a folder, also of an adapter's. Nothing is downloaded, no code of it is run.

    Raises:
        MissingToolError: torch or transformers is not installed.
        UsageError: The folder cannot be loaded.
    """
    checkpoint = read_checkpoint(folder)
    if not checkpoint.is_local:
        raise UsageError(
            f"{folder}: its model {checkpoint.base!r} is no folder of this machine. Download it; an adapter "
            "names its base in adapter_config.json."
        )
    model, tokenizer = load_checkpoint(checkpoint, device=options.device, dtype=options.dtype)
    ends = ends_of(model, tokenizer)
    # What a folder prefers (temperature, penalties) would change answers behind the caller's back.
    model.generation_config = type(model.generation_config)()
    return Voice(model=model, tokenizer=tokenizer, ends=ends)


def ends_of(model: Any, tokenizer: Any) -> frozenset[int]:
    """Tokens that end a reply, by the folder's generation settings, its config and its tokenizer."""
    named = model.generation_config.eos_token_id
    listed = list(named) if isinstance(named, list | tuple) else [named]
    return frozenset(int(token) for token in (*listed, tokenizer.eos_token_id) if token is not None)


def context_of(config: Any) -> int:
    """Tokens that prompt and reply may have together."""
    found = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None)
    return int(found) if found else 1 << 20
