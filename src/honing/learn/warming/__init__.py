"""A tiny student made from scratch: it learns a world from demonstrators who do not know everything."""
