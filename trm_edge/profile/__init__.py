"""What bundles cost and what they are worth: latency, memory, and several of them side by side."""
