"""WebShop: its files read strictly, its reward, its pages by files and by a site."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from worlds_under_test import arbitrary

from honing.environments import KnowsBest, Task, World, world_named
from honing.environments.webshop import write_made_up_files
from honing.environments.webshop.catalogue import NO_LIMIT, Catalogue, Goal, Product, read_catalogue
from honing.environments.webshop.pages import queries_from
from honing.environments.webshop.reward import likeness, reward_of, type_factor
from honing.environments.webshop.search import Index
from honing.environments.webshop.site import Site, SitePage
from honing.errors import EnvironmentFaultError, UsageError


def product(**more: Any) -> Product:
    fields: dict[str, Any] = {
        "asin": "B000000001",
        "title": "Fjord travel mug",
        "query": "mugs",
        "category": "Home \u203a Kitchen \u203a Mugs",
        "description": "Keeps tea warm.",
        "features": ("Double wall",),
        "attributes": ("dishwasher safe",),
        "price": 19.0,
        "price_tag": "$19.0",
    }
    return Product(**(fields | more))


def goal(**more: Any) -> Goal:
    fields: dict[str, Any] = {
        "asin": "B000000001",
        "instruction": "i need a mug",
        "attributes": ("dishwasher safe", "double wall"),
        "options": ("red", "large"),
        "price_upper": 30.0,
    }
    return Goal(**(fields | more))


REWARDS: list[tuple[dict[str, Any], dict[str, Any], list[str], float]] = [
    ({}, {}, ["red", "large"], 1.0),
    ({}, {}, ["large", "dark red"], 1.0),
    ({}, {}, ["red"], 4 / 5),
    ({}, {}, [], 3 / 5),
    ({"price": 31.0}, {}, ["red", "large"], 4 / 5),
    ({"attributes": (), "features": ()}, {}, ["red", "large"], 3 / 5),
    ({}, {"options": ()}, ["blue"], 1.0),
    ({"title": "Oak lamp", "query": "lamps", "category": "Light"}, {}, ["red", "large"], 0.0),
]


@pytest.mark.parametrize(("bought", "asked", "chosen", "reward"), REWARDS)
def test_a_purchase_earns_the_share_of_what_was_asked_times_the_type(
    bought: dict[str, Any], asked: dict[str, Any], chosen: list[str], reward: float
) -> None:
    assert reward_of(product(**bought), goal(**asked), product(), chosen) == pytest.approx(reward)


TYPES = [
    ("Fjord travel mug", "mugs", "Home \u203a Kitchen \u203a Mugs", 1.0),
    ("Fjord lamp", "lamps", "Light", 1.0),  # a third of the words of the title
    ("Oak lamp", "mugs", "Light", 0.0),  # no word of the title, whatever else fits
]


@pytest.mark.parametrize(("title", "query", "category", "factor"), TYPES)
def test_the_type_is_judged_by_title_query_and_category(
    title: str, query: str, category: str, factor: float
) -> None:
    assert type_factor(product(title=title, query=query, category=category), product()) == factor


def test_a_title_that_shares_little_counts_half_or_a_tenth() -> None:
    wanted = product(title="alpha beta gamma delta epsilon zeta eta theta iota kappa lambda")
    one_word = product(title="alpha", query="other", category="other")
    two_words = product(title="alpha beta", query="other", category="other")

    assert (type_factor(one_word, wanted), type_factor(two_words, wanted)) == (0.1, 0.5)


ALIKE = [
    ("machine washable", "machine washable", 100.0),
    ("washable machine", "machine washable", 100.0),
    ("machine washable cotton", "machine washable", 100.0),
    ("Machine-Washable!", "machine washable", 100.0),
    ("red", "blue", 200 * 1 / 7),
    ("gluten free", "sugar free", 200 * 6 / 21),
    ("", "red", 0.0),
]


@pytest.mark.parametrize(("one", "other", "wanted"), ALIKE)
def test_likeness_compares_shared_words_with_either_rest(one: str, other: str, wanted: float) -> None:
    assert likeness(one, other) == pytest.approx(wanted)
    assert likeness(other, one) == pytest.approx(wanted)


def test_search_ranks_rare_words_above_frequent_ones_and_ties_by_the_file() -> None:
    titles = ["red mug", "red lamp", "red red mug blue", "green lamp"]
    index = Index(
        product(asin=str(at), title=title, description="", features=()) for at, title in enumerate(titles)
    )

    assert index.search("green") == ["3"]
    assert index.search("blue mugs") == ["2", "0"]
    assert index.search("lamp") == ["1", "3"]
    assert index.search("nothing") == []


def test_searches_are_offered_from_the_instruction_without_its_price() -> None:
    instruction = "i am looking for a red travel mug, and price lower than 30.00 dollars"

    assert queries_from(instruction, 4) == (
        "red travel mug",
        "red travel",
        "mug",
        "i am looking for a red travel mug",
    )
    assert queries_from(instruction, 2) == ("red travel mug", "red travel")


@pytest.fixture
def catalogue(shop_files: Mapping[str, str]) -> Catalogue:
    return read_catalogue(*(Path(shop_files[name]) for name in ("products", "attributes", "human")))


def test_a_catalogue_holds_what_the_files_say(catalogue: Catalogue, shop_files: Mapping[str, str]) -> None:
    row = json.loads(Path(shop_files["products"]).read_text())[3]
    asked = json.loads(Path(shop_files["human"]).read_text())[row["asin"]][0]
    found = catalogue.products[row["asin"]]
    wanted = next(goal for goal in catalogue.goals if goal.asin == row["asin"])

    assert (len(catalogue.products), len(catalogue.goals)) == (120, 120)
    assert (found.title, found.query, found.category) == (row["name"], row["query"], row["product_category"])
    assert found.options["color"] == tuple(value["value"] for value in row["customization_options"]["color"])
    assert wanted.options == tuple(asked["instruction_options"])
    assert found.price < wanted.price_upper <= found.price + 50
    assert wanted.instruction == (
        f"{asked['instruction'].strip('.')}, and price lower than {wanted.price_upper:.2f} dollars"
    )


PRICES = [
    ("$12.50", 12.5, "$12.5"),
    ("$1,200.00", 1200.0, "$1200.0"),
    ("", 100.0, "$100.0"),
    (None, 100.0, "$100.0"),
]


@pytest.mark.parametrize(("pricing", "price", "tag"), PRICES)
def test_a_price_is_read_as_it_is_written(
    tmp_path: Path, pricing: str | None, price: float, tag: str
) -> None:
    found = read_changed(tmp_path, lambda rows: rows[0].update(pricing=pricing))

    first = next(iter(found.products.values()))
    assert (first.price, first.price_tag) == (price, tag)


def test_a_product_too_dear_for_any_limit_has_none_in_its_goal(tmp_path: Path) -> None:
    found = read_changed(tmp_path, lambda rows: rows[0].update(pricing="$5000"))

    assert (found.goals[0].price_upper, "price lower" in found.goals[0].instruction) == (NO_LIMIT, False)


def read_changed(folder: Path, change: Callable[[list[dict[str, Any]]], object]) -> Catalogue:
    files = write_made_up_files(folder, products=3)
    rows = json.loads(Path(files["products"]).read_text())
    change(rows)
    Path(files["products"]).write_text(json.dumps(rows))
    return read_catalogue(Path(files["products"]), Path(files["attributes"]), Path(files["human"]))


FAULTS: list[tuple[Callable[[list[dict[str, Any]]], object], str]] = [
    (lambda rows: rows[1].pop("name"), "product 'M000000001': 'name' must be a text, got None"),
    (lambda rows: rows[1].update(pricing="$1.2.3"), "'pricing' must read like"),
    (lambda rows: rows[1].update(customization_options={"color": ["red"]}), "option 'color' must be a list"),
]


@pytest.mark.parametrize(("change", "words"), FAULTS)
def test_a_product_of_another_form_is_named(
    tmp_path: Path, change: Callable[[list[dict[str, Any]]], object], words: str
) -> None:
    with pytest.raises(EnvironmentFaultError, match=words):
        read_changed(tmp_path, change)


def test_an_instruction_of_another_form_is_named(tmp_path: Path) -> None:
    files = write_made_up_files(tmp_path, products=3)
    Path(files["human"]).write_text(json.dumps({"M000000000": [{"instruction": "find it"}]}))

    with pytest.raises(EnvironmentFaultError, match="instruction 0 of 'M000000000' needs"):
        world_named("webshop", files).tasks("collect", 1)


@pytest.mark.parametrize("content", ["[", "{}", '[{"asin": NaN}]'])
def test_a_file_that_is_no_list_of_products_is_refused(tmp_path: Path, content: str) -> None:
    files = write_made_up_files(tmp_path, products=3)
    Path(files["products"]).write_text(content)

    with pytest.raises(EnvironmentFaultError, match=r"items_shuffle\.json"):
        world_named("webshop", files).tasks("collect", 1)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    world = world_named("webshop", {"products": str(tmp_path / "none.json"), "attributes": "b"})

    with pytest.raises(EnvironmentFaultError, match=r"none\.json cannot be read"):
        world.tasks("collect", 1)


@pytest.fixture(scope="module")
def by_files(shop_files: Mapping[str, str]) -> World:
    return world_named("webshop", shop_files)


def test_another_product_earns_less_than_the_one_that_was_asked_for(by_files: World) -> None:
    environment = by_files.make()
    assert isinstance(environment, KnowsBest)
    rewards = []
    for task in by_files.tasks("collect", 8):
        step = environment.reset(task)
        step = environment.step(environment.expert_action())
        best = environment.expert_action()
        other = next(a for a in step.actions if by_files.kind(a) == "item" and a != best)
        step = environment.step(other)
        step = environment.step("click[buy now]")
        rewards.append((step.success, step.reward < 1.0, step.done))

    assert rewards == [(False, True, True)] * 8


def test_a_choice_is_shown_kept_on_sub_pages_and_forgotten_on_leaving(by_files: World) -> None:
    environment = by_files.make()
    assert isinstance(environment, KnowsBest)
    environment.reset(by_files.tasks("collect", 1)[0])
    environment.step(environment.expert_action())
    environment.step(environment.expert_action())
    option = next(action for action in environment.valid_actions() if by_files.kind(action) == "option")
    value = option.removeprefix("click[").removesuffix("]")

    chosen = environment.step(option)
    environment.step("click[features]")
    back = environment.step("click[< prev]")
    results = environment.step("click[< prev]")
    again = environment.step(next(a for a in results.actions if by_files.kind(a) == "item"))

    assert chosen.observation.endswith(f"You chose: {value}")
    assert back == chosen
    assert "You chose" not in again.observation


@pytest.mark.parametrize("number", range(4))
def test_a_site_shows_the_same_as_the_files_it_serves(
    site: str, shop_files: Mapping[str, str], number: int
) -> None:
    files = world_named("webshop", shop_files)
    served = world_named("webshop", {"server": site, "server_goals": 120})
    one, other = files.make(), served.make()
    task = files.tasks("evaluate", 4)[number]
    same = Task(id=task.id, seed=task.seed, parameters={"goal": f"fixed_{task.seed}"})

    steps = [(one.reset(task), other.reset(same))]
    while not steps[-1][0].done:
        action = arbitrary(task.id, len(steps), steps[-1][0].actions)
        steps.append((one.step(action), other.step(action)))

    assert [served_step for _, served_step in steps] == [file_step for file_step, _ in steps]


def test_an_expert_for_files_buys_on_the_site_as_well(site: str, shop_files: Mapping[str, str]) -> None:
    files = world_named("webshop", shop_files)
    one = files.make()
    other = world_named("webshop", {"server": site, "server_goals": 120}).make()
    assert isinstance(one, KnowsBest)
    task = files.tasks("evaluate", 1)[0]
    step = one.reset(task)
    other.reset(Task(id=task.id, seed=task.seed, parameters={"goal": f"fixed_{task.seed}"}))
    while not step.done:
        action = one.expert_action()
        step = one.step(action)
        served = other.step(action)

    assert (served.success, served.reward) == (True, 1.0)


def test_a_site_that_leads_elsewhere_is_not_followed() -> None:
    with pytest.raises(EnvironmentFaultError, match=r"leads to 'http://elsewhere\.example/x', another site"):
        Site("http://127.0.0.1:9", timeout_s=1.0).page("http://elsewhere.example/x")


def test_a_site_that_does_not_answer_is_named(site: str) -> None:
    with pytest.raises(EnvironmentFaultError, match=r"fixed_3 cannot be read: .*refused"):
        Site("http://127.0.0.1:9", timeout_s=1.0).session(3)
    with pytest.raises(EnvironmentFaultError, match=r"fixed_900 cannot be read: .*404"):
        Site(site, timeout_s=10.0).session(900)


def test_a_page_of_the_site_is_read_with_where_it_leads(site: str) -> None:
    front = Site(site, timeout_s=10.0).session(0)

    assert front == SitePage(
        texts=["WebShop", "Search"], instruction=front.instruction, search="/fixed_0", links={}, options={}
    )
    assert front.instruction.startswith("i am looking for")


BAD_OPTIONS: list[tuple[Mapping[str, Any], str]] = [
    ({}, "name your WebShop files"),
    ({"products": "a"}, "name your WebShop files"),
    ({"server": "http://x"}, "needs 'server_goals'"),
    ({"server": "http://x", "server_goals": 2, "products": "a"}, "no files beside it"),
    ({"products": "a", "attributes": "b", "splits": ["collect"]}, "NAME:SHARE"),
    ({"products": "a", "attributes": "b", "splits": ["collect:0"]}, "NAME:SHARE"),
]


@pytest.mark.parametrize(("options", "words"), BAD_OPTIONS)
def test_an_option_that_cannot_be_is_refused(options: Mapping[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        world_named("webshop", options)


def test_a_server_is_an_address() -> None:
    world = world_named("webshop", {"server": "localhost", "server_goals": 20})

    with pytest.raises(EnvironmentFaultError, match="must be an address such as"):
        world.make().reset(world.tasks("collect", 1)[0])


def test_every_goal_belongs_to_one_split_and_a_split_gives_what_it_has(by_files: World) -> None:
    splits = ("warm_start", "replay", "collect", "expert", "validation", "evaluate", "retention")
    found: list[str] = []
    for split in splits:
        with pytest.raises(
            EnvironmentFaultError, match=f"'{split}' has [0-9]+ goals, 999 were asked"
        ) as caught:
            by_files.tasks(split, 999)
        count = int(str(caught.value).split(" has ")[1].split()[0])
        found += [task.id for task in by_files.tasks(split, count)]

    assert sorted(found) == sorted(f"goal-{number}" for number in range(120))
    with pytest.raises(EnvironmentFaultError, match="no split 'elsewhere'"):
        by_files.tasks("elsewhere", 1)


def test_made_up_files_are_the_same_for_a_seed(tmp_path: Path) -> None:
    written = [
        write_made_up_files(tmp_path / name, products=9, seed=seed)
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    texts = [[Path(path).read_text() for path in files.values()] for files in written]

    assert (texts[0] == texts[1], texts[0] == texts[2]) == (True, False)
