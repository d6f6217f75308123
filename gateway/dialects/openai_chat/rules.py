"""
Rules of texts that OpenAI's chat, legacy completions and embeddings share.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from gateway.dialects.shapes import (
    Rule,
    Walk,
    event_name,
    everything,
    figure,
    free,
    is_base64,
    is_identifier,
    said_by,
    unknown,
    walk_other,
)
from gateway.views import ANNOTATION, ERROR, NAME, UNKNOWN, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.views import Chunk, View

#: Names of figures in ``usage``, of OpenAI and of the vendors that speak its dialect.
USAGE_WORDS: Final = frozenset(
    "prompt_tokens completion_tokens total_tokens prompt_tokens_details "
    "completion_tokens_details cached_tokens cache_write_tokens audio_tokens image_tokens "
    "text_tokens video_tokens reasoning_tokens accepted_prediction_tokens "
    "rejected_prediction_tokens prompt_cache_hit_tokens prompt_cache_miss_tokens "
    "input_tokens output_tokens input_tokens_details output_tokens_details "
    "cache_creation_input_tokens cache_read_input_tokens citation_tokens "
    "num_search_queries search_context_size num_sources_used cost cost_details is_byok "
    "upstream_inference_cost upstream_inference_prompt_cost "
    "upstream_inference_completions_cost input_tokens_cost output_tokens_cost "
    "request_cost total_cost reasoning_tokens_cost citation_tokens_cost "
    "search_queries_cost queue_time prompt_time completion_time total_time "
    "server_tool_use web_search_requests prompt_audio_seconds cost_in_usd_ticks".split()
)


def label(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Pass over an identifier or an enumeration's member; what does not look like one is text.
    """
    if value.__class__ is str:
        if not is_identifier(value):
            _odd(walk, box, key, value)
    elif value.__class__ in _CARRIERS:
        _odd(walk, box, key, value)


def labels(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Pass over a list of identifiers.
    """
    if value.__class__ is list:
        for index, member in enumerate(value):
            label(walk, value, index, member)
    else:
        label(walk, box, key, value)


def figures(words: frozenset[str] = USAGE_WORDS) -> Rule:
    """
    Make a rule for nested numbers, by the names among *words*.
    """

    def rule(walk: Walk, box: Any, key: Any, value: Any) -> None:
        if value.__class__ in _CARRIERS:
            _odd(walk, box, key, value, words)

    return rule


def end_user(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Take the caller's word for the end user as a name: what looks opaque may say anything.
    """
    if value.__class__ is str:
        walk.add(box, key, NAME)
    else:
        stray_value(walk, box, key, value)


def seal(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Pass over a signature or encrypted content; text in its place cannot be edited either.
    """
    if value.__class__ is not str:
        stray_value(walk, box, key, value)
    elif not is_base64(value.removeprefix("gw1.")):
        form, walk.form = walk.form, "whole"
        walk.sealed = True
        walk.add(box, key, UNKNOWN)
        walk.sealed = False
        walk.form = form


def token_biases(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Pass over biases by token number; anything else there is text.
    """
    if value.__class__ is dict and all(name.isdecimal() for name in value):
        for token, bias in value.items():
            figure(walk, value, token, bias)
    else:
        everything(walk, box, key, value, UNKNOWN)


def padding(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Pass over random characters (``obfuscation``), new in each chunk and so not worth keeping.
    """
    if value.__class__ is not str or not (value.isascii() and value.isalnum()):
        label(walk, box, key, value)


def stray(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Yield what nobody listed; in a delta each of its strings may be a piece of a longer one.
    """
    _in_pieces(walk, unknown, box, key, value)


def stray_value(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Yield the strings of a value of a kind that nobody listed, at a *key* that somebody did.
    """
    _in_pieces(walk, _unknown_value, box, key, value)


_unknown_value: Final = free(UNKNOWN)


def _in_pieces(walk: Walk, rule: Rule, box: Any, key: Any, value: Any) -> None:
    if walk.form != "delta":
        rule(walk, box, key, value)
        return
    first = len(walk.out)
    walk.form = "whole"
    rule(walk, box, key, value)
    walk.form = "delta"
    # Told apart by their keys: the first event of something may say more than those after it.
    of_a_key: Counter[Any] = Counter()
    for found in walk.out[first:]:
        if found.key is not None:  # the name of a key comes whole
            place = key, found.key, of_a_key[found.key]
            of_a_key[found.key] += 1
            found.form = "delta"
            found.lane = (*walk.lane, "other", place, UNKNOWN)


def members(shape: Mapping[str, Rule], otherwise: Rule = stray_value) -> Rule:
    """
    Make a rule for an object: what *shape* does not list is `stray`, null or not.

    Args:
        otherwise: The rule for a value that is no object.
    """

    def rule(walk: Walk, box: Any, key: Any, value: Any) -> None:
        if value.__class__ is dict:
            walk_members(walk, value, shape)
        else:
            otherwise(walk, box, key, value)

    return rule


def walk_members(walk: Walk, box: dict[str, Any], shape: Mapping[str, Rule]) -> None:
    """
    Walk the object *box* by *shape*.
    """
    # A copy of the items is not needed: texts are edited after the walk.
    for name, member in box.items():
        rule = shape.get(name)
        if rule is None:
            stray(walk, box, name, member)
        elif member is not None:
            rule(walk, box, name, member)


def each_member(rule: Rule) -> Rule:
    """
    Make a rule for a list to whose members *rule* applies.
    """

    def every(walk: Walk, box: Any, key: Any, value: Any) -> None:
        if value.__class__ is list:
            for index, member in enumerate(value):
                rule(walk, value, index, member)
        else:
            stray_value(walk, box, key, value)

    return every


def each_object(read: Callable[[Walk, dict[str, Any], int], None]) -> Rule:
    """
    Make a rule for a list to whose objects *read* applies, with their positions.
    """

    def every(walk: Walk, box: Any, key: Any, value: Any) -> None:
        if value.__class__ is not list:
            stray_value(walk, box, key, value)
            return
        for position, member in enumerate(value):
            if member.__class__ is dict:
                read(walk, member, position)
            else:
                stray_value(walk, value, position, member)

    return every


def running(kind: str, item: Any = 0, part: Any = 0) -> Rule:
    """
    Make a rule for a string that is, or in a delta continues, one of the answer's texts.
    """

    def rule(walk: Walk, box: Any, key: Any, value: Any) -> None:
        if value.__class__ is not str:
            stray_value(walk, box, key, value)
        elif value:
            lane = walk.lane
            walk.lane = (*lane, item, part, kind)
            walk.add(box, key, kind)
            walk.lane = lane

    return rule


def whole(rule: Rule) -> Rule:
    """
    Make a rule for what comes in one piece even in a delta.
    """

    def at_once(walk: Walk, box: Any, key: Any, value: Any) -> None:
        form = walk.form
        walk.form = "whole"
        rule(walk, box, key, value)
        walk.form = form

    return at_once


#: An ``error``, in every shape that vendors give it.
error: Final = said_by(
    "provider",
    whole(
        members(
            {
                "message": free(ERROR),
                **dict.fromkeys(("type", "code", "param", "status"), label),
            },
            free(ERROR),
        )
    ),
)

_CITED_TEXTS: Final = (
    "title url content cited_text filename quote snippet source date last_updated"
).split()
_CITED: Final[dict[str, Rule]] = {
    **dict.fromkeys(_CITED_TEXTS, free(ANNOTATION)),
    **dict.fromkeys(("type", "file_id"), label),
    **dict.fromkeys(("start_index", "end_index", "index"), figure),
}
_ANNOTATION = {
    **_CITED,
    "url_citation": members(_CITED),
    "file_citation": members(_CITED),
    "file_path": members(_CITED),
}


_annotation: Final = members(_ANNOTATION, free(ANNOTATION))


def _annotations(walk: Walk, box: Any, key: Any, value: Any) -> None:
    if value.__class__ is list:
        for index, member in enumerate(value):
            _annotation(walk, value, index, member)
    else:
        _annotation(walk, box, key, value)


#: Annotations, citations and search results: a list of objects, or of addresses.
citations: Final = whole(_annotations)


def texts_of(view: View, role: str, shape: Mapping[str, Rule]) -> list[Text]:
    """
    Walk a view's document, of any type, by the *shape* of an object.
    """
    doc = view.doc
    walk = Walk(view, role)
    if doc.__class__ is dict:
        walk_members(walk, doc, shape)
    else:
        walk_other(walk, doc)
    return walk.out


def event_texts(chunk: Chunk, shape: Mapping[str, Rule]) -> list[Text]:
    """
    Walk an event as `texts_of` does, its name first: only some vendors' errors have one.
    """
    texts = texts_of(chunk, "assistant", shape)
    if chunk.event is None:
        return texts
    walk = Walk(chunk, "assistant")
    event_name(walk, chunk)
    return [*walk.out, *texts]


_CARRIERS: frozenset[Any] = frozenset({str, list, dict})


def _odd(
    walk: Walk,
    box: Any,
    key: Any,
    value: Any,
    words: frozenset[str] = frozenset(),
) -> None:
    form = walk.form
    walk.form = "whole"
    everything(walk, box, key, value, UNKNOWN, words)
    walk.form = form
