"""What Sparsity Normalization is worth, and which defaults suit it."""
