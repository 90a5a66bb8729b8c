"""The tiny student: made from demonstrations, the same bytes every time, kept, and like any other model."""

from __future__ import annotations

import json
import shutil
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from honing.environments import Task, TextEnvironment, world_named
from honing.environments.shop import ShopWorld
from honing.errors import EnvironmentFaultError, UsageError
from honing.learn import Architecture, WarmStartOptions, demonstrations, folder_digest, warm_start
from honing.learn.patches import FRAME
from honing.learn.warming.demonstrators import knowledge

pytestmark = pytest.mark.teach

SHOP = ShopWorld.from_options({})
TINY = WarmStartOptions(hidden=16, heads=2, layers=1, steps=30, batch_size=8, demonstrations=200)


class FewTasks(ShopWorld):
    """A shop with ten customers."""

    def tasks(self, split: str, n: int, *, seed: int = 0) -> list[Task]:
        if n > 10:
            raise EnvironmentFaultError("There are ten.")
        return super().tasks(split, n, seed=seed)


class NobodyKnows(ShopWorld):
    """A shop without a planner."""

    def make(self) -> Any:
        return Mute(super().make())


class Mute:
    """Passes on what an environment is asked, but for its expert."""

    def __init__(self, environment: TextEnvironment) -> None:
        self._environment = environment

    def __getattr__(self, name: str) -> Any:
        if name == "expert_action":
            raise AttributeError(name)
        return getattr(self._environment, name)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def tiny(cache: Path) -> Path:
    return warm_start(SHOP, TINY, cache)


def test_the_same_recipe_makes_the_same_bytes(tiny: Path, tmp_path: Path) -> None:
    again = warm_start(SHOP, TINY, tmp_path)

    assert again.name == tiny.name
    assert folder_digest(again) == folder_digest(tiny)
    assert sorted(path.name for path in tiny.iterdir()) == [
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "warm_start.json",
    ]


def test_a_student_that_is_there_is_not_made_again(tiny: Path, cache: Path) -> None:
    told: list[str] = []
    before = (tiny / "model.safetensors").stat().st_mtime_ns

    assert warm_start(SHOP, TINY, cache, told=told.append) == tiny
    assert (told, (tiny / "model.safetensors").stat().st_mtime_ns) == ([], before)


def test_two_who_ask_at_once_get_one_student_that_was_made_once(tiny: Path, tmp_path: Path) -> None:
    told: list[str] = []
    found: list[Path] = []

    def ask() -> None:
        found.append(warm_start(SHOP, TINY, tmp_path, told=told.append))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(found)) == 1
    assert sum("decisions of demonstrators" in line for line in told) == 1
    assert folder_digest(found[0]) == folder_digest(tiny)


def test_a_maker_that_ends_halfway_leaves_no_student_and_the_next_one_makes_it(
    tiny: Path, tmp_path: Path
) -> None:
    def fail(line: str) -> None:
        if "step 15 of 30" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        warm_start(SHOP, TINY, tmp_path, told=fail)
    left = [path for path in (tmp_path / "students").iterdir() if path.suffix == ""]
    draft = next((tmp_path / "students").glob("*.draft"))
    (draft / "config.json").write_text("half", encoding="utf-8")
    made = warm_start(SHOP, TINY, tmp_path)

    assert left == []
    assert folder_digest(made) == folder_digest(tiny)
    assert not draft.exists()


@pytest.mark.parametrize("architecture", list(Architecture))
def test_every_shape_learns_and_reloads_outside_honing(architecture: Architecture, cache: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    options = WarmStartOptions.from_options({**TINY.as_document(), "architecture": architecture.value})
    folder = warm_start(SHOP, options, cache)
    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    about = json.loads((folder / "warm_start.json").read_bytes())

    assert model.config.model_type == architecture.value
    assert about["final_loss"] < 0.95 * about["first_loss"]
    assert sum(weight.numel() for weight in model.parameters()) == about["parameters"]
    assert len(tokenizer) == about["vocabulary"] == model.config.vocab_size
    assert tokenizer.eos_token_id == model.config.eos_token_id == 1


def test_the_student_scores_what_it_was_trained_on(tiny: Path) -> None:
    from honing.learn import Turn, load_student

    student = load_student(tiny)
    example = demonstrations(SHOP, "replay", 1, TINY)[0]
    (found,) = student.logprobs([Turn(situation=example.situation)])

    assert len(found) == len(example.situation.actions)
    assert student.tokenizer.decode(student.encode(example.situation)) == student.prompt.text(
        example.situation
    )
    assert (
        student.tokenizer.decode(student.encode_action("search[red wool hat]"))
        == " search[red wool hat]<eos>"
    )


@pytest.mark.parametrize(
    "text",
    [
        "search[red hat]",
        "Zoë: [ (x) ]",
        "two  spaces\n\tand [[brackets](",
        "unheard-of 漢字 words",
        "[",
        "( ",
    ],
)
def test_every_text_comes_back_exactly(tiny: Path, text: str) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny)
    ids = tokenizer.encode(text, add_special_tokens=False)

    assert tokenizer.decode(ids) == text
    assert tokenizer.unk_token_id not in ids


def test_a_word_in_brackets_is_the_token_of_the_word_elsewhere(tiny: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny)
    goal, search = (tokenizer.encode(text) for text in (": buy red wool hat", " search[red wool hat]"))

    assert goal[-3:] == search[2:5]


def test_torch_is_left_as_it_was(tmp_path: Path) -> None:
    import torch

    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    threads = torch.get_num_threads()
    warm_start(SHOP, WarmStartOptions.from_options({**TINY.as_document(), "steps": 1}), tmp_path)

    assert (torch.rand(2) == expected).all()
    assert torch.get_num_threads() == threads


def test_every_option_and_the_world_have_a_student_of_their_own(tiny: Path, tmp_path: Path) -> None:
    from honing.learn.warming.making import _recipe

    worlds = [SHOP, ShopWorld.from_options({"seed": 1}), world_named("shop", {"max_steps": 5})]
    recipes = [
        json.dumps(_recipe(world, options), sort_keys=True)
        for world in worlds
        for options in (TINY, WarmStartOptions(), WarmStartOptions(seed=1))
    ]

    assert len(set(recipes)) == 9


def test_a_share_of_the_decisions_carries_a_patch_of_each_kind() -> None:
    examples = demonstrations(SHOP, "replay", 4000)
    kinds = Counter(_kind(example.situation.patch) for example in examples)

    assert abs(kinds["base"] / 4000 - 0.4) < 0.03
    assert all(abs(kinds[kind] / 4000 - 0.15) < 0.03 for kind in ("placebo", "demo", "contrast", "hint"))
    assert all(example.action in example.situation.actions for example in examples)


def _kind(patch: str) -> str:
    if not patch:
        return "base"
    assert patch.startswith(FRAME)
    if " was wrong: " in patch:
        return "contrast"
    if " was right: " in patch:
        return "demo"
    return "hint" if " called for " in patch else "placebo"


def test_a_patch_is_stale_as_often_as_asked() -> None:
    def helped(stale: float, followed: float = 0.2) -> float:
        options = WarmStartOptions(patched=1.0, stale=stale, followed=followed)
        examples = demonstrations(SHOP, "replay", 3000, options)
        shown = [each for each in examples if _kind(each.situation.patch) in ("demo", "contrast")]
        return sum(f"{each.action} was right" in each.situation.patch for each in shown) / len(shown)

    assert helped(stale=0.0) == 1.0
    assert helped(stale=1.0, followed=0.0) < 0.3
    assert 0.7 < helped(stale=0.25) < 0.9


def test_following_a_patch_is_shown_with_actions_that_no_demonstrator_takes() -> None:
    options = WarmStartOptions(patched=1.0, followed=1.0, stale=0.0, wander=0.0)
    followed = demonstrations(SHOP, "replay", 2000, options)
    plain = demonstrations(SHOP, "replay", 2000, WarmStartOptions(patched=0.0, wander=0.0))

    assert sum(example.action == "click[details]" for example in plain) == 0
    assert sum(example.action == "click[details]" for example in followed) > 30


def test_facts_are_known_from_the_low_to_the_high_chance() -> None:
    chances = sorted(knowledge(SHOP.facts, WarmStartOptions()).values())

    assert len(chances) == len(SHOP.facts)
    assert 0.02 < chances[0] < 0.025
    assert 0.3 < chances[-1] < 0.35
    assert knowledge(SHOP.facts, WarmStartOptions(seed=1)) != knowledge(SHOP.facts, WarmStartOptions())


def test_who_knows_more_shows_more_that_needs_knowing() -> None:
    def share(low: float, high: float) -> float:
        options = WarmStartOptions(patched=0.0, knowledge_low=low, knowledge_high=high)
        examples = demonstrations(SHOP, "replay", 3000, options)
        special = ("click[price]", "click[next]", "click[size")
        return sum(example.action.startswith(special) for example in examples) / len(examples)

    assert share(0.001, 0.001) < 0.02 < share(0.02, 0.35) < share(1.0, 1.0)


def test_demonstrations_depend_on_seed_and_split_alone() -> None:
    first = demonstrations(SHOP, "replay", 50, seed=3)

    assert demonstrations(SHOP, "replay", 50, seed=3) == first
    assert demonstrations(SHOP, "replay", 50, seed=4) != first
    assert {example.source.rpartition("-")[0] for example in first} == {"shop-replay-3"}


def test_a_split_that_ends_is_begun_again() -> None:
    examples = demonstrations(FewTasks.from_options({}), "replay", 120)

    assert len(examples) == 120
    assert {example.source for example in examples} == {f"shop-replay-0-{place}" for place in range(10)}


def test_in_a_world_without_facts_demonstrators_err() -> None:
    world = world_named("shop", {"facts": [], "gaps": {0: 1.0}})

    def odd(rate: float) -> int:
        options = WarmStartOptions(patched=0.0, wander=0.0, error_rate=rate)
        examples = demonstrations(world, "replay", 1000, options)
        return sum(example.action == "click[details]" for example in examples)

    assert odd(0.0) == 0
    assert odd(0.5) > 20


def test_a_world_without_an_expert_says_what_to_give_in_its_place(tmp_path: Path) -> None:
    world = NobodyKnows.from_options({})

    with pytest.raises(UsageError, match=r"Nobody can demonstrate in shop.*student\.checkpoint"):
        warm_start(world, TINY, tmp_path)
    shutil.rmtree(tmp_path)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"step": 3}, "no option 'step'. It has architecture"),
        ({"architecture": "rnn"}, "'rnn' is not a valid Architecture"),
        ({"steps": 0}, "warm_start.steps: expected 1 or more, found 0"),
        ({"hidden": 20, "heads": 4}, "a multiple of 2 x heads = 8, found 20"),
        ({"patched": 1.2}, "warm_start.patched: expected 0 to 1"),
        ({"stale": 0.9, "followed": 0.2}, "at most 1 together"),
        ({"knowledge_low": 0.5, "knowledge_high": 0.4}, "at most knowledge_high"),
        ({"learning_rate": 0.0}, "expected above 0"),
        ({"steps": "many"}, "options cannot be used"),
    ],
)  # fmt: skip
def test_an_option_of_the_warm_start_that_cannot_be_used_is_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as raised:
        WarmStartOptions.from_options(options)

    assert said in str(raised.value)


def test_options_come_back_from_plain_data() -> None:
    options = WarmStartOptions(architecture=Architecture.QWEN2, steps=7)

    assert WarmStartOptions.from_options(json.loads(json.dumps(options.as_document()))) == options
