"""``python -m trm_edge`` is ``trm-edge``."""

from trm_edge.cli.main import main

if __name__ == "__main__":
    main()
