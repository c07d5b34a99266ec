"""Every number the docs quote, one module each; ``python -m benchmarks`` runs them all."""
