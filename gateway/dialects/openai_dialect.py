"""
What all of OpenAI's dialects have in common: their errors, and prompts of token numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from gateway.dialects import openai_faults as faults
from gateway.dialects.dialect import Dialect
from gateway.dialects.tiers import openai_tier
from gateway.views import Response

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.errors import ExchangeError
    from gateway.outcomes import Fault
    from gateway.views import Request


class OpenAIDialect(Dialect):
    """
    A dialect of OpenAI's; what it reads and writes is for its own class to say.
    """

    vendor: ClassVar[str] = "openai"

    def read_call(
        self, raw: bytes, operation: str, values: Mapping[str, str]
    ) -> Request:
        """
        Read a body of Azure's, where the path names the model, whatever the body says of it.
        """
        request = self._parse(raw, operation)
        if "deployment" in values:
            self.set_model(request, values["deployment"])
        self.check_request(request)
        return request

    def unreadable(self, request: Request) -> Sequence[str]:
        """
        Name the members whose words nobody here can read, for they list numbers.
        """
        return tuple(
            field
            for field in self.unreadable_fields
            if lists_numbers(request.peek(field))
        )

    def service_tier(self, request: Request) -> str | None:
        """
        Return ``service_tier``.
        """
        return openai_tier(request.peek("service_tier"))

    def error_of(self, response: Response) -> str | None:
        """
        Return the message of the error that *response* is, in any vendor's shape.
        """
        return faults.error_message(response)

    def error_response(self, error: ExchangeError, request_id: str) -> Response:
        """
        Render *error*; its code is the gateway's.
        """
        return Response(self, doc=faults.error_doc(error), status=error.status)

    def read_fault(self, status: int, body: bytes) -> Fault:
        """
        Read a provider's error body.
        """
        return faults.read_fault(status, body)

    def write_fault(self, fault: Fault, request_id: str) -> Response:
        """
        Render a provider's error.
        """
        status, doc = faults.fault_doc(fault)
        return Response(self, doc=doc, status=status)


def lists_numbers(value: Any) -> bool:
    """
    Tell whether a number stands in a list anywhere in *value*, be it beside words.

    Servers differ in what they make of such lists, so any number counts.
    """
    if isinstance(value, dict):
        return any(map(lists_numbers, value.values()))
    return isinstance(value, list) and any(
        isinstance(member, int | float) or lists_numbers(member) for member in value
    )
