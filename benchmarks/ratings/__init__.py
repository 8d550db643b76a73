"""The errors of predicted ratings."""
