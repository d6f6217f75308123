"""
Start the bench: ``python contrib/bench --help``.
"""

from __future__ import annotations

import sys
from pathlib import Path

# Started as a folder, so that Python looks for modules inside it.  Look beside it
# instead, and in the tree that this bench belongs to.
HERE = Path(__file__).resolve().parent
sys.path[:1] = [str(HERE.parent), str(HERE.parent.parent)]

if __name__ == "__main__":
    from bench.command import main

    main()
