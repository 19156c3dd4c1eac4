"""trm-edge: Tiny Recursive Models on phones, browsers and small processors.

Importing this package loads nothing heavy; see ``docs/architecture.md`` for the layers.
"""

__version__ = "0.1.0"
