"""
Patronus: ``/v1/evaluate`` with either vocabulary.

Source: https://docs.patronus.ai/ and the client ``patronus-api`` (Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web
from fakes.serving import FakeService

KEY = "patronus-key-" + "of-a-test"

_TASK = {"task_input", "task_output", "task_context", "system_prompt"}
_OLDER = {
    "evaluated_model_input",
    "evaluated_model_output",
    "evaluated_model_retrieved_context",
    "evaluated_model_system_prompt",
}
_CONTEXTS = ("task_context", "evaluated_model_retrieved_context")


class FakePatronus(FakeService):
    """
    Answers as `evaluated` says, for each evaluator.
    """

    def __init__(self, **serving: Any) -> None:
        super().__init__(**serving)
        self.evaluated: Callable[[dict[str, Any]], list[dict[str, Any]]] = all_pass

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/v1/evaluate", self._evaluate)]

    async def _evaluate(self, request: web.Request) -> web.Response:
        asked = await self.take(request)
        self.demand(request.headers.get("X-API-KEY") == KEY, "key")
        named = set(asked) - {"evaluators", "capture", "project_name"}
        self.demand(named <= _TASK or named <= _OLDER, "fields")
        self.demand(asked.get("capture") == "none", "what was asked is stored")
        self.demand(1 <= len(asked["evaluators"]) <= 10, "evaluators")
        for name in _CONTEXTS:
            self.demand(len(asked.get(name, [])) <= 50, "context")
        if self.violations:
            return self.error(422, "invalid")
        return web.json_response({"results": self.evaluated(asked)})


# --- answers ------------------------------------------------------------------------------------


def all_pass(asked: dict[str, Any]) -> list[dict[str, Any]]:
    return [result(passes=True) for _ in asked["evaluators"]]


def result(
    *,
    passes: bool | None,
    status: str = "success",
    positions: list[list[int]] | None = None,
) -> dict[str, Any]:
    """
    What one evaluator says.
    """
    return {
        "evaluator_id": "judge-large-2024-08-08",
        "criteria": "patronus:prompt-injection",
        "status": status,
        "error_message": None,
        "evaluation_result": {
            "pass": passes,
            "score_raw": 0.0,
            "explanation": None,
            "additional_info": {
                "positions": positions,
                "extra": None,
                "confidence_interval": None,
            },
        },
    }
