"""Detection's quality and speed beside stock Presidio's."""
