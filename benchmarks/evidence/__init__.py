"""The evidence for Sparsity Normalization, and the choice of the defaults."""
