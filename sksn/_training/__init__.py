"""How every neural estimator trains: row batches, the skorch net, its callbacks."""
