"""
Bedrock's runtime: ApplyGuardrail and InvokeGuardrailChecks, on the wire.

It checks the signature (AWS Signature Version 4, from its documentation), the fields and their
limits; what it finds is a script's.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ApplyGuardrail.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from aiohttp import web
from fakes.serving import FakeService

ACCESS_KEY = "AKIA" + "FAKEFORTESTS0001"
SECRET_KEY = "made-up-" + "secret-of-a-test"
REGION = "eu-central-1"

UNITS = {
    "topicPolicyUnits": 1,
    "contentPolicyUnits": 1,
    "wordPolicyUnits": 1,
    "sensitiveInformationPolicyUnits": 1,
    "sensitiveInformationPolicyFreeUnits": 0,
    "contextualGroundingPolicyUnits": 0,
}
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/bedrock/aws4_request, "
    r"SignedHeaders=([^,]+), Signature=([0-9a-f]{64})"
)


class FakeBedrock(FakeService):
    """
    Answers as `applied` and `checked` say.
    """

    def __init__(self, **serving: Any) -> None:
        super().__init__(**serving)
        self.applied: Callable[[dict[str, Any]], dict[str, Any]] = lambda _: nothing()
        self.checked: Callable[[dict[str, Any]], dict[str, Any]] = no_scores
        self.paths: list[str] = []

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/guardrail/{id}/version/{version}/apply", self._apply),
            web.post("/guardrail-checks/invoke", self._check),
        ]

    def error(self, status: int, code: str) -> web.Response:
        headers = {"x-amzn-ErrorType": f"{code}:http://internal.amazon.com/coral/"}
        return web.json_response({"message": "no"}, status=status, headers=headers)

    async def _apply(self, request: web.Request) -> web.Response:
        document = await self.take(request)
        self.paths.append(request.path)
        await self._check_signature(request)
        self.demand(set(document) <= {"source", "content", "outputScope"}, "fields")
        self.demand(document.get("source") in ("INPUT", "OUTPUT"), "source")
        for block in document["content"]:
            self.demand(len(block) == 1, "one kind for a block")
            if "text" in block:
                self.demand(block["text"]["text"], "empty text")
        if self.violations:
            return self.error(400, "ValidationException")
        return web.json_response(self.applied(document))

    async def _check(self, request: web.Request) -> web.Response:
        document = await self.take(request)
        await self._check_signature(request)
        self.demand(set(document) == {"messages", "checks"}, "fields")
        for message in document["messages"]:
            self.demand(message["role"] in ("user", "assistant", "system"), "role")
            self.demand(all(part["text"] for part in message["content"]), "empty text")
        self.demand(document["checks"], "no checks")
        if self.violations:
            return self.error(400, "ValidationException")
        return web.json_response(self.checked(document))

    async def _check_signature(self, request: web.Request) -> None:
        found = _AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
        if found is None:
            self.violations.append("no signature")
            return
        key_id, day, region, names, signature = found.groups()
        self.demand(key_id == ACCESS_KEY, "key id")
        self.demand(region == REGION, "region")
        signed = names.split(";")
        self.demand({"host", "x-amz-date"} <= set(signed), "what is signed")
        body = hashlib.sha256(await request.read()).hexdigest()
        lines = "".join(f"{name}:{request.headers[name].strip()}\n" for name in signed)
        path = quote(request.rel_url.raw_path, safe="/-_.~")
        canonical = f"POST\n{path}\n\n{lines}\n{names}\n{body}"
        scope = f"{day}/{region}/bedrock/aws4_request"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        told = f"AWS4-HMAC-SHA256\n{request.headers['x-amz-date']}\n{scope}\n{digest}"
        key = b"AWS4" + SECRET_KEY.encode()
        for step in (day, region, "bedrock", "aws4_request"):
            key = hmac.digest(key, step.encode(), "sha256")
        expected = hmac.digest(key, told.encode(), "sha256").hex()
        self.demand(hmac.compare_digest(expected, signature), "signature")


# --- answers ------------------------------------------------------------------------------------


def nothing(text: str = "") -> dict[str, Any]:
    """
    A guardrail that found nothing.
    """
    return answer("NONE")


def answer(
    action: str = "GUARDRAIL_INTERVENED",
    *outputs: str,
    guarded: int = 100,
    total: int = 100,
    **policies: Any,
) -> dict[str, Any]:
    """
    An answer of ApplyGuardrail.
    """
    return {
        "action": action,
        "outputs": [{"text": text} for text in outputs],
        "usage": UNITS,
        "guardrailCoverage": {"textCharacters": {"guarded": guarded, "total": total}},
        "assessments": [policies] if policies else [],
    }


def pii(*found: tuple[str, str, str]) -> dict[str, Any]:
    """
    A policy's result: (type, match, action).
    """
    rows = [
        {"type": kind, "match": match, "action": action, "detected": True}
        for kind, match, action in found
    ]
    return {"piiEntities": rows, "regexes": []}


def no_scores(document: dict[str, Any]) -> dict[str, Any]:
    """
    Checks that found nothing.
    """
    return checks(document)


def checks(
    document: dict[str, Any],
    *,
    content: dict[str, float] | None = None,
    attack: dict[str, float] | None = None,
    pii: list[dict[str, Any]] | None = None,
    truncated: bool = False,
) -> dict[str, Any]:
    """
    An answer of InvokeGuardrailChecks to what *document* asks.
    """
    asked = document["checks"]
    results: dict[str, Any] = {}
    for name, scores in (("contentFilter", content), ("promptAttack", attack)):
        if name in asked:
            results[name] = {
                "results": [
                    {
                        "category": one["category"],
                        "severityScore": (scores or {}).get(one["category"], 0.0),
                    }
                    for one in asked[name]["categories"]
                ]
            }
    if "sensitiveInformation" in asked:
        results["sensitiveInformation"] = {
            "results": pii or [],
            "truncated": truncated,
        }
    return {"results": results, "usage": {name: {"textUnits": 1} for name in results}}
