"""The last phase: figures, tables, claims and the run's page, from the artifacts alone."""

from __future__ import annotations

from honing.store import REPORT_FILE
from honing.teach.desk import Desk
from honing.teach.phase import Phase, PhaseOutcome
from honing.teach.publishing.drawing import drawn
from honing.teach.publishing.figures import figures_of
from honing.teach.publishing.page import page_of
from honing.teach.publishing.table_text import as_latex, as_markdown
from honing.teach.publishing.tables import tables_of
from honing.teach.verdicts import claims, hypotheses
from honing.view import render

CLAIMS = "claims.json"
HYPOTHESES = "hypotheses.json"
PAGE = "report.html"


def report(desk: Desk) -> PhaseOutcome:
    """Draw and write everything that readers look at. The same run gives the same bytes."""
    folder = desk.run.path
    said, judged = claims(folder), hypotheses(folder)
    desk.run.write_json(CLAIMS, [one.as_document() for one in said])
    desk.run.write_json(HYPOTHESES, [one.as_document() for one in judged])
    written = [CLAIMS, HYPOTHESES]
    for name, figure in figures_of(folder).items():
        for suffix, payload in drawn(figure).items():
            written.append(f"figures/{name}.{suffix}")
            desk.run.write_bytes(written[-1], payload)
    for name, table in tables_of(folder).items():
        written += [f"tables/{name}.md", f"tables/{name}.tex"]
        desk.run.write_text(written[-2], as_markdown(table))
        desk.run.write_text(written[-1], as_latex(table))
    page = page_of(desk.run, desk.spec)
    page.write(desk.run.artifact(REPORT_FILE))
    desk.run.write_text(PAGE, render(page))
    verdicts = [one.verdict.value for one in judged]
    return PhaseOutcome(
        summary={
            "figures": sum(path.endswith(".pdf") for path in written),
            "tables": sum(path.endswith(".md") for path in written),
            "claims": len(said),
            **{verdict.replace("_", " "): verdicts.count(verdict) for verdict in sorted(set(verdicts))},
        },
        artifacts=(*written, REPORT_FILE, PAGE),
    )


PHASE = Phase(
    name="report",
    doing="draw figures, write tables, claims and the page",
    run=report,
    writes=(CLAIMS, HYPOTHESES, REPORT_FILE, PAGE),
)
