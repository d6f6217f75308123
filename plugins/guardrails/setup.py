"""
Compile the detectors' hottest modules to C, where there is a compiler.

They stay ordinary Python: without a compiler a wheel holds nothing else, and finds the same in up
to twice the time.  ``GATEWRIGHT_COMPILE=0`` asks for that, with ``GATEWRIGHT_COMPILE=1`` the build
fails instead.  An editable installation is never compiled, so that what is edited is what runs.

Source: https://mypyc.readthedocs.io/en/latest/getting_started.html
"""

from __future__ import annotations

import os
import sys
import sysconfig
from configparser import ConfigParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CompileError, LinkError

# setuptools brings it, so that it comes behind.
from distutils.ccompiler import new_compiler  # isort: skip
from distutils.sysconfig import customize_compiler  # isort: skip

PACKAGE: Final = "gateway_guardrails"
TOLD: Final = "mypyc.ini"
ASKED: Final = os.environ.get("GATEWRIGHT_COMPILE", "")
FAILURES: Final = (BaseError, CompileError, LinkError, OSError)


def is_wanted() -> bool:
    """
    Tell whether this build is to compile.
    """
    return ASKED != "0" and "bdist_wheel" in sys.argv


def extensions() -> list[Any]:
    """
    Translate the modules that are named to C; none where that fails and may.
    """
    try:
        look_for_compiler()
        from mypyc.build import mypycify

        return mypycify(
            [f"--config-file={TOLD}", *modules()],
            group_name=PACKAGE,
            opt_level="1",
            debug_level="0",
        )
    except (*FAILURES, ImportError, SystemExit) as exc:
        give_up(exc)
        return []


def look_for_compiler() -> None:
    """
    Compile a line that needs no more than Python's own headers.
    """
    compiler = new_compiler()
    customize_compiler(compiler)
    with TemporaryDirectory() as folder:
        line = Path(folder, "line.c")
        line.write_text("#include <Python.h>\n")
        headers = [sysconfig.get_path("include")]
        compiler.compile([str(line)], output_dir=folder, include_dirs=headers)


def modules() -> list[str]:
    """
    Return the files that are to be compiled.
    """
    told = ConfigParser()
    told.read(TOLD)
    return sorted(
        path.as_posix()
        for pattern in told["compile"]["modules"].split()
        for path in Path(PACKAGE).glob(pattern)
    )


class BuildAllOrNone(build_ext):
    """
    Build all extensions: they are parts of one, and a part alone does not load.
    """

    extensions: list[Extension]

    def run(self) -> None:
        """
        Compile; leave nothing behind where that fails and may.
        """
        self.clear()  # of an earlier build, which may have compiled more
        try:
            super().run()
        except FAILURES as exc:
            give_up(exc)
            self.clear()
            self.extensions = []

    def clear(self) -> None:
        """
        Remove what is compiled already.
        """
        suffix = sysconfig.get_config_var("EXT_SUFFIX")
        for path in Path(self.build_lib).rglob(f"*{suffix}"):
            path.unlink()


def give_up(why: BaseException) -> None:
    """
    Go on without, unless that was asked for.
    """
    if ASKED == "1":
        raise SystemExit(f"{PACKAGE} cannot be compiled: {why}") from why
    sys.stderr.write(f"{PACKAGE} is not compiled, which is slower: {why}\n")


setup(
    ext_modules=extensions() if is_wanted() else [],
    cmdclass={"build_ext": BuildAllOrNone},
)
