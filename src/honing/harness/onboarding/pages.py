"""ONBOARDING.md and domain_spec.md, and the project that they propose."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from honing.harness.onboarding.look import Folder, Part, missing

_GUIDE = "AGENTS.md"
_SHOWN = 40
"""Files of a class that a page lists; the rest is counted."""
_MEANS = {
    "prompt": "what the agent is told",
    "tool_desc": "what it is told about its tools",
    "tool_impl": "the tools and scripts themselves",
    "middleware": "what stands between it and its tools",
    "skill": "what it can look up",
    "subagent": "agents that it can ask",
    "memory": "what it remembers",
}


def onboarding_page(found: Folder) -> str:
    """What was found in a folder, and the way to a first run."""
    lines = [f"# Onboarding: {found.name}", "", _opening(found), "", "## The harness", ""]
    lines += list(_harness(found))
    lines += ["", "## How it is tested", ""]
    lines += [f"- `{one.command}` (from `{one.found_in}`)" for one in found.tests] or ["Nothing was found."]
    lines += [
        f"- `{path}` may judge the agent's work: read it before you trust it." for path in found.evaluators
    ]
    lines += ["", "## What is missing", "", *(f"- {sentence}" for sentence in missing(found))]
    lines += ["", "## A project to start from", "", _PROPOSED, "", "```yaml", proposed_project(found), "```"]
    lines += ["", "## Next", "", "```sh", *_next(found), "```", ""]
    return "\n".join(lines)


_PROPOSED = (
    "Save this as `honing.yaml` in a folder of its own **beside** this one, never inside: what lies in the "
    "harness is shown to the agent, and tasks must not be. Replace the tasks by what you really want, and "
    "hold some out."
)


def domain_page(found: Folder) -> str:
    """What has to be known about the domain before a harness can be made better: what the folder says, and
    questions where it is silent."""
    tested = ", ".join(f"`{one.command}`" for one in found.tests)
    judged = ", ".join(f"`{path}`" for path in found.evaluators[:_SHOWN])
    allowed = ", ".join(f"`{path}`" for path, _ in _scope(found.parts))
    rows = [
        ("What is the agent for?", found.described),
        ("What does it work on?", _code(found)),
        ("What may be changed?", allowed),
        ("What must stay as it is?", "everything else; tests and graders above all" if allowed else ""),
        ("How is one piece of its work judged?", judged or tested),
        ("Which pieces of work are for searching, which are held out?", ""),
        ("How much does the score of the same harness move from run to run?", ""),
        ("What is a gain worth having, and what may it cost?", ""),
        ("Which words would give the answers away, if they stood in the harness?", ""),
        ("What must an edit never do?", ""),
    ]
    lines = [f"# Domain: {found.name}", "", "Filled in from the folder's own files; the rest is for you.", ""]
    for question, answer in rows:
        lines += [f"## {question}", "", answer or "Not said anywhere in the folder.", ""]
    return "\n".join(lines)


def proposed_project(found: Folder) -> str:
    """A honing.yaml that opens as it is, in a folder beside the harness."""
    lines = [
        "schema: 1",
        f"name: {json.dumps(_plain_name(found.name))}",
        f"objective: {json.dumps(_objective(found))}",
        f"baseline: {json.dumps('../' + found.name)}",
        "scope:" if found.parts else "scope: []   # name what may be changed",
    ]
    lines += [f"  - {_flow({'path': path, 'class': kind})}" for path, kind in _scope(found.parts)]
    lines.append("transient: [ONBOARDING.md, domain_spec.md]   # these pages are no part of the harness")
    lines += ["tasks:", *(f"  - {_flow(task)}" for task in _tasks(found))]
    lines += ["held_out: []   # tasks that no proposal is ever judged by", "budget: 3"]
    return "\n".join(lines)


def _opening(found: Folder) -> str:
    described = f"{found.described} " if found.described else ""
    counted = f"more than {found.files}" if found.cut else str(found.files)
    project = f" It is a project already: `{found.project}`." if found.project else ""
    return f"{described}{counted} files, of which {len(found.parts)} are its harness.{project}"


def _harness(found: Folder) -> Iterator[str]:
    if not found.parts:
        yield "Nothing here looks like a harness: no instructions, prompts, tools or scripts."
        return
    yield "| class | file | lines |"
    yield "|---|---|---|"
    for kind in _MEANS:
        parts = [part for part in found.parts if part.kind == kind]
        for part in parts[:_SHOWN]:
            mark = " (executable)" if part.executable else ""
            yield f"| {kind} | `{_cell(part.path)}`{mark} | {part.lines} |"
        if len(parts) > _SHOWN:
            yield f"| {kind} | and {len(parts) - _SHOWN} more | |"
    yield ""
    yield "Classes: " + "; ".join(
        f"*{kind}*: {means}" for kind, means in _MEANS.items() if any(p.kind == kind for p in found.parts)
    )


def _scope(parts: Sequence[Part]) -> list[tuple[str, str]]:
    """What a project would allow to change: folders where all in them is of one class, files elsewhere."""
    tops: dict[str, list[Part]] = {}
    for part in parts:
        tops.setdefault(part.path.partition("/")[0], []).append(part)
    scope: list[tuple[str, str]] = []
    for top, members in sorted(tops.items()):
        kinds = {part.kind for part in members}
        if len(kinds) == 1 and not top.startswith("."):
            scope.append((top, members[0].kind))
        else:
            scope += [(part.path, part.kind) for part in members[:_SHOWN]]
    return scope


def _tasks(found: Folder) -> Iterator[dict[str, Any]]:
    for at, one in enumerate(found.tests[:3], start=1):
        yield {"id": f"own-tests-{at}", "type": "command", "weight": 2, "command": one.command}
    guide = next((part.path for part in found.parts if part.kind == "prompt"), _GUIDE)
    required = [one.found_in for one in found.tests[:1]] or ["test"]
    yield {"id": "guide-names-the-tests", "type": "file_phrase", "path": guide, "required": required}


def _flow(value: dict[str, Any]) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=1000, sort_keys=False).strip()


def _next(found: Folder) -> Iterator[str]:
    place = f"../{_plain_name(found.name).replace(' ', '-')}-project"
    yield f"mkdir {place}   # and save the YAML above as honing.yaml in it"
    yield f"hone harness run {place} --dry-run   # does it open, and what would a run cost?"
    yield "hone harness probe codex   # is the agent ready?"
    yield f"hone harness run {place} --agent codex --agent-model MODEL --budget 3"


def _objective(found: Folder) -> str:
    described = found.described.rstrip(".!?")
    aim = f"Make the harness around {found.name} better at what it is for"
    return f"{aim}: {described}." if described else f"{aim}."


def _code(found: Folder) -> str:
    listed = [f"{count} `{_cell(end)}`" for end, count in list(found.code.items())[:8]]
    return f"Files beside the harness: {', '.join(listed)}." if listed else ""


def _plain_name(name: str) -> str:
    kept = re.sub(r"[^A-Za-z0-9._-]", "-", name)
    return kept.strip("-._")[:100] or "project"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("`", "'").replace("\n", " ")
