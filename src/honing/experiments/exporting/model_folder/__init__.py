"""A trained model as a folder that others load without Honing, with a card that says what is known of it."""
