"""
The transparency log's formats and proofs, without files, network or clock.

Everything is as C2SP has it (tlog-tiles, tlog-checkpoint, signed-note, tlog-proof, tlog-witness,
https://c2sp.org), and read strictly: of two spellings of one thing, one is refused.
"""

from __future__ import annotations
