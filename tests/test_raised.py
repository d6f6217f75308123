from __future__ import annotations

import ast
import re
import sysconfig

from gateway.raised import place_of, without_frames


def raised(call, *args) -> Exception:
    try:
        call(*args)
    except Exception as exc:  # noqa: BLE001 - whatever it is
        return exc
    raise AssertionError("nothing was raised")


def test_tells_where():
    """
    File and line, and neither folder nor text.
    """

    def fail():
        raise ValueError("a secret")

    assert re.fullmatch(r"test_raised\.py:\d+", place_of(raised(fail)))


def test_tells_who_called_the_library_that_failed():
    """
    A place in a library alone tells nobody which line of the gateway or a plugin is at fault.
    """

    def fail():
        ast.parse("not python (")

    place = place_of(raised(fail))

    assert re.fullmatch(r"test_raised\.py:\d+ \(ast\.py:\d+\)", place)


def test_knows_the_gateway_where_it_is_installed():
    """
    The core and plugins of its naming are known among the libraries by their names.
    """
    path = f"{sysconfig.get_path('purelib')}/gateway_bells/plugin.py"
    code = compile("def fail(): parse('not python (')", path, "exec")
    names = {"__name__": "gateway_bells.plugin", "parse": ast.parse}
    exec(code, names)

    place = place_of(raised(names["fail"]))

    assert re.fullmatch(r"plugin\.py:1 \(ast\.py:\d+\)", place)


def test_has_no_place_for_what_was_never_raised():
    """
    An exception without a traceback has none.
    """
    assert place_of(ValueError()) == "?"


def test_forgets_frames_all_the_way_down():
    """
    Those of what it was raised from hold as much as its own.
    """

    def fail():
        try:
            raise KeyError("inner")
        except KeyError as exc:
            raise ValueError("outer") from exc

    exc = raised(fail)

    assert without_frames(exc) is exc
    assert exc.__traceback__ is None
    assert exc.__cause__.__traceback__ is None
