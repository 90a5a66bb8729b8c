"""What a measurement leaves: results, artifacts, comparisons, the page; every ending in one document."""
