"""What the labels of a snapshot are made from: episodes, rates, reliabilities, thresholds."""
