"""Self-contained HTML reports of finished runs and comparisons. A page loads nothing from the network."""
