"""
Prompt injection and jailbreaks: rules over what a text says once it is decoded, and a score.

It finds what is said outright.  An ordinary request that somebody planted in a document ("what is
the capital of Brazil?") is an attack by its place alone, which no text shows; for that, and for
what no rule foresees, put a model beside it.  Any package can: it registers a detector, and a rule
names it like this one (``detectors: [injection, my_model]``)::

    @attrs.frozen(kw_only=True)
    class Options:
        path: str
        threshold: float = 0.9

    @attrs.frozen
    class Model:  # a gateway.detecting.TextDetector
        session: onnxruntime.InferenceSession
        threshold: float
        context: int = 0

        def find(self, text, start, *, final, place):
            if not final:
                return (), start  # it judges a text as a whole
            score = probability(self.session, text[start:])
            finds = [Find(start, len(text), "model", "high", score)]
            return (finds if score >= self.threshold else ()), len(text)

    class MyPlugin(Plugin):
        @hookimpl
        def register_detectors(self):
            return [Detector(name="my_model", Options=Options, make=load, needs_whole=True)]

A model that is asked over the network is a `gateway.detecting.Judge` instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.detecting import Detector, DetectorTools
from gateway_guardrails.injection.detector import InjectionDetector
from gateway_guardrails.injection.matching import Screens
from gateway_guardrails.injection.normalise import Normalised, normalise
from gateway_guardrails.injection.options import InjectionOptions
from gateway_guardrails.injection.readings import Reading, readings

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "DETECTORS",
    "INJECTION",
    "InjectionDetector",
    "InjectionOptions",
    "Normalised",
    "Reading",
    "normalise",
    "readings",
]


#: Those of this process: all detectors have the same.
_MADE: Final[list[Screens]] = []


def _screens(folder: Path | None) -> Screens | None:
    if folder is not None and not _MADE:
        made = Screens.kept(folder)
        if made is not None:
            _MADE.append(made)
    return _MADE[0] if _MADE else None


def _make(options: InjectionOptions, tools: DetectorTools) -> InjectionDetector:
    detector = InjectionDetector(options, screens=_screens(tools.folder))
    detector.warm_up()
    return detector


INJECTION: Final = Detector(
    name="injection",
    Options=InjectionOptions,
    make=_make,
    summary="Prompt injection and jailbreaks, by rules over the decoded text: a score.",
)
DETECTORS: Final = (INJECTION,)
