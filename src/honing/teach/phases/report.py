"""The last phase: figures, tables, claims and the run's page, from the artifacts alone."""

from __future__ import annotations

from honing.store import REPORT_FILE
from honing.teach.desk import Desk
from honing.teach.phase import Phase, PhaseOutcome
from honing.teach.publishing.page import page_of
from honing.teach.publishing.published import CLAIMS, HYPOTHESES, published
from honing.teach.verdicts import claims, hypotheses
from honing.view import render

PAGE = "report.html"


def report(desk: Desk) -> PhaseOutcome:
    """Draw and write everything that readers look at. The same run gives the same bytes."""
    folder = desk.run.path
    said, judged = claims(folder), hypotheses(folder)
    files = published(folder)
    for name, payload in files.items():
        desk.run.write_bytes(name, payload)
    page = page_of(desk.run, desk.spec)
    page.write(desk.run.artifact(REPORT_FILE))
    desk.run.write_text(PAGE, render(page))
    verdicts = [one.verdict.value for one in judged]
    return PhaseOutcome(
        summary={
            "figures": sum(path.endswith(".pdf") for path in files),
            "tables": sum(path.endswith(".md") for path in files),
            "claims": len(said),
            **{verdict.replace("_", " "): verdicts.count(verdict) for verdict in sorted(set(verdicts))},
        },
        artifacts=(*files, REPORT_FILE, PAGE),
    )


PHASE = Phase(
    name="report",
    doing="draw figures, write tables, claims and the page",
    run=report,
    writes=(CLAIMS, HYPOTHESES, REPORT_FILE, PAGE),
)
