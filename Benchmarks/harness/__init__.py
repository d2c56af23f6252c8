"""Takes turns between relays, and says what each of them costs."""
