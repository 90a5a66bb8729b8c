"""Making a project of a folder that exists already. See docs/harness-projects.md."""
