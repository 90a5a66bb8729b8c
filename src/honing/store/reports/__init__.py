"""The plain data of a run's page. See docs/view.md."""
