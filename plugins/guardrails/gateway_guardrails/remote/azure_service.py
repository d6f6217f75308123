"""
What all detectors of Azure AI Content Safety have in common: where it is, and who asks.

Source: https://learn.microsoft.com/azure/ai-services/content-safety/.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import attrs

from gateway.detecting import DetectorTools
from gateway.settings import SecretRef, told
from gateway_guardrails.remote.services import HttpOptions, Service

__all__ = [
    "RECORDS",
    "RECORD_CHARACTERS",
    "AzureOptions",
    "AzureService",
    "is_version",
    "records_of",
]

#: What Azure bills: a text of up to so many characters is one.
RECORDS: Final = "text_records"
RECORD_CHARACTERS: Final = 1_000
#: Checks what a rule says of the API's version, of which each operation has its own.
is_version: Final = attrs.validators.matches_re(r"\d{4}-\d{2}-\d{2}(-preview)?")


@attrs.frozen(kw_only=True)
class AzureOptions(HttpOptions):
    """
    Where a Content Safety resource is, and who asks.

    Attributes:
        key: One of the resource's two keys.
        token: Instead of it, a token of Entra ID, which somebody renews where it lies.
        usd_per_1000_records: What a thousand text records cost; None is not known.
    """

    key: SecretRef | None = attrs.field(
        default=None, metadata=told("Where a key of the resource is found.")
    )
    token: SecretRef | None = attrs.field(
        default=None,
        metadata=told("Instead of a key, where a token of Entra ID is found."),
    )
    usd_per_1000_records: Decimal | None = attrs.field(
        default=None,
        metadata=told("USD for 1,000 text records of 1,000 characters, for the costs."),
    )

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if (self.key is None) == (self.token is None):
            msg = "needs either key or token"
            raise ValueError(msg)

    @property
    def prices(self) -> Mapping[str, Decimal]:
        """
        USD for 1,000 of each unit.
        """
        price = self.usd_per_1000_records
        return {} if price is None else {RECORDS: price}


class AzureService(Service):
    """
    One resource.
    """

    def __init__(self, options: AzureOptions, tools: DetectorTools) -> None:
        super().__init__(options, tools)
        self._key, self._token = options.key, options.token

    def authorization(self) -> dict[str, str]:
        """
        Return the header that says who asks, with the credential as it is now.

        Raises:
            DetectorFailed: There is none.
        """
        if self._key is not None:
            return {"Ocp-Apim-Subscription-Key": self.secret(self._key)}
        assert self._token is not None  # noqa: S101 - the options see to it
        return {"Authorization": f"Bearer {self.secret(self._token)}"}

    async def call(
        self, operation: str, version: str, document: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """
        Call *operation*, ``text:shieldPrompt``, and return its answer.

        Raises:
            DetectorFailed: There is none.
        """
        path = f"/contentsafety/{operation}?api-version={version}"
        return await self.post(path, document, self.authorization())


def records_of(*texts: str) -> int:
    """
    Return how many records Azure bills for *texts*, sent in one call.
    """
    characters = sum(map(len, texts))
    return max(1, -(-characters // RECORD_CHARACTERS))
