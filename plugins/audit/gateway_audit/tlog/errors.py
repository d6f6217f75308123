"""
Say what is wrong with a log.

::

    TlogError           ValueError: says what, and where
    ├── Malformed       not written as the format has it
    ├── Unproven        well written, and not true
    └── NotReached      not there to be looked at: nothing is known of it
"""

from __future__ import annotations


class TlogError(ValueError):
    """
    A log, or a part of one, that must not be believed.
    """


class Malformed(TlogError):
    """
    Bytes that are not what they should be.
    """


class Unproven(TlogError):
    """
    A hash, a proof or a signature that does not hold.
    """


class NotReached(TlogError):
    """
    A log that could not be looked at; it may be as it should be.
    """
