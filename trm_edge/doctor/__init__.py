"""Looking at a machine: what is installed, what works together, which processors there are, and what to install."""
