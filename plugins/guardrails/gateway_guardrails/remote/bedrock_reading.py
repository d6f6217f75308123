"""
Reading what Bedrock answered about one text: what was found where, what was masked, what blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from gateway.detecting import Find
from gateway_guardrails.remote import answers, failures
from gateway_guardrails.remote.assessments import Entry, entries_of
from gateway_guardrails.remote.bundles import Bundle
from gateway_guardrails.remote.masks import align
from gateway_guardrails.remote.opinions import Heard
from gateway_guardrails.remote.parts import occurrences

__all__ = ["Reading", "Unplaced"]


class Unplaced(Exception):
    """
    A mask has no place in a text that is not all of a passage.
    """


@attrs.frozen
class Reading:
    """
    Reads what was answered about one bundle.
    """

    bundle: Bundle
    blocks: int
    heard: Heard

    def read(self, answer: Mapping[str, Any]) -> None:
        """
        Read it.

        Raises:
            DetectorFailed: It is no answer, or of a part of the text only.
            Unplaced: It must be asked about in another way.
        """
        action = answers.word(answer, "action")
        self._check_coverage(answer)
        entries = list(entries_of(answers.rows(answer, "assessments")))
        heard = self.heard
        heard.is_blocked = any(entry.is_blocked for entry in entries)
        masked = [entry for entry in entries if entry.is_masked]
        if masked and not heard.is_blocked:
            self._read_mask(answer, masked)
        else:
            self._place(masked)
        self._place(entry for entry in entries if not entry.is_masked)
        if action != "NONE" and not heard.is_blocked and not masked:
            # It intervened for a reason that this client does not know.
            heard.is_blocked = True
            heard.whole.append(Find(0, 0, "intervened", "high"))

    def _check_coverage(self, answer: Mapping[str, Any]) -> None:
        """
        Check that all was looked at that was sent, whatever is told of how much that was.
        """
        coverage = answer.get("guardrailCoverage")
        if coverage is None:
            return
        sent = {"images": 0 if self.bundle.text else self.blocks}
        sent["textCharacters"] = 1 if self.bundle.text else 0
        for kind, least in sent.items():
            counted = answers.row(coverage, "guardrailCoverage").get(kind)
            if counted is None:
                continue
            told = answers.row(counted, kind)
            guarded, total = (answers.number(told, one) for one in ("guarded", "total"))
            if guarded < max(total, least):
                raise failures.partial(f"{kind}: {guarded} of {total}")

    def _read_mask(self, answer: Mapping[str, Any], masked: Sequence[Entry]) -> None:
        copy = self._copy(answer)
        words: dict[str, list[str]] = {}
        for entry in masked:
            words.setdefault(entry.mask, []).append(entry.match)
        places = align(self.bundle.text, copy, words)
        if places is not None and {place.name for place in places} == set(words):
            by_mask = {entry.mask: entry for entry in masked}
            for place in places:
                self.heard.add(
                    by_mask[place.name].find(place.start, place.end), self.bundle
                )
        elif self.bundle.is_whole:
            self.heard.masked[self.bundle.number] = copy
        else:
            raise Unplaced

    def _copy(self, answer: Mapping[str, Any]) -> str:
        """
        Return the masked text: of the only block, or of the last of all.
        """
        outputs = answers.rows(answer, "outputs")
        if len(outputs) not in {1, self.blocks}:
            raise failures.garbage("other outputs than there were texts")
        return answers.word(outputs[-1], "text")

    def _place(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            is_flag = not (entry.is_blocked or entry.is_masked)
            starts = occurrences(entry.match, self.bundle.text)
            for start in starts:
                find = entry.find(start, start + len(entry.match))
                self.heard.add(find, self.bundle, is_flag=is_flag)
            if not starts:
                self.heard.add(entry.find(0, 0), self.bundle, is_flag=is_flag)
