"""`hone harness`: make the files around an agent better, and prove it on tasks that were never shown."""

from __future__ import annotations

from honing.cli.commands import command_app
from honing.cli.harness_attribute import attribute
from honing.cli.harness_compare import compare
from honing.cli.harness_inspect import inspect
from honing.cli.harness_ledger import ledger
from honing.cli.harness_onboard import onboard
from honing.cli.harness_probe import probe
from honing.cli.harness_run import resume, run
from honing.cli.harness_scaffold import example, scaffold, schema
from honing.cli.harness_summarize import summarize

_HELP = """Improve the harness around an agent: propose, gate, evaluate, keep what helps.

\b
Examples:
  hone harness run ./my-project --agent codex --agent-model M --budget 10
  hone harness run ./my-project --agent scripted        (its own solution: no model, no key)
  hone harness resume latest                            (go on where a run stopped)
  hone harness probe codex --agent-model M              (does the agent work here?)
"""

app = command_app(_HELP, group=True)

# One line a command, in the order of --help; each lives in a file of its own, `harness_<name>.py`.
app.command("scaffold")(scaffold)
app.command("onboard")(onboard)
app.command("example")(example)
app.command("schema")(schema)
app.command("probe")(probe)
app.command("run")(run)
app.command("resume")(resume)
app.command("inspect")(inspect)
app.command("ledger")(ledger)
app.command("summarize")(summarize)
app.command("compare")(compare)
app.command("attribute")(attribute)
