"""`hone teach pilot`: is everything wired, before anything is scaled?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from honing.cli.frame import Frame
from honing.cli.printing import print_json
from honing.cli.teach_result import print_criteria
from honing.cli.teach_settings import settings_of, study_options

_PASSED, _FAILED = 0, 1


def pilot(
    ctx: typer.Context,
    out_dir: Annotated[
        Path | None, typer.Option("--out-dir", metavar="DIR", help="Where its parts go.")
    ] = None,
    base_model: Annotated[
        str,
        typer.Option("--base-model", metavar="MODEL", help="Student; without it a tiny GPT-2 is made."),
    ] = "",
    teacher_model: Annotated[
        str, typer.Option("--teacher-model", metavar="MODEL", help="Teacher, asked unless --skip-api.")
    ] = "gpt-4o-mini",
    n_tasks: Annotated[int, typer.Option("--n-tasks", min=1, help="Episodes of the student.")] = 2,
    max_steps: Annotated[int, typer.Option("--max-steps", min=1, help="Of an episode.")] = 10,
    mock_env: Annotated[
        bool, typer.Option("--mock-env", help="A scripted chain instead of the shop.")
    ] = False,
    skip_api: Annotated[bool, typer.Option("--skip-api", help="No call leaves this machine.")] = False,
    seed: Annotated[int, typer.Option("--seed", help="Of every random choice.")] = 0,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="The study that is piloted.")
    ] = None,
    run_name: Annotated[str, typer.Option("--run-name", metavar="NAME", help="Of the run's folder.")] = "",
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew.")] = False,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Processes at a time.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Run phases 0 to 4 at the smallest size, and look whether everything is there.

    \b
    Examples:
      hone teach pilot --mock-env --skip-api                         (no key, no network; under a minute)
      hone teach pilot --mock-env --teacher-model gpt-4o-mini        (at least one real call)

    Exit code 1: something is missing.
    """
    from honing.teach import load_study, pilot_spec, run_pilot

    given: dict[str, Any] = dict(locals())
    frame = Frame.of(ctx)
    settings = settings_of(frame, given)
    choices: dict[str, Any] = {
        "seed": seed,
        "collect.n_tasks": n_tasks,
        "environment.options.max_steps": max_steps,
        "student.checkpoint": base_model,
        "teacher.model": teacher_model,
        "teacher.kind": "expert" if skip_api else "model",
        "teacher.skip_api": skip_api,
    }
    if mock_env:
        choices["environment.name"] = "scripted"
    spec = pilot_spec(choices, spec=None if config is None else load_study(frame.cwd / config))
    out = None if out_dir is None else frame.cwd / out_dir
    result = run_pilot(spec, study_options(frame, settings, given), out)
    if json:
        print_json(result.as_document())
    else:
        print_criteria(result.criteria, look=frame.look(settings))
        for path in result.written:
            typer.echo(f"wrote {path}")
        typer.echo(f"run {result.study.run}")
    return _PASSED if result.passed else _FAILED
