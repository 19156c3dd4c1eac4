"""trm-edge: Tiny Recursive Models for small devices.

Importing this package loads nothing heavy; see ``docs/architecture.md`` for the layers.
"""

__version__ = "0.1.0"
