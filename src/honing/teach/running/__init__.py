"""How a study is opened, remembered, timed and told: what has no influence on its result."""
