"""
Citations, as this dialect writes them and as others do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.outcomes import Losses


def sources_of(doc: dict[str, Any]) -> list[dict[str, Any]]:
    """
    Read what Perplexity cites for a whole answer, beside its choices, as annotations.
    """
    results = doc.get("search_results")
    found = results if isinstance(results, list) and results else doc.get("citations")
    out = []
    for source in found if isinstance(found, list) else ():
        if isinstance(source, str):
            out.append(_link(url=source))
        elif isinstance(source, dict) and isinstance(source.get("url"), str):
            out.append(_link(url=source["url"], title=source.get("title")))
    return out


def _link(**members: Any) -> dict[str, Any]:
    return {"type": "url_citation", "url_citation": members}


def written(
    raw: dict[str, Any], start: int, end: int, losses: Losses
) -> dict[str, Any] | None:
    """
    Write one annotation of the text that stands from *start* to *end* of the content.

    Anthropic's citations say what they are of by being where they are: the whole text.
    """
    kind = raw.get("type")
    if kind == "url_citation":
        inner = raw.get("url_citation")
        return _placed(inner if isinstance(inner, dict) else raw, start, end)
    url = raw.get("url") or raw.get("source")
    if isinstance(url, str) and kind in _LINKS:
        losses.emulate("citations", "written as links of the whole text")
        return _placed({"url": url, "title": raw.get("title")}, start, end)
    losses.drop("citations", "the dialect cites web pages only")
    return None


_LINKS = frozenset(("web_search_result_location", "search_result_location"))


def _placed(link: dict[str, Any], start: int, end: int) -> dict[str, Any]:
    first, last = link.get("start_index"), link.get("end_index")
    title = link.get("title")
    return _link(
        url=str(link.get("url") or ""),
        title=title if isinstance(title, str) else "",
        start_index=start + first if isinstance(first, int) else start,
        end_index=start + last if isinstance(last, int) else end,
    )
