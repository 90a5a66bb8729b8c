from __future__ import annotations

import doctest
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "statistics.md"


def test_the_examples_of_the_page_print_what_it_says() -> None:
    examples = doctest.DocTestParser().get_examples(PAGE.read_text(encoding="utf-8"))

    result = doctest.testfile(str(PAGE), module_relative=False)

    assert (len(examples), result.attempted, result.failed) == (5, 5, 0)


def test_every_public_function_is_on_the_page() -> None:
    import honing.stats

    text = PAGE.read_text(encoding="utf-8")
    functions = [name for name in honing.stats.__all__ if name[0].islower()]

    assert [name for name in functions if f"`{name}" not in text] == []
