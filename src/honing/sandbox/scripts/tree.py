"""Finding every process below one, from /proc. Also used by Honing itself (`honing.sandbox.processes`)."""

from __future__ import annotations

import os


def descendants(root: int) -> list[int]:
    """Ids of `root` and of the living processes below it, parents first.

    One look at /proc is not one moment: a process that forks meanwhile may be missed, so a caller that must
    see all looks again until nothing changes.
    """
    children: dict[int, list[int]] = {}
    ended = set()
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", "rb") as file:
                line = file.read()
        except OSError:
            continue
        # The name may hold spaces and parentheses; the fields begin after the last one.
        fields = line[line.rindex(b")") + 2 :].split(None, 18)
        children.setdefault(int(fields[1]), []).append(int(entry))
        # A process whose first thread ended looks like a zombie while its other threads (field 20) live on.
        if fields[0] in b"ZX" and int(fields[17]) <= 1:
            ended.add(int(entry))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return [pid for pid in found if pid not in ended or pid == root]
