"""
What was used: one row for each attempt that was settled, exactly once.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from gateway_governance.ledger.meters import micros

#: Counts of a row that reports add up, besides the cost.
BUCKETS: Final = (
    *(
        "input_tokens",
        "cache_read_tokens",
        "cache_write_5m_tokens",
        "cache_write_1h_tokens",
    ),
    *("input_audio_tokens", "input_image_tokens", "output_tokens", "reasoning_tokens"),
    *("output_audio_tokens", "output_image_tokens", "images", "server_tool_calls"),
)


class UsageRow(NamedTuple):
    """
    One attempt, as it is charged and reported; in the order in which journals have it.

    Attributes:
        exchange_id: The request id; with *attempt* it identifies the row.
        at: Unix seconds, when it was settled.
        status: Of the provider's answer; 0 where there was none.
        outcome: How it ended: ``done``, ``cut``, ``left``, ``failed``, or ``cached``: nobody was
            asked, and an answer that was kept was charged.
        images: Pieces, where they are priced so.
        server_tool_calls: Calls of tools that the provider ran.
        service_tier: What the provider said it served; None where it said nothing.
        is_estimated: The provider did not say what was used.
        cost_nano: What is charged.
        cost_seen_nano: What can be proven from what was received.
        hold_nano: What was held for it.
        price_version: Of the prices that it was charged by.
    """

    exchange_id: str
    attempt: int
    at: float
    key_id: str | None = None
    key_name: str | None = None
    team_id: str | None = None
    customer_id: str | None = None
    run_id: str | None = None
    provider: str = ""
    model: str = ""
    provider_key: str = ""
    dialect: str = ""
    operation: str = ""
    status: int = 0
    outcome: str = ""
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    input_audio_tokens: int = 0
    input_image_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    output_audio_tokens: int = 0
    output_image_tokens: int = 0
    images: int = 0
    server_tool_calls: int = 0
    service_tier: str | None = None
    region: str | None = None
    is_estimated: bool = False
    cost_nano: int = 0
    cost_seen_nano: int = 0
    hold_nano: int = 0
    price_version: str = ""


#: The columns of a row, in the order in which journals have them: new ones go behind.
COLUMNS: Final = UsageRow._fields


def columns_of(row: UsageRow) -> tuple[Any, ...]:
    """
    Return the values of *row* as they are stored: time in Unix microseconds.
    """
    values: tuple[Any, ...] = row  # by slices, which take half as long as names
    return values[:2] + (micros(row.at),) + values[3:]  # noqa: RUF005 - likewise
