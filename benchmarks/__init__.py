"""Every number the documentation quotes, one module each; ``python -m benchmarks`` runs them all."""
