"""Training: recipe, data, loss, the ACT carry, and a loop that survives being killed."""
