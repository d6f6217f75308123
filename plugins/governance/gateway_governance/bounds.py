"""
The worst case of a request: how much it may cost at most, before it is sent.

A tokenizer never makes more tokens than there are bytes (byte-level BPE begins with one token a
byte and only merges), and JSON never says a text in fewer bytes than UTF-8 does; so the length
of the body bounds the prompt, its template included, in no time.  Media are bounded by their
vendors' rules (`media`), and what the body only names is counted as the whole context window.
`counting` makes the bound tighter where that matters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs

from gateway_governance.bodies import READERS, TOOLS, Tally, read_tools

if TYPE_CHECKING:
    from gateway import Request
    from gateway.catalog import ModelFacts

#: Stands for "no end" where a number is needed.
MANY_TOKENS: Final = 1 << 40

#: What a vendor's template adds that no body shows: dates, channels, a default system prompt.
_TEMPLATE_TOKENS: Final = 256
#: The prompt that explains tools to a model: Anthropic documents up to 530, others nothing.
_TOOL_PROMPT_TOKENS: Final = 1024
#: OpenAI's Responses accept no lower cap, and any request may be translated to them.
_LEAST_CAP: Final = 16
#: Anthropic's, where a cap of 0 only warms the prompt cache.
_MIN_BUDGET_TOKENS: Final = 1024

#: Members of which none stands in a plain request; where one does, there is more to see.
_PRICED_FIELDS: Final = ("service_tier", "speed", "inference_geo")
#: Members that make the provider, or a reseller, do what the body does not bound.
_OPEN_ENDED: Final = (
    "background",
    "compaction",
    "compound_custom",
    "enable_search",
    "fallbacks",
    "mcp_servers",
    "models",
    "plugins",
    "search_parameters",
    "web_search_options",
)
_SCHEMA_FIELDS: Final = (
    "guided_choice",
    "guided_grammar",
    "guided_json",
    "guided_regex",
    "output_format",
    "structured_outputs",
)
_RARE: Final = frozenset(
    (
        *_PRICED_FIELDS,
        *_OPEN_ENDED,
        *_SCHEMA_FIELDS,
        *("best_of", "context_management", "functions", "function_call", "n"),
        *("output_config", "prediction", "reasoning", "response_format", "text"),
        *("thinking", "tool_choice", "tools"),
    )
)

#: Dialects whose answers take a cap on their tokens.
_CAPPED: Final = frozenset(
    ("openai_chat", "openai_completions", "openai_responses", "anthropic_messages")
)


class Dearest(Protocol):
    """
    For each part of a request the most that it may cost, as the catalog knows it.
    """

    def nano(self, *, input_tokens: int, output_tokens: int, images: int) -> int | None:
        """
        Return the most that a request of so many parts may cost; None if one has no price.
        """

    def output_tokens(self, nano: int, *, input_tokens: int, images: int) -> int | None:
        """
        Return how long an answer *nano* pays for beside the rest; None if it is free.
        """


# Not frozen, for that triples the time to make one, for every attempt.  Who made one lowers its
# cap to what was held; nobody else changes it.
@attrs.define(kw_only=True)
class Bound:
    """
    What one request can use at most, of one model.

    Attributes:
        input_tokens: The prompt: *text_tokens*, *media_tokens*, *template_tokens*.
        text_tokens: Of them the words, at first one for each byte.
        media_tokens: Images and sound.
        template_tokens: What the vendor's template adds.
        output_tokens: The most of each choice: the caller's cap, at most the model's
            documented maximum; None where neither is known.
        choices: Answers that are billed, each up to *output_tokens*.
        predicted_tokens: Tokens of a prediction, billed as output where they are rejected.
        extra_pico: What is priced by the piece.
        window_named: State that the body only names (earlier responses, files), by its
            place; the whole context window is counted for it.
        unbounded: What nothing bounds, by its place in the body.
        may_lower: Whether the output cap may be lowered without breaking the answer.
        least_output: No cap goes below it: what the dialect accepts, or thinking needs.
        counted_tokens: What a tokenizer made of the words, before any factor; 0 where nobody
            counted.
        is_mostly_ascii: Whether the words are, where somebody counted.
        images: Images in the prompt, for vendors that charge for each.
        service: The service tier that the request names, by the catalog's word for it; None
            leaves it to the provider.
        region: Where the request wants it to be computed.
    """

    input_tokens: int
    text_tokens: int = 0
    media_tokens: int = 0
    template_tokens: int = 0
    output_tokens: int | None = None
    choices: int = 1
    predicted_tokens: int = 0
    extra_pico: int = 0
    window_named: tuple[str, ...] = ()
    unbounded: tuple[str, ...] = ()
    may_lower: bool = True
    least_output: int = 1
    counted_tokens: int = 0
    is_mostly_ascii: bool = True
    images: int = 0
    service: str | None = None
    region: str | None = None

    def with_text(self, tokens: int) -> Bound:
        """
        Return the same with *tokens* of words, if that is fewer.
        """
        if tokens >= self.text_tokens or self.window_named:
            return self
        total = tokens + self.media_tokens + self.template_tokens
        return attrs.evolve(
            self, text_tokens=tokens, input_tokens=min(total, self.input_tokens)
        )


#: Counting tokens, or whatever else is free.
FREE: Final = Bound(input_tokens=0, output_tokens=0, may_lower=False, least_output=0)


def bound_of(request: Request, facts: ModelFacts, operation: str) -> Bound:
    """
    Bound what *request* can cost with the model that *facts* tell of.

    Args:
        request: As it goes to the target, in the caller's dialect.
        facts: Of the target; what they leave open is taken at its worst.
    """
    if operation == "count_tokens":
        return FREE
    dialect = request.dialect.name
    reader = READERS.get(dialect)
    size = len(request.encode())
    if reader is None:
        return Bound(input_tokens=size, text_tokens=size, unbounded=(dialect,))
    body = request.members
    tally = Tally(facts.model or request.model)
    reader(tally, body)

    most = facts.max_output_tokens
    output: int | None = 0
    if dialect in _CAPPED:
        output = request.max_output_tokens
        if output is None or (most is not None and most < output):
            output = most
        elif output < _LEAST_CAP and dialect != "openai_completions":
            output = _LEAST_CAP
    asked = _PLAIN if _RARE.isdisjoint(body) else _asked(dialect, body, tally, output)

    words = size - tally.media_bytes
    template = _TEMPLATE_TOKENS + asked.template_tokens
    total = words + template
    window = facts.most_input_tokens
    named: tuple[str, ...] = ()
    unbounded = asked.unbounded
    if window is not None:
        if total > window or tally.named:
            total = window
            named = tuple(tally.named)
    elif tally.named:
        unbounded += tuple(tally.named)
    choices = asked.choices
    if dialect == "openai_completions":
        choices *= _prompts(body.get("prompt"))
    return Bound(
        input_tokens=total + tally.media_tokens,
        text_tokens=words,
        media_tokens=tally.media_tokens,
        template_tokens=template,
        output_tokens=asked.output_tokens if asked.thinks_apart else output,
        choices=choices,
        predicted_tokens=asked.predicted_tokens,
        window_named=named,
        unbounded=unbounded,
        may_lower=asked.may_lower and bool(output is None or output),
        least_output=_least(dialect, asked),
        images=tally.images,
        service=None if asked is _PLAIN else request.service_tier,
        region=None if asked is _PLAIN else request.region,
    )


def worst_nano(bound: Bound, dearest: Dearest, output_tokens: int) -> int | None:
    """
    Return the most that *bound* can cost, in nano-USD, if choices stop at *output_tokens*.

    Args:
        dearest: For a prompt of ``bound.input_tokens``, asked at ``bound.service`` and
            ``bound.region``.

    Returns:
        None if something in it has no price.
    """
    return dearest.nano(
        input_tokens=bound.input_tokens,
        output_tokens=bound.choices * output_tokens + bound.predicted_tokens,
        images=bound.images,
    )


def output_tokens_for(bound: Bound, dearest: Dearest, money_nano: int) -> int:
    """
    Return the largest output cap with which *bound* costs at most *money_nano*.

    Returns:
        At most what was asked for; 0 if not even the prompt is paid for.
    """
    most = MANY_TOKENS if bound.output_tokens is None else bound.output_tokens
    paid = dearest.output_tokens(
        money_nano, input_tokens=bound.input_tokens, images=bound.images
    )
    if paid is None:  # the answer is free
        return most
    return min(most, max(paid - bound.predicted_tokens, 0) // bound.choices)


# --- what is rarely asked for ---------------------------------------------------------------


@attrs.define(kw_only=True)
class _Asked:
    """
    What the less usual members of a body add to its bound.
    """

    choices: int = 1
    template_tokens: int = 0
    predicted_tokens: int = 0
    output_tokens: int | None = None
    thinks_apart: bool = False
    least_output: int = 0
    may_lower: bool = True
    unbounded: tuple[str, ...] = ()


_PLAIN: Final = _Asked()


def _asked(
    dialect: str, body: Mapping[str, Any], tally: Tally, output: int | None
) -> _Asked:
    asked = _Asked()
    unbounded = [key for key in _OPEN_ENDED if body.get(key) not in _NOTHING]
    _ask_tools(asked, dialect, body, tally)
    if _compacts(body.get("context_management")):
        unbounded.append("context_management")
    for key in ("n", "best_of"):
        count = body.get(key)
        if count.__class__ is int:
            asked.choices = max(asked.choices, count)
    if body.get("prediction") is not None:
        asked.predicted_tokens = _bytes_in(body["prediction"])
        asked.may_lower = False  # OpenAI takes no max_completion_tokens beside it
    asked.may_lower = asked.may_lower and not _must_be_whole(body)
    if _is_pro(body.get("reasoning")):
        unbounded.append("reasoning.mode")
    if dialect == "anthropic_messages":
        _ask_thinking(asked, body.get("thinking"), output)
    asked.unbounded = (*unbounded, *tally.server_tools)
    return asked


#: How a member says that nothing is asked for; unhashable, so compared one by one.
_NOTHING: Final[tuple[Any, ...]] = (None, False, [], {})


def _ask_tools(
    asked: _Asked, dialect: str, body: Mapping[str, Any], tally: Tally
) -> None:
    tools = body.get("tools")
    if tools or body.get("functions"):
        asked.template_tokens = _TOOL_PROMPT_TOKENS
        read_tools(tally, tools, "tools", TOOLS.get(dialect, {}))
    asked.template_tokens += tally.tool_tokens


def _compacts(management: Any) -> bool:
    """
    Tell whether the provider may summarise the conversation first, which it bills.
    """
    edits = management.get("edits") if isinstance(management, dict) else management
    if not isinstance(edits, list):
        return False
    kinds = [edit.get("type") if isinstance(edit, dict) else None for edit in edits]
    return any(not str(kind).startswith("clear_") for kind in kinds)


def _bytes_in(node: Any) -> int:
    """
    Measure the strings in *node*, which bounds their tokens.
    """
    if isinstance(node, str):
        return len(node.encode("utf-8", "surrogatepass"))
    if isinstance(node, dict):
        node = list(node.values())
    return sum(map(_bytes_in, node)) if isinstance(node, list) else 0


def _must_be_whole(body: Mapping[str, Any]) -> bool:
    """
    Tell whether an answer that is cut short would be broken JSON: a schema, a forced call.
    """
    if any(body.get(key) is not None for key in _SCHEMA_FIELDS):
        return True
    for holder, key in (("response_format", None), ("text", "format")):
        form = body.get(holder)
        if isinstance(form, dict) and key is not None:
            form = form.get(key)
        if isinstance(form, dict) and form.get("type") not in (None, "text"):
            return True
    config = body.get("output_config")
    if isinstance(config, dict) and config.get("format") is not None:
        return True
    return _forces(body.get("tool_choice")) or isinstance(
        body.get("function_call"), dict
    )


def _forces(choice: Any) -> bool:
    if not isinstance(choice, dict):
        return bool(choice == "required")
    if choice.get("type") == "allowed_tools":
        inner = choice.get("allowed_tools")
        mode = choice.get("mode") or (
            inner.get("mode") if isinstance(inner, dict) else ""
        )
        return bool(mode == "required")
    return choice.get("type") not in (None, "auto", "none")


def _is_pro(reasoning: Any) -> bool:
    """
    Tell whether several models think at once, whose sum nothing documents.
    """
    mode = reasoning.get("mode") if isinstance(reasoning, dict) else None
    return mode not in (None, "standard")


def _ask_thinking(asked: _Asked, thinking: Any, output: int | None) -> None:
    """
    Read Anthropic's budget: the cap must be above it, or with interleaved thinking may not.
    """
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    if budget.__class__ is not int or thinking.get("type") != "enabled":
        return
    budget = max(budget, _MIN_BUDGET_TOKENS)
    asked.least_output = budget + 1
    if output is not None and budget >= output:
        asked.thinks_apart = True
        asked.output_tokens = output + budget
        asked.may_lower = False


# --- limits ---------------------------------------------------------------------------------


def _least(dialect: str, asked: _Asked) -> int:
    if dialect not in _CAPPED:
        return 0
    if dialect == "openai_completions":
        return 1
    return max(_LEAST_CAP, asked.least_output)


def _prompts(prompt: Any) -> int:
    """
    Count prompts: a list of strings, or of lists of token numbers, is several.
    """
    if not isinstance(prompt, list) or not prompt or prompt[0].__class__ is int:
        return 1
    return len(prompt)
