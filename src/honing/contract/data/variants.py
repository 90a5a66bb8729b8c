"""Answers for the controls: the gold in other clothes, another row's gold, and nothing.

A judge that refuses a right answer for its form measures obedience, not knowledge; one that takes any answer
measures nothing. Both show when these answers are judged.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence

from honing.contract.data.task import DatasetTask
from honing.contract.scorers import Row
from honing.contract.scorers.numbers import show
from honing.contract.scorers.numeric import read_gold
from honing.contract.scorers.text import normalise

NULL = ""
"""What the null control answers."""


def variants(task: DatasetTask, rows: Sequence[Row]) -> dict[str, dict[str, str]]:
    """The gold of each row in other clothes: completions by name of the variant and row id.

    Every variant answers every row that has a gold; where a variant cannot be told from the bare answer
    (thousands separators below 1000), it is the bare answer.
    """
    dress = _DRESSES.get(task.scorer, _plain)
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        if not row.golds:
            continue
        for name, completion in dress(row).items():
            found.setdefault(name, {})[row.id] = completion
    return found


def shuffled(task: DatasetTask, rows: Sequence[Row], seed: int) -> dict[str, str]:
    """For each row the gold completion of another row whose answer differs in value.

    Args:
        task: The rows' task.
        rows: The rows to answer.
        seed: Decides who gets whose.

    Returns:
        Completions by row id. Rows without a partner (more than half of all rows share their answer) are
        left out; `without_partner` names them.
    """
    partners = _partners(rows, [_values(task, row) for row in rows], random.Random(seed))
    return {
        row.id: task.gold_completion(rows[partner])
        for row, partner in zip(rows, partners, strict=True)
        if partner is not None
    }


def without_partner(task: DatasetTask, rows: Sequence[Row], seed: int) -> list[str]:
    """Ids of the rows that `shuffled` leaves out."""
    answered = shuffled(task, rows, seed)
    return [row.id for row in rows if row.id not in answered]


def _values(task: DatasetTask, row: Row) -> frozenset[str]:
    if task.scorer == "numeric":
        golds = (read_gold(text) for text in row.golds)
        return frozenset(show(value) for gold in golds if gold is not None for value in gold.readings)
    return frozenset(normalise(gold) for gold in row.golds)


def _partners(rows: Sequence[Row], values: Sequence[frozenset[str]], rng: random.Random) -> list[int | None]:
    """For each row the position of another whose values share nothing with its own.

    Rows are ordered by value, in random order within a value, and each takes the one as far on as the
    commonest value is frequent: so it leaves its own group wherever that is possible at all. What still
    meets (rows with several golds) is exchanged with random others.
    """
    usable = [at for at in range(len(rows)) if values[at]]
    rng.shuffle(usable)
    groups: dict[frozenset[str], list[int]] = {}
    for at in usable:
        groups.setdefault(values[at], []).append(at)
    order = [at for group in groups.values() for at in group]
    step = max(map(len, groups.values()), default=0)
    partner = {at: order[(place + step) % len(order)] for place, at in enumerate(order)}
    for at in order:
        if values[at] & values[partner[at]]:
            _exchange(at, partner, values, order, rng)
    return [
        partner[at] if at in partner and not values[at] & values[partner[at]] else None
        for at in range(len(rows))
    ]


def _exchange(
    at: int,
    partner: dict[int, int],
    values: Sequence[frozenset[str]],
    order: Sequence[int],
    rng: random.Random,
) -> None:
    """Exchange a row's partner with another row's, where both then differ."""
    for other in rng.sample(order, len(order)):
        mine, theirs = partner[at], partner[other]
        if not values[at] & values[theirs] and not values[other] & values[mine]:
            partner[at], partner[other] = theirs, mine
            return


def _plain(row: Row) -> dict[str, str]:
    return {"bare": row.gold}


def _numeric(row: Row) -> dict[str, str]:
    gold = read_gold(row.gold)
    if gold is None:
        return {}
    bare = show(max(gold.readings, key=abs))
    whole = re.fullmatch(r"-?[0-9]+", bare) is not None
    grouped = f"{int(bare):,}" if whole else bare
    size = grouped.removeprefix("-")
    sign = "-" if bare.startswith("-") else ""
    return {
        "bare": bare,
        "sentence": f"The answer is {grouped}.",
        "hashes": f"3 boxes and 2 bags make 5 things.\n#### {grouped}",
        "boxed": f"So the result is $\\boxed{{{bare}}}$.",
        "latex": f"Thus \\[ x = \\boxed{{{sign}{size.replace(',', '{,}')}}} \\]",
        "bold": f"There are 2 steps.\n\n**Answer:** **{grouped}**",
        "currency": f"Final answer: {sign}${size}",
        "decimal": f"{bare}.0" if whole else bare,
        "unit": f"Answer: {grouped} apples",
        "typographic": grouped.replace("-", "\u2212").replace(",", "\u202f"),
        "spaced": f"\r\n\r\n  {bare}  \r\n",
        "reasoned": f"First 17 - 4 = 13, then half of it.\nTherefore the final answer is {bare}",
        "result": f"The answer is 0 + {bare} = {bare}."
        if not sign
        else f"The answer is 0 - {size} = {bare}.",
    }


def _choice(row: Row) -> dict[str, str]:
    label = row.gold
    choices = [str(choice) for choice in row.inputs["choices"]]
    text = choices[list(row.inputs["labels"]).index(label)]
    texts = [normalise(choice) for choice in choices]
    # A text that stands twice, or is itself a label, does not say which choice is meant.
    telling = texts.count(normalise(text)) == 1 and len(normalise(text)) > 1
    return {
        "bare": label,
        "lower": label.lower(),
        "brackets": f"({label})",
        "point": f"{label}.",
        "marked": f"Answer: {label}",
        "sentence": f"The correct answer is ({label}) because it fits the question.",
        "bold": f"**{label}**",
        "boxed": f"\\boxed{{{label}}}",
        "text": text if telling else label,
        "with_text": f"{label}) {text}",
        "reasoned": f"A good question. It takes a moment of thought.\n\nTherefore, the answer is {label}.",
        "last_line": f"It takes a moment of thought.\n\n{label}",
        "hashes": f"It takes a moment of thought.\n#### {label}",
    }


def _text(row: Row) -> dict[str, str]:
    gold = row.golds[-1]
    return {
        "bare": gold,
        "upper": gold.upper(),
        "lower": gold.lower(),
        "point": f"{gold}.",
        "quoted": f'"{gold}"',
        "marked": f"Answer: {gold}",
        "sentence": f"The answer is {gold}.",
        "bold": f"**{gold}**",
        "spaced": f"\r\n  {gold}  \r\n",
        "reasoned": f"It takes a moment of thought.\nFinal answer: {gold}",
        "last_line": f"It takes a moment of thought.\n\n{gold}",
    }


def _code(row: Row) -> dict[str, str]:
    complete = row.inputs.get("form") == "complete"
    given = str(row.inputs["input"]) if complete else ""
    whole = f"{given}{row.gold}".strip("\n")
    return {
        "fenced": f"```python\n{whole}\n```",
        "fenced_plain": f"```\n{whole}\n```",
        "bare": whole,
        "rest": row.gold,
        "rest_stripped": row.gold.strip(),
        "prose": f"Here is a solution:\n\n```python\n{whole}\n```\n\nIt handles every case. Let me know!",
        "prose_after": f"{whole}\n\nThis works because every case is handled.\n",
        "crlf": f"```python\n{whole}\n```\n".replace("\n", "\r\n"),
        "main_guard": f"{whole}\n\n\nif __name__ == '__main__':\n    print('done')\n",
        "two_blocks": f"```python\n{whole}\n```\nTo see it work:\n```python\nprint('done')\n```",
        "unclosed": f"```py\n{whole}\n",
    }


_DRESSES: Mapping[str, Callable[[Row], dict[str, str]]] = {
    "numeric": _numeric,
    "choice": _choice,
    "text": _text,
    "judge_model": _text,
    "code": _code,
}
