"""
Azure AI Content Safety: analysis, Prompt Shields, protected material and groundedness.

It refuses what the service's documentation does not allow: versions, fields, lengths.

Source: https://learn.microsoft.com/rest/api/contentsafety/.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web
from fakes.serving import FakeService

KEY = "azure-key-" + "of-a-test"
TOKEN = "entra-token-" + "of-a-test"

Says = Callable[[dict[str, Any]], dict[str, Any]]


class FakeAzure(FakeService):
    """
    Answers as its four scripts say.
    """

    def __init__(self, **serving: Any) -> None:
        super().__init__(**serving)
        self.analyzed: Says = analysis
        self.shielded: Says = shield
        self.compared: Says = lambda asked: protected(detected=False)
        self.grounded: Says = lambda asked: grounded()

    def routes(self) -> list[web.RouteDef]:
        there = "/contentsafety/text:"
        return [
            web.post(f"{there}analyze", self._analyze),
            web.post(f"{there}shieldPrompt", self._shield),
            web.post(f"{there}detectProtectedMaterial", self._compare),
            web.post(f"{there}detectGroundedness", self._ground),
        ]

    def error(self, status: int, code: str) -> web.Response:
        # The message repeats what was sent, as services do: it must not be told on.
        message = f"no: {self.asked[-1] if self.asked else ''}"
        return web.json_response(
            {"error": {"code": code, "message": message}}, status=status
        )

    async def _analyze(self, request: web.Request) -> web.Response:
        asked = await self._take(request, "2023-10-01")
        known = "text categories blocklistNames haltOnBlocklistHit outputType".split()
        self.demand(set(asked) <= set(known), "fields")
        self.demand(0 < len(asked["text"]) <= 10_000, "length of text")
        output = asked["outputType"]
        self.demand(output in ("FourSeverityLevels", "EightSeverityLevels"), "output")
        return self._answer(self.analyzed, asked)

    async def _shield(self, request: web.Request) -> web.Response:
        asked = await self._take(request, "2024-09-01")
        self.demand(set(asked) <= {"userPrompt", "documents"}, "fields")
        documents = asked.get("documents", [])
        self.demand(asked, "nothing asked")
        self.demand(len(asked.get("userPrompt", "x")) in range(1, 10_001), "prompt")
        self.demand(len(documents) <= 5, "number of documents")
        self.demand(sum(map(len, documents)) <= 10_000, "length of documents")
        return self._answer(self.shielded, asked)

    async def _compare(self, request: web.Request) -> web.Response:
        asked = await self._take(request, "2024-09-01")
        self.demand(set(asked) == {"text"}, "fields")
        self.demand(110 <= len(asked["text"]) <= 1_000, "length of text")
        return self._answer(self.compared, asked)

    async def _ground(self, request: web.Request) -> web.Response:
        asked = await self._take(request, "2024-09-15-preview")
        known = "domain task qna text groundingSources reasoning".split()
        self.demand(set(asked) <= set(known), "fields")
        self.demand(0 < len(asked["text"]) <= 7_500, "length of text")
        self.demand(asked["groundingSources"], "no sources")
        self.demand(sum(map(len, asked["groundingSources"])) <= 55_000, "sources")
        self.demand(("qna" in asked) == (asked["task"] == "QnA"), "question")
        return self._answer(self.grounded, asked)

    async def _take(self, request: web.Request, version: str) -> dict[str, Any]:
        asked = await self.take(request)
        self.demand(request.query.get("api-version") == version, "version")
        key = request.headers.get("Ocp-Apim-Subscription-Key")
        bearer = request.headers.get("Authorization")
        self.demand(key == KEY or bearer == f"Bearer {TOKEN}", "credential")
        self.demand(len(request.headers.getall("Content-Type")) == 1, "content type")
        return asked

    def _answer(self, says: Says, asked: dict[str, Any]) -> web.Response:
        if self.violations:
            return self.error(400, "InvalidRequestBody")
        return web.json_response(says(asked))


# --- answers ------------------------------------------------------------------------------------


def analysis(asked: dict[str, Any], *blocked: str, **severities: int) -> dict[str, Any]:
    """
    An analysis of all that was asked for; 0 where no severity is given.
    """
    return {
        "blocklistsMatch": [
            {"blocklistName": "ours", "blocklistItemId": "1", "blocklistItemText": word}
            for word in blocked
        ],
        "categoriesAnalysis": [
            {"category": one, "severity": severities.get(one, 0)}
            for one in asked["categories"]
        ],
    }


def shield(
    asked: dict[str, Any], *, prompt: bool = False, documents: tuple[int, ...] = ()
) -> dict[str, Any]:
    """
    What was found in the prompt, and in which documents.
    """
    answer: dict[str, Any] = {}
    if "userPrompt" in asked:
        answer["userPromptAnalysis"] = {"attackDetected": prompt}
    if "documents" in asked:
        answer["documentsAnalysis"] = [
            {"attackDetected": number in documents}
            for number in range(len(asked["documents"]))
        ]
    return answer


def protected(*, detected: bool) -> dict[str, Any]:
    """
    Whether a text is somebody's.
    """
    return {"protectedMaterialAnalysis": {"detected": detected}}


def grounded(
    *places: tuple[str, int], share: float = 0.0, found: bool = False
) -> dict[str, Any]:
    """
    What has no grounds: (text, its first character).
    """
    return {
        "ungroundedDetected": bool(places) or found,
        "ungroundedPercentage": share,
        "ungroundedDetails": [
            {
                "text": text,
                "offset": {"utf8": at, "utf16": at, "codePoint": at},
                "length": {"utf8": 1, "utf16": 1, "codePoint": len(text)},
            }
            for text, at in places
        ],
    }
