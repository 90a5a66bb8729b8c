"""What trials come to: rows, aggregates, differences, the page."""
