"""Making games: the same maker as `tw-make`, one game from one seed."""

from __future__ import annotations

import contextlib
import io
import json
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from honing.environments.drawing import content_digest
from honing.errors import EnvironmentFaultError

if TYPE_CHECKING:
    from honing.environments.textworld.options import TextWorldOptions


def made_game(options: TextWorldOptions, seed: int) -> Any:
    """A `textworld.Game`.

    Raises:
        EnvironmentFaultError: The maker finds no game of that size, or the seed is none.
    """
    from textworld.generator import make_game
    from textworld.generator.chaining import QuestGenerationError

    if not 0 <= seed < 2**32:
        raise EnvironmentFaultError(f"textworld: a seed is a number from 0 to 2^32 - 1, got {seed}.")
    try:
        return make_game(_maker_options(options, seed))
    except QuestGenerationError as error:
        raise EnvironmentFaultError(
            f"textworld: no game of {options.rooms} rooms, {options.objects} objects and a quest of "
            f"{options.quest_length} actions comes from the seed {seed}: {error}. Choose other sizes."
        ) from error


def game_digest(game: Any) -> str:
    """Short name of the world, the quests and the words of the goal."""
    content = [game.world.serialize(), [quest.serialize() for quest in game.quests], game.objective]
    # Names of things are texts of numpy's, which JSON does not know as texts.
    return content_digest(json.dumps(content, sort_keys=True, default=str).encode())


def compiled_game(options: TextWorldOptions, seed: int, digest: str) -> Path:
    """The game as a file for an interpreter, made once per cache folder.

    Raises:
        EnvironmentFaultError: It cannot be compiled.
    """
    folder = Path(options.cache).expanduser().resolve()
    folder.mkdir(parents=True, exist_ok=True)
    wanted = folder / f"{digest}.z8"
    if wanted.is_file() and wanted.with_suffix(".json").is_file():
        return wanted
    # Another process may make the same game: each works under a name of its own and renames at the end.
    draft = folder / f"{digest}-{os.getpid()}.z8"
    _compile(options, seed, draft)
    for suffix in (".json", ".z8"):
        draft.with_suffix(suffix).replace(wanted.with_suffix(suffix))
    draft.with_suffix(".ni").unlink(missing_ok=True)
    return wanted


def _compile(options: TextWorldOptions, seed: int, place: Path) -> None:
    import textworld
    from textworld.generator import make_game

    made = _maker_options(options, seed)
    made.path = str(place)
    with contextlib.redirect_stdout(io.StringIO()):
        textworld.generator.compile_game(make_game(made), made)


def _maker_options(options: TextWorldOptions, seed: int) -> Any:
    from textworld import GameOptions

    found = GameOptions()
    found.seeds = seed
    found.nb_rooms = options.rooms
    found.nb_objects = options.objects
    found.quest_length = options.quest_length
    found.grammar.only_last_action = options.goal == "last"
    # Reading the rules takes several times as long as making a game of them.
    found.kb = _rules()
    return found


@cache
def _rules() -> Any:
    from textworld.generator.data import KnowledgeBase

    return KnowledgeBase.default()
