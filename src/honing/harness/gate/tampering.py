"""Reaching for the judge: links out of the harness, things that are no files, our folders, our secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from honing.harness.candidate import Outcome
from honing.harness.gate.hiding import holds_secret
from honing.harness.gate.refusal import Refusal, refusal
from honing.harness.gate.scoping import Places
from honing.harness.gate.touched import RESERVED, Touched
from honing.store import Entry, EntryKind, Tree

Read = Callable[[Entry], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What was seen when the agent had ended, and what trees cannot show."""

    forged: tuple[str, ...] = ()
    """Notes of ours, placed for the agent, that are no longer what they were (`Taken.forged`)."""
    carrying: tuple[str, ...] = ()
    """Paths that hold a secret of the run (`secret_holders`)."""


_MOST_HOPS = 40
"""Links that a system follows in one path before it gives up."""


def tampered(
    before: Tree, after: Tree, found: Sequence[Touched], places: Places, signs: Signs
) -> Refusal | None:
    """Why a candidate counts as tampered, if it does, before any of its files is read.

    Args:
        before: The parent.
        after: What the agent left.
        found: What it touched.
        places: What the project's author lets candidates change, our folders named among them or not.
        signs: What was seen when the agent had ended.
    """
    specials = [one for one in found if one.after is not None and one.after.kind is EntryKind.SPECIAL]
    if specials:
        return _refused("it left pipes, sockets or devices, at which a reader hangs", specials)
    out = _escaping(before, after)
    if out:
        return _refused("it made links that lead out of the harness", out)
    reserved = [
        one.name for one in found if _is_reserved(one.path) and not one.follows and not places.named(one.path)
    ]
    reserved += signs.forged
    if reserved:
        return _refused("it wrote to folders that are kept for notes about candidates", reserved)
    if signs.carrying:
        why = "it holds a secret of the run that started it, which no candidate can come by honestly"
        return _refused(why, signs.carrying)
    return None


def secret_holders(before: Tree, after: Tree, read: Read, secrets: Iterable[str]) -> tuple[str, ...]:
    """Paths in which a candidate carries a secret of its run, plainly or encoded.

    Secrets may differ from session to session: look once, when the agent has ended, and keep the answer.

    Args:
        before: The parent, whose files are not looked at again.
        after: What the agent left.
        read: The bytes of a stored file.
        secrets: Letters and digits; those of fewer than 12 characters are not looked for.
    """
    known = set(before.entries)
    return tuple(
        entry.name
        for entry in after.entries
        if entry not in known and any(_shows(entry, read, secret) for secret in secrets)
    )


def leads_outside(path: bytes, links: Mapping[bytes, bytes]) -> bool:
    """Whether a path ends outside of its tree, followed link by link as a system does it.

    Args:
        path: Relative to the tree.
        links: Every link of the tree: target by path.
    """
    waiting = path.split(b"/")[::-1]
    place: list[bytes] = []
    hops = 0
    while waiting:
        name = waiting.pop()
        if name == b"..":
            if not place:
                return True
            place.pop()
        elif name not in (b"", b"."):
            place.append(name)
            target = links.get(b"/".join(place))
            if target is not None:
                hops += 1
                if target.startswith(b"/"):
                    return True
                if hops > _MOST_HOPS:
                    return False
                place.pop()
                waiting += target.split(b"/")[::-1]
    return False


def _escaping(before: Tree, after: Tree) -> list[Entry]:
    """Links of the candidate that lead outside, other than those that did so in the parent already."""
    old, new = _links(before), _links(after)
    return [
        entry
        for entry in after.entries
        if entry.kind is EntryKind.LINK
        and leads_outside(entry.path, new)
        and not (old.get(entry.path) == entry.target and leads_outside(entry.path, old))
    ]


def _links(tree: Tree) -> dict[bytes, bytes]:
    return {entry.path: entry.target for entry in tree.entries if entry.kind is EntryKind.LINK}


def _is_reserved(path: bytes) -> bool:
    return path.split(b"/")[0] in {name.encode() for name in RESERVED}


def _shows(entry: Entry, read: Read, secret: str) -> bool:
    if holds_secret(entry.path, secret) or holds_secret(entry.target, secret):
        return True
    return entry.kind is EntryKind.FILE and holds_secret(read(entry), secret)


def _refused(why: str, found: Iterable[Touched | Entry | str]) -> Refusal:
    return refusal(Outcome.TAMPERED, why, [one if isinstance(one, str) else one.name for one in found])
