"""`hone runs`: what lies in the folder of runs."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from honing.cli.commands import command_app
from honing.cli.frame import Frame
from honing.cli.printing import Column, Format, print_json, print_rows, show_size, show_time, visible
from honing.cli.runs_compare import compare
from honing.cli.runs_export import export
from honing.errors import UsageError

if TYPE_CHECKING:
    from honing.settings import Settings
    from honing.store import Run, RunEntry, RunStatus

app = command_app(
    """List, show, compare, export and remove runs.

    \b
    Examples:
      hone runs list --status interrupted
      hone runs show latest
      hone runs resume latest
      hone runs compare A B
      hone runs export latest --to inspect --out logs
      hone runs rm 2026-11-20-smoke
      hone runs gc --dry-run

    A run is named by its folder, its id, the start of either, or `latest`.
    """,
    group=True,
)

_AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_AsTsv = Annotated[bool, typer.Option("--tsv", help="Print tab-separated values.")]

_LIST = [
    Column(key="name", heading="NAME"),
    Column(key="kind", heading="KIND", from_width=50),
    Column(key="status", heading="STATUS"),
    Column(key="created", heading="CREATED (UTC)", show=show_time, from_width=80),
    Column(key="bytes", heading="SIZE", show=show_size, right=True, from_width=90),
    Column(key="reason", heading="REASON", from_width=110),
]
_GARBAGE = [
    Column(key="path", heading="PATH"),
    Column(key="bytes", heading="SIZE", show=show_size, right=True),
    Column(key="why", heading="WHY", from_width=80),
]


@app.command("list")
def list_(
    ctx: typer.Context,
    kind: Annotated[str | None, typer.Option(help="Only runs of this kind, for example measure.")] = None,
    status: Annotated[str | None, typer.Option(help="Only runs that stand there, for example done.")] = None,
    name: Annotated[str | None, typer.Option(help="Only runs whose name or id contains this.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many, the newest.")] = None,
    json: _AsJson = False,
    tsv: _AsTsv = False,
) -> None:
    """List runs, the oldest first; damaged ones come last.

    \b
    Examples:
      hone runs list
      hone runs list --kind measure --status done --limit 5
      hone runs list --tsv | cut -f1
    """
    from honing.store import list_runs

    frame = Frame.of(ctx)
    settings = frame.settings()
    home = settings.paths.home
    entries = _newest(list_runs(home, kind=kind, status=_status(status), name=name), limit)
    print_rows(
        _LIST,
        [_entry_row(entry) for entry in entries],
        format=Format.chosen(json=json, tsv=tsv),
        look=frame.look(settings),
        empty=f"no runs in {home} that match" if any((kind, status, name)) else f"no runs in {home} yet",
    )


@app.command()
def show(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(help="Name, id, the start of either, or latest.")],
    json: _AsJson = False,
    tsv: _AsTsv = False,
) -> None:
    """Show what a run is, how it ended, and how to repeat it.

    \b
    Examples:
      hone runs show latest
      hone runs show latest --json | jq .config
    """
    frame = Frame.of(ctx)
    settings = frame.settings()
    found = _find(settings, run)
    format = Format.chosen(json=json, tsv=tsv)
    document = _run_document(found)
    if format is Format.JSON:
        print_json(document)
        return
    document["versions"] = {name: found.versions.get(name) for name in ("honing", "python")}
    rows = [{"field": name, "value": _plain(name, value)} for name, value in document.items()]
    columns = [Column(key="field", heading="FIELD"), Column(key="value", heading="VALUE", lines=True)]
    print_rows(columns, rows, format=format, look=frame.look(settings))


@app.command()
def rm(
    ctx: typer.Context,
    runs: Annotated[list[str], typer.Argument(help="Name, id, the start of either, or latest.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove runs for good. A run that is being worked on is left alone.

    \b
    Examples:
      hone runs rm 2026-11-20-smoke
      hone runs rm latest --yes
    """
    from honing.store import remove

    frame = Frame.of(ctx)
    settings = frame.settings()
    found = {run.path.resolve(): run for run in (_find(settings, wanted) for wanted in runs)}.values()
    if not yes:
        _confirm([run.path for run in found])
    for run in found:
        freed = remove(run)
        sys.stdout.write(f"removed {visible(str(run.path))} ({show_size(freed)})\n")


@app.command()
def resume(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(help="Name, id, the start of either, or latest.")],
) -> int:
    """Go on with a run that is not done: the same command once more, which repeats nothing that is finished.

    \b
    Examples:
      hone runs resume latest
    """
    from honing.cli.app import run as run_command
    from honing.store import RunStatus

    frame = Frame.of(ctx)
    found = _find(frame.settings(), run)
    if found.status is RunStatus.DONE:
        raise UsageError(f"{found.path.name} is done; `hone runs show {found.path.name}` shows it.")
    if len(found.command) < 2:
        raise UsageError(
            f"{found.path.name} was started from Python; make the same call again to go on with it."
        )
    if any(word.endswith("=***") for word in found.command):
        raise UsageError(
            f"{found.path.name} was given variables with --env, whose values are not kept. Make the same "
            "call again, "
            "with them, to go on with it."
        )
    _check_is_the_newest(frame.settings().paths.home, found)
    track = frame.settings().tracking.track or ""
    return run_command(_where_it_lies(found), environ={**frame.environ, "HONING_TRACK": track}, cwd=frame.cwd)


@app.command()
def gc(
    ctx: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    json: _AsJson = False,
    tsv: _AsTsv = False,
) -> None:
    """Remove caches and leftovers that no run needs.

    \b
    Examples:
      hone runs gc --dry-run
      hone runs gc

    That is: caches, working copies of runs that ended or were left for a week, and drafts of a crash.
    Results, journals and evidence stay. A run that is being worked on is left alone.
    """
    from honing.store import collect_garbage

    frame = Frame.of(ctx)
    settings = frame.settings()
    format = Format.chosen(json=json, tsv=tsv)
    found = collect_garbage(settings.paths.home, dry_run=dry_run)
    rows = [{**dataclasses.asdict(garbage), "path": str(garbage.path)} for garbage in found]
    total = sum(garbage.bytes for garbage in found)
    if format is Format.JSON:
        print_json({"removed": not dry_run, "bytes": total, "entries": rows})
        return
    print_rows(_GARBAGE, rows, format=format, look=frame.look(settings), empty="nothing to remove")
    if rows and not settings.output.quiet:
        verb = "would free" if dry_run else "freed"
        sys.stderr.write(f"{verb} {show_size(total)}\n")


app.command()(compare)
app.command()(export)


def _newest(entries: list[RunEntry], limit: int | None) -> list[RunEntry]:
    """The newest sound runs; damaged ones have no age and are only counted, on stderr."""
    if limit is None:
        return entries
    sound = [entry for entry in entries if not entry.damage]
    if len(sound) < len(entries):
        sys.stderr.write(f"{len(entries) - len(sound)} damaged not shown: leave out --limit to see them\n")
    return sound[-limit:]


def _status(word: str | None) -> RunStatus | None:
    from honing.store import RunStatus

    if word is None:
        return None
    try:
        return RunStatus(word.lower())
    except ValueError:
        known = ", ".join(status.value for status in RunStatus)
        raise UsageError(f"--status {word!r}: no run stands there. The statuses are {known}.") from None


def _find(settings: Settings, wanted: str) -> Run:
    from honing.store import find_run

    return find_run(settings.paths.home, wanted)


def _check_is_the_newest(home: Path, run: Run) -> None:
    """The command goes on with the newest of its runs that are not done, which must be this one.

    Raises:
        UsageError: It is another one.
    """
    from honing.store import Run, RunStatus, list_runs

    left = (RunStatus.DONE, RunStatus.RUNNING)
    for entry in list_runs(home, kind=run.kind):
        newer = not entry.damage and entry.id > run.id and entry.status not in left
        if newer and Run.open(entry.path).command == run.command:
            raise UsageError(
                f"{entry.name} was made by the same command later and is not done either: that one would be "
                f"gone on with. Resume it, or remove it first: hone runs rm {entry.name}"
            )


def _where_it_lies(run: Run) -> list[str]:
    """The arguments of its command; those for where it is now, if its folder of runs was moved or copied."""
    words = list(run.command[1:])
    home = run.path.resolve().parent
    if words[0] == "--home" and len(words) > 1 and Path(words[1]).resolve() != home:
        words[1] = str(home)
    return words


def _entry_row(entry: RunEntry) -> dict[str, Any]:
    from honing.store import disk_use

    return {
        "name": entry.name,
        "id": entry.id,
        "kind": entry.kind or None,
        "status": "damaged" if entry.status is None else entry.status.value,
        "reason": entry.damage or entry.reason,
        "created": entry.created,
        "ended": entry.ended,
        "bytes": disk_use(entry.path),
        "path": str(entry.path),
    }


def _run_document(run: Run) -> dict[str, Any]:
    from honing.store import disk_use

    return {
        "id": run.id,
        "kind": run.kind,
        "path": str(run.path),
        "status": run.status.value,
        "reason": run.reason,
        "created": run.created,
        "ended": run.ended,
        "command": list(run.command),
        "seed": run.seed,
        "config": run.config,
        "versions": run.versions,
        "bytes": disk_use(run.path),
        "files": sorted(
            str(path.relative_to(run.path)) for path in run.path.iterdir() if not path.name.startswith(".")
        ),
    }


def _plain(name: str, value: Any) -> str:
    """One field for a person: a command as it is typed, a record as one line each."""
    import shlex

    if name in {"created", "ended"}:
        return f"{show_time(value)} UTC"
    if name == "bytes":
        return show_size(value)
    if name == "command":
        return shlex.join(value)
    if isinstance(value, dict):
        return "\n".join(f"{key} = {member}" for key, member in value.items())
    return "\n".join(value) if isinstance(value, list) else str(value)


def _confirm(paths: Sequence[Path]) -> None:
    """Ask on stderr. Without a terminal to answer on, refuse.

    Raises:
        UsageError: Nobody can answer.
        Abort: The answer is not yes.
    """
    if not sys.stdin.isatty():
        raise UsageError("removing runs needs a confirmation, and there is no terminal to ask on. Add --yes.")
    for path in paths:
        sys.stderr.write(f"  {visible(str(path))}\n")
    what = "this run" if len(paths) == 1 else f"these {len(paths)} runs"
    sys.stderr.write(f"Remove {what} for good? [y/N] ")
    sys.stderr.flush()
    # Not typer's prompt: it takes Ctrl-C for a no, and the exit code would not be 130.
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise typer.Abort
