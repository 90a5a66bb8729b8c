"""`hone teach`: make the weights better from the agent's own failures, and prove it."""

from __future__ import annotations

from honing.cli.commands import command_app
from honing.cli.teach_compare import compare
from honing.cli.teach_panel import app as panel_app
from honing.cli.teach_phases import COMMANDS, command_of
from honing.cli.teach_pilot import pilot
from honing.cli.teach_report import report
from honing.cli.teach_run import run, schema
from honing.cli.teach_thresholds import thresholds

_HELP = """Teach the weights: mine an agent's failures, label what can be taught, train on it, and measure.

\b
Examples:
  hone teach run                            (the shop study: a tiny student, no key, no network)
  hone teach run study.yaml --dry-run       (episodes, calls, money, time)
  hone teach label --snapshots failure_snapshots.json --output-dir results/phase1
"""

app = command_app(_HELP, group=True)

# One line a command, in the order of --help; each lives in a file of its own, `teach_<name>.py`.
app.command("run")(run)
app.command("pilot")(pilot)
for each in COMMANDS:
    app.command(each.name)(command_of(each))
app.command("thresholds")(thresholds)
app.command("report")(report)
app.command("compare")(compare)
app.command("schema")(schema)
app.add_typer(panel_app, name="panel")
