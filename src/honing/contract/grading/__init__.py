"""From answers to a number: our scorers, the target's own grader, a model as judge; strict reading."""
