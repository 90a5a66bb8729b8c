"""Made-up files in WebShop's format, for tests and for trying out: no product of theirs is in it."""

from __future__ import annotations

import json
from pathlib import Path

from honing.environments.drawing import drawn_seed
from honing.environments.webshop.catalogue import DIVIDER

_TYPES = {
    "mug": (("Home & Kitchen", "Dining", "Mugs"), "mugs", ("dishwasher safe", "double wall")),
    "lamp": (("Home & Kitchen", "Lighting", "Lamps"), "lamps", ("dimmable", "energy saving")),
    "backpack": (("Luggage", "Backpacks", "Daypacks"), "backpacks", ("water resistant", "laptop sleeve")),
    "jacket": (("Clothing", "Outerwear", "Jackets"), "jackets", ("wind proof", "machine washable")),
    "kettle": (
        ("Home & Kitchen", "Small Appliances", "Kettles"),
        "kettles",
        ("auto shutoff", "stainless steel"),
    ),
    "notebook": (("Office", "Paper", "Notebooks"), "notebooks", ("dotted pages", "hard cover")),
}
_COLOURS = ("red", "blue", "green", "black", "white")
_SIZES = ("small", "medium", "large")
_NAMES = ("Alder", "Birch", "Cedar", "Dunes", "Ember", "Fjord", "Grove", "Haven", "Inlet", "Juniper")


def write_made_up_files(folder: Path, *, products: int = 60, seed: int = 0) -> dict[str, str]:
    """Write a product file, an attribute file and a file of instructions.

    Args:
        folder: Where to; made if it is not there.
        products: How many.
        seed: Other seeds make other products.

    Returns:
        The options `products`, `attributes` and `human` of the world.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows, attributes, human = [], {}, {}
    for at in range(products):
        kind = list(_TYPES)[at % len(_TYPES)]
        row, facts, instructions = _made(at, kind, seed)
        rows.append(row)
        attributes[row["asin"]] = facts
        human[row["asin"]] = instructions
    names = {
        "products": "items_shuffle.json",
        "attributes": "items_ins_v2.json",
        "human": "items_human_ins.json",
    }
    for name, content in (("products", rows), ("attributes", attributes), ("human", human)):
        (folder / names[name]).write_text(json.dumps(content, indent=1), encoding="utf-8")
    return {name: str(folder / file) for name, file in names.items()}


def _made(
    at: int, kind: str, seed: int
) -> tuple[dict[str, object], dict[str, object], list[dict[str, object]]]:
    categories, query, facts = _TYPES[kind]

    def pick(what: str, count: int) -> int:
        return drawn_seed("made-up shop", seed, at, what) % count

    name = f"{_NAMES[pick('name', len(_NAMES))]} {_NAMES[pick('second', len(_NAMES))]}"
    colours = list(_COLOURS[: 2 + pick("colours", 4)])
    options = {"color": [{"value": colour, "image": None} for colour in colours]}
    if kind in {"jacket", "backpack"}:
        options["size"] = [{"value": size, "image": None} for size in _SIZES]
    price = 10 + pick("price", 80)
    known = list(facts[: 1 + pick("facts", 2)])
    row: dict[str, object] = {
        "asin": f"M{seed:03d}{at:06d}",
        "name": f"{name} {kind}, {', '.join(known)}",
        "category": categories[0].lower(),
        "query": query,
        "product_category": f" {DIVIDER} ".join(categories),
        "full_description": f"A {kind} by {name}.",
        "small_description": [f"This {kind} is {fact}." for fact in known],
        "pricing": f"${price}.50" if pick("range", 4) else f"${price}.00$${price + 20}.00".replace("$$", "$"),
        "customization_options": options,
        "images": [""],
    }
    wanted = [colours[pick("wanted", len(colours))]]
    size = _SIZES[pick("size", 3)] if "size" in options else ""
    wanted += [size] if size else []
    instruction = f"i am looking for a {name.lower()} {kind} that is {known[0]} in {' and '.join(wanted)}."
    facts_row: dict[str, object] = {
        "attributes": known,
        "instruction": f"find me a {name.lower()} {kind} that is {known[0]}",
        "instruction_attributes": [known[0]],
    }
    return (
        row,
        facts_row,
        [
            {
                "asin": row["asin"],
                "instruction": instruction,
                "instruction_attributes": [known[0]],
                "instruction_options": wanted,
            }
        ],
    )
