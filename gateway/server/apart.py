"""
Reading what only the start needs in a child, which ends with all that it needed for it.
"""

from __future__ import annotations

import os
import pickle
import threading
import traceback
from typing import TYPE_CHECKING, NoReturn, TypeVar

from gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def apart(read: Callable[[], T]) -> T:
    """
    Return what *read* returns, read by a child of this process where it may have one.

    A parser, and what it leaves behind, would stay as long as the process: 2 MB.

    Raises:
        GatewayError: *read* raised it.
        ChildProcessError: The child ended without a word; of a fault in *read* it left the
            traceback on the standard error.
    """
    if not hasattr(os, "fork") or threading.active_count() > 1:
        return read()
    ours, theirs = os.pipe()
    try:
        child = os.fork()
    except OSError:  # a limit on processes, or on memory that is never used
        os.close(ours)
        os.close(theirs)
        return read()
    if child == 0:
        _tell(read, theirs)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    if status:
        msg = "the process that reads the settings did not end well"
        raise ChildProcessError(msg)
    value, error = pickle.loads(told)  # noqa: S301 - by the child, which is ourselves
    if error is not None:
        raise error
    found: T = value
    return found


def _tell(read: Callable[[], T], pipe: int) -> NoReturn:
    """
    Write what *read* returns or raises to *pipe*, and end.
    """
    status = 1
    try:
        told: tuple[T | None, GatewayError | None]
        try:
            told = read(), None
        except GatewayError as exc:
            told = None, exc
        with os.fdopen(pipe, "wb") as file:
            pickle.dump(told, file)
        status = 0
    except Exception:  # noqa: BLE001 - nobody is left to tell it to
        traceback.print_exc()
    finally:
        # Not sys.exit(): what is to be done at the end is the parent's to do.
        os._exit(status)
