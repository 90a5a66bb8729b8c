"""`hone experiment`: registered, repeatable commands, and what they have shown on this disk."""

from __future__ import annotations

from honing.cli.commands import command_app
from honing.cli.experiment_matrix import matrix
from honing.cli.experiment_read import list_, schema, show, table
from honing.cli.experiment_run import run

app = command_app(
    """Run registered experiments, and show what they have come to on this disk.

    \b
    Examples:
      hone experiment list
      hone experiment run Exp-001 --mode smoke --set gsm8k=./data/gsm8k
      hone experiment run Exp-001 --mode full --dry-run
      hone experiment table --details
      hone experiment show Exp-001
      hone experiment matrix examples/matrices/harness.yaml     (every combination of its axes)

    Rows stand in experiments.yaml. A box is ticked only while the artifacts are on the disk, are as they
    were, and every done signal holds when they are read again.
    """,
    group=True,
)
app.command("run")(run)
app.command("list")(list_)
app.command("table")(table)
app.command("show")(show)
app.command("schema")(schema)
app.command("matrix")(matrix)
