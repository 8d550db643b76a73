"""How networks are trained: learners, batches, losses, penalties and predictions."""
