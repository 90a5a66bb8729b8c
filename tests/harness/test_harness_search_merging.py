from __future__ import annotations

import random
from pathlib import Path

import pytest

from honing.harness.search.merging import merge_lines, merge_trees
from honing.store import TreeId, TreeStore

Texts = dict[str, str]
"""Content by path; `->` before it makes a link, `+x` an executable file."""


def stored(trees: TreeStore, scratch: Path, name: str, texts: Texts) -> TreeId:
    folder = scratch / name
    folder.mkdir()
    for path, text in texts.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("->"):
            place.symlink_to(text.removeprefix("->"))
        else:
            place.write_bytes(text.removeprefix("+x").encode("latin-1"))
            place.chmod(0o755 if text.startswith("+x") else 0o644)
    return trees.snapshot(folder)


def read_back(trees: TreeStore, tree: TreeId, folder: Path) -> Texts:
    trees.materialise(tree, folder)
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = f"->{path.readlink()}"
        elif path.is_file():
            found[name] = ("+x" if path.stat().st_mode & 0o100 else "") + path.read_bytes().decode("latin-1")
        elif not any(path.iterdir()):
            found[name] = "an empty folder"
    return found


ABC = "a\nb\nc\n"
CASES = {
    "different files": (
        {"p": "1", "q": "1"},
        {"p": "2", "q": "1"},
        {"p": "1", "q": "2"},
        {"p": "2", "q": "2"},
        (),
    ),
    "the same change twice": ({"p": "1"}, {"p": "2"}, {"p": "2"}, {"p": "2"}, ()),
    "files added by both": ({}, {"p": "1"}, {"d/q": "2"}, {"p": "1", "d/q": "2"}, ()),
    "one removes, one changes another": (
        {"p": "1", "q": "1"},
        {"q": "1"},
        {"p": "1", "q": "2"},
        {"q": "2"},
        (),
    ),
    "lines apart": ({"p": ABC}, {"p": "A\nb\nc\n"}, {"p": "a\nb\nC\n"}, {"p": "A\nb\nC\n"}, ()),
    "lines side by side": ({"p": ABC}, {"p": "A\nb\nc\n"}, {"p": "a\nB\nc\n"}, {"p": "A\nB\nc\n"}, ()),
    "one line, two ways": ({"p": ABC}, {"p": "1\nb\nc\n"}, {"p": "2\nb\nc\n"}, {"p": "1\nb\nc\n"}, ("p",)),
    "lines added at one place": (
        {"p": ABC},
        {"p": f"{ABC}x\n"},
        {"p": f"{ABC}y\n"},
        {"p": f"{ABC}x\n"},
        ("p",),
    ),
    "lines added at both ends": (
        {"p": ABC},
        {"p": f"x\n{ABC}"},
        {"p": f"{ABC}y\n"},
        {"p": f"x\n{ABC}y\n"},
        (),
    ),
    "changed here, removed there": ({"p": "1"}, {"p": "2"}, {}, {"p": "2"}, ("p",)),
    "removed here, changed there": ({"p": "1"}, {}, {"p": "2"}, {}, ("p",)),
    "added by both, not the same": ({}, {"p": "1"}, {"p": "2"}, {"p": "1"}, ("p",)),
    "binary, two ways": (
        {"p": "\0a\n\n\nb"},
        {"p": "\0A\n\n\nb"},
        {"p": "\0a\n\n\nB"},
        {"p": "\0A\n\n\nb"},
        ("p",),
    ),
    "no UTF-8, two ways": (
        {"p": "\xffa\n\nb"},
        {"p": "\xffA\n\nb"},
        {"p": "\xffa\n\nB"},
        {"p": "\xffA\n\nb"},
        ("p",),
    ),
    "mode here, text there": ({"p": "1"}, {"p": "+x1"}, {"p": "2"}, {"p": "+x2"}, ()),
    "text here, mode there": ({"p": "1"}, {"p": "2"}, {"p": "+x1"}, {"p": "+x2"}, ()),
    "link here, text there": ({"p": "1"}, {"p": "->q"}, {"p": "2"}, {"p": "->q"}, ("p",)),
    "another link there": (
        {"p": "->a", "q": "1"},
        {"p": "->a", "q": "2"},
        {"p": "->b", "q": "1"},
        {"p": "->b", "q": "2"},
        (),
    ),
    "file here, folder there": ({}, {"d": "1"}, {"d/e/f": "2"}, {"d": "1"}, ("d", "d/e", "d/e/f")),
    "folder removed here, filled there": ({"d/p": "1"}, {}, {"d/p": "1", "d/e/q": "2"}, {"d/e/q": "2"}, ()),
}


@pytest.mark.parametrize("case", CASES)
def test_two_trees_are_joined_path_by_path_and_line_by_line(tmp_path: Path, case: str) -> None:
    base, ours, theirs, expected, conflicts = CASES[case]
    trees = TreeStore(tmp_path / "trees")
    sides = [
        stored(trees, tmp_path, name, t) for name, t in (("base", base), ("ours", ours), ("theirs", theirs))
    ]

    merged = merge_trees(trees, *sides)

    assert read_back(trees, merged.tree, tmp_path / "merged") == expected
    assert merged.conflicts == tuple(path.encode() for path in conflicts)
    assert trees.verify(merged.tree).ok


def test_a_side_that_changed_nothing_adds_nothing(tmp_path: Path) -> None:
    trees = TreeStore(tmp_path / "trees")
    rng = random.Random(4)
    for round_ in range(15):
        texts = {f"{rng.choice('ab')}/{rng.choice('cd')}{n}": f"{rng.random()}\n" * n for n in range(5)}
        changed = {path: text + "more\n" for path, text in texts.items() if rng.random() < 0.7}
        base, other = (
            stored(trees, tmp_path, f"{name}{round_}", t) for name, t in (("x", texts), ("y", changed))
        )

        assert merge_trees(trees, base, base, other).tree == other
        assert merge_trees(trees, base, other, base).tree == other
        assert merge_trees(trees, base, other, other).tree == other


def test_lines_changed_apart_are_joined_whichever_side_is_first() -> None:
    rng = random.Random(8)
    base = [f"{number}\n" for number in range(12)]
    for _ in range(300):
        first, second, third, fourth = sorted(rng.sample(range(13), 4))
        mine, yours = ([f"{name} {n}\n" for n in range(rng.randrange(4))] for name in ("mine", "yours"))
        ours = [*base[:first], *mine, *base[second:]]
        theirs = [*base[:third], *yours, *base[fourth:]]

        both = [*base[:first], *mine, *base[second:third], *yours, *base[fourth:]]
        assert merge_lines(base, ours, theirs) == merge_lines(base, theirs, ours) == both
