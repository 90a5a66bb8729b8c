"""Where a target stands while it is measured: its environment, what it is given, what is deployed."""
