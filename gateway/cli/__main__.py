"""
``python -m gateway.cli``, for where the command is not on the path.
"""

from __future__ import annotations

from gateway.cli.program import main

if __name__ == "__main__":
    main()
