"""The first thing that a program of ours does in an environment of its own: load our package by its place.

``python -P child.py MODULE ARGUMENTS`` is ``python -m MODULE ARGUMENTS`` where the package itself is not installed. A
search path would bring every other package beside ours along, and those are what the environment is there to avoid.
"""

import importlib.util
import runpy
import sys
from pathlib import Path

_PACKAGE = Path(__file__).absolute().parent.parent


def main() -> None:
    """Run the module named by the first argument as the main program."""
    spec = importlib.util.spec_from_file_location(
        _PACKAGE.name, _PACKAGE / "__init__.py", submodule_search_locations=[str(_PACKAGE)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = package
    spec.loader.exec_module(package)
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
