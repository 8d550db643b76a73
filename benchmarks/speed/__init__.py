"""The speed of sksn, and the choice between kinds of steps and products."""
