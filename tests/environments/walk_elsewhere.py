"""Walks worlds in a process of its own: cases on stdin, what was found on stdout."""

from __future__ import annotations

import json
import sys

from worlds_under_test import Case, walk

found = {}
for document in json.load(sys.stdin):
    case = Case(**document)
    world = case.world()
    found[case.id] = {
        "identity": world.identity(),
        "tasks": [task.as_document() for task in world.tasks("collect", min(case.tasks, 4))],
        "walk": walk(case, world, "evaluate"),
    }
json.dump(found, sys.stdout)
