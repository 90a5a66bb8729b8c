"""From a world and options to the folder of a student, made once and kept."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from honing.environments import World
from honing.errors import MissingToolError, StoreError
from honing.learn.checkpoints import INSTALL, without_bars
from honing.learn.example import Example
from honing.learn.prompt import Prompt
from honing.learn.student import Student
from honing.learn.training.rows import rows_of
from honing.learn.warming.cloning import clone
from honing.learn.warming.demonstrators import demonstrations
from honing.learn.warming.options import WarmStartOptions
from honing.learn.warming.shapes import blank_model
from honing.learn.warming.words import word_tokenizer
from honing.store import digest, json_bytes

ABOUT = "warm_start.json"
"""Beside the weights: what the student was made from."""
_VERSION = 3
"""Of the recipe; another one makes all students anew."""
_SPLIT = "warm_start"
_PACKAGES = ("torch", "transformers", "tokenizers", "safetensors")


def warm_start(
    world: World, options: WarmStartOptions, cache: Path, *, told: Callable[[str], None] = lambda _: None
) -> Path:
    """The folder of a tiny student that learned a world from demonstrators with gaps in their knowledge.

    It lies under `cache`/students by the hash of world, options, and package versions. The first call makes
    it; whoever asks meanwhile waits. A killed maker leaves nothing that is taken for a student.

    Args:
        world: One with an expert inside.
        options: How it is made, and whom it watches.
        cache: Folder that is kept between runs.
        told: Is told how it goes, one line each.

    Returns:
        A folder as `transformers` saves a model and its tokenizer.

    Raises:
        MissingToolError: torch or transformers is not installed.
        UsageError: The world has no expert.
        StoreError: The cache cannot be written.
    """
    recipe = _recipe(world, options)
    return kept_student(cache, recipe, lambda draft: _make(draft, world, options, told), told)


def kept_student(
    cache: Path,
    recipe: Mapping[str, Any],
    make: Callable[[Path], dict[str, Any]],
    told: Callable[[str], None],
) -> Path:
    """The folder of the student of a recipe: it lies in the cache, or is made there once.

    Args:
        cache: Folder that is kept between runs.
        recipe: Everything that decides the bytes of the student, but the processor.
        make: Writes its files into a folder and returns figures of the training, `parameters` among them.
        told: Is told how it goes.

    Raises:
        StoreError: The cache cannot be written.
    """
    students = cache.expanduser() / "students"
    folder = students / digest(recipe)[:16]
    if folder.is_dir():
        return folder
    try:
        with _alone(folder):
            if not folder.is_dir():
                _publish(folder, make, recipe, told)
    except OSError as error:
        raise StoreError(f"{folder}: the student cannot be kept ({error}). Is the disk full?") from error
    return folder


def _recipe(world: World, options: WarmStartOptions) -> dict[str, Any]:
    """Everything that decides the bytes of a student, but the processor."""
    return {
        "version": _VERSION,
        "world": world.identity(),
        "options": options.as_document(),
        "packages": package_versions(),
    }


def package_versions() -> dict[str, str]:
    """Versions of the packages that decide a student's bytes.

    Raises:
        MissingToolError: One is not installed.
    """
    try:
        return {package: version(package) for package in _PACKAGES}
    except PackageNotFoundError as error:
        raise MissingToolError(INSTALL) from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until nobody else makes this student. The kernel lets go where a maker dies."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _publish(
    folder: Path,
    make: Callable[[Path], dict[str, Any]],
    recipe: Mapping[str, Any],
    told: Callable[[str], None],
) -> None:
    """Make the student beside its place and move it there whole."""
    draft = folder.with_suffix(".draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    about = make(draft)
    (draft / ABOUT).write_bytes(json_bytes({**recipe, **about}))
    for path in sorted(draft.iterdir()):
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
    draft.rename(folder)
    told(f"warm start: {about['parameters']} parameters, kept in {folder}")


def _make(
    draft: Path, world: World, options: WarmStartOptions, told: Callable[[str], None]
) -> dict[str, Any]:
    """Show, train, save. Figures of the training."""
    told(f"warm start: {options.demonstrations} decisions of demonstrators in {world.name}")
    examples = demonstrations(world, _SPLIT, options.demonstrations, options, seed=options.seed)
    prompt = Prompt(history=options.history)
    tokenizer = word_tokenizer(_texts(examples, prompt), max_words=options.max_words)
    model = blank_model(options, tokenizer)
    student = Student(model, tokenizer, prompt=prompt, name="warm start", identity="")
    losses = clone(model, rows_of(student, examples), options, told)
    with without_bars():
        model.save_pretrained(draft)
    tokenizer.save_pretrained(draft)
    last = losses[-max(1, len(losses) // 10) :]
    return {
        "prompt": prompt.as_document(),
        "examples": len(examples),
        "vocabulary": len(tokenizer),
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "first_loss": round(losses[0], 6),
        "final_loss": round(sum(last) / len(last), 6),
    }


def _texts(examples: Sequence[Example], prompt: Prompt) -> Iterator[str]:
    """What the student reads, and all it might say there."""
    for example in examples:
        yield prompt.text(example.situation)
        yield from (f" {action}" for action in example.situation.actions)
