"""How well ratings are predicted."""
