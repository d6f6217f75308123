"""
Shapes: where the texts are in a document, as a closed world.

A *shape* says of each key of an object what stands there; a *rule* deals with the value at one
key.  A dialect lists what is **not** text (identifiers, enumerations, media); a key that no shape
lists, and a value of another type than the rule expects, is yielded as kind ``unknown``, names of
keys included.  So nothing that is forwarded escapes a guardrail by being new, misplaced or
misspelt.

Documents are walked in the order of their keys, recursion is bounded by `gateway.codec.MAX_DEPTH`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal
from weakref import ref

from gateway import codec
from gateway.views import ARGUMENTS, UNKNOWN, Form, Lane, Text, WholeNumber

if TYPE_CHECKING:
    from gateway.views import Chunk, View

#: What an identifier may look like; anything else at an identifier's place is text.
_IDENTIFIER = re.compile(r"[\w.:/+=@|-]{0,512}", re.ASCII)
#: Strings that were found to look like one: ids and names of models come again with every chunk
#: of a stream and every turn of a conversation.
KNOWN_IDENTIFIERS: Final[set[str]] = set()
_MAX_KNOWN: Final = 8192
_MAX_KEPT: Final = 128
#: Digits from which on a whole number in arguments is words in disguise: a card's, an account's.
LONG_NUMBER: Final = 12
_JSON_TOKEN = re.compile(
    rf'"(?:[^"\\]|\\.)*"|(?<![\d.eE+-])\d{{{LONG_NUMBER},}}(?![\d.eE])', re.DOTALL
)

_COLON = re.compile(r"[ \t\r\n]*:")

#: Words that structure a JSON Schema and say nothing (draft 2020-12, sections 8 to 10).
SCHEMA_WORDS: Final = frozenset(
    "type properties required items description title enum const default format pattern "
    "anyOf oneOf allOf not if then else $ref $defs $schema $id definitions "
    "additionalProperties patternProperties propertyNames prefixItems contains "
    "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength "
    "minItems maxItems uniqueItems minProperties maxProperties minContains maxContains "
    "dependentRequired dependentSchemas unevaluatedItems unevaluatedProperties "
    "examples deprecated readOnly writeOnly nullable $comment $anchor "
    "contentEncoding contentMediaType contentSchema "
    "object array string number integer boolean null".split()
)

Rule = Callable[["Walk", Any, Any, Any], None]
#: What stands at each key; None: nothing that a person or a model wrote.
Shape = Mapping[str, Rule | None]


class Walk:
    """
    One walk over one document, and what is true at the place where it stands.
    """

    __slots__ = ("beside", "form", "lane", "out", "role", "sealed", "view")

    def __init__(self, view: View, role: str | None, form: Form = "whole") -> None:
        self.view = view
        self.out: list[Text] = []
        self.role = role
        self.lane: Lane = ()
        self.form: Form = form
        self.sealed = False
        self.beside: Callable[[], None] | None = None

    def shape(self, box: dict[str, Any], shape: Shape) -> None:
        """
        Walk the object *box*; keys that *shape* does not list are unknown.
        """
        for key, value in box.items():
            rule = shape.get(key, unknown)
            if rule is not None and (value is not None or rule is unknown):
                rule(self, box, key, value)

    def add(self, box: Any, key: Any, kind: str) -> None:
        """
        Yield the string at *key* of *box*.
        """
        self.out.append(
            Text(
                self.view,
                box,
                key,
                kind,
                self.role,
                self.lane,
                self.form,
                self.sealed,
                self.beside,
            )
        )

    def within(self, step: Any, rule: Rule, box: Any, key: Any, value: Any) -> None:
        """
        Apply *rule* one step further down, in a lane of its own.
        """
        lane = self.lane
        self.lane = (*lane, step)
        rule(self, box, key, value)
        self.lane = lane


def walk_other(walk: Walk, doc: Any) -> None:
    """
    Yield every string of a whole document that is no object.
    """
    everything(walk, Top(walk.view), None, doc, UNKNOWN)


def unknown(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Yield every string of what nobody listed, the name of the key first.
    """
    name = _add_name(walk, box, key, UNKNOWN) if key.__class__ is str else None
    everything(walk, box, key, value, UNKNOWN)
    if name is not None:
        name.names(walk.out[-1])


def everything(  # the rule's arguments and the kind
    walk: Walk,
    box: Any,
    key: Any,
    value: Any,
    kind: str,
    words: frozenset[str] = frozenset(),
) -> None:
    """
    Yield every string below *key*, the names of keys included, unless it is among *words*.

    In arguments whole numbers of `LONG_NUMBER` digits are texts as well.
    """
    if value.__class__ is str:
        if value and value not in words:
            walk.add(box, key, kind)
    elif value.__class__ is list:
        carriers = _CARRIERS if kind != ARGUMENTS else _OF_ARGUMENTS
        for index, member in enumerate(value):
            if member.__class__ in carriers:
                everything(walk, value, index, member, kind, words)
    elif value.__class__ is dict:
        carriers = _CARRIERS if kind != ARGUMENTS else _OF_ARGUMENTS
        for name, member in value.items():
            called = None
            if name not in words:
                called = _add_name(walk, value, name, kind)
            if member.__class__ in carriers:
                everything(walk, value, name, member, kind, words)
                if called is not None:
                    called.names(walk.out[-1])
    elif value.__class__ is int and abs(value) >= _LONG:
        walk.add(WholeNumber(box), key, kind)
        walk.out[-1].json_type = "number"


_CARRIERS: frozenset[Any] = frozenset({str, list, dict})
_OF_ARGUMENTS: frozenset[Any] = _CARRIERS | {int}
_LONG: Final = 10 ** (LONG_NUMBER - 1)


def free(kind: str, words: frozenset[str] = frozenset()) -> Rule:
    """
    Make a rule for a value of any shape, all of which is text of *kind*.
    """

    def rule(walk: Walk, box: Any, key: Any, value: Any) -> None:
        everything(walk, box, key, value, kind, words)

    return rule


def parsed_arguments(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Yield the strings and long numbers of tool arguments that are no source but values.
    """
    before = len(walk.out)
    everything(walk, box, key, value, ARGUMENTS)
    for found in walk.out[before:]:
        if found.box.__class__ is dict or found.box.__class__ is list:
            found.json_type = "string"


def text(kind: str, role: str | None = None) -> Rule:
    """
    Make a rule for a string, or a list of strings, that is text of *kind*.

    Args:
        role: Who wrote it, where that is not who wrote what is around it.
    """

    def rule(walk: Walk, box: Any, key: Any, value: Any) -> None:
        if value.__class__ is str:
            if value:
                walk.add(box, key, kind)
        elif value.__class__ is list or value.__class__ is dict:
            everything(walk, box, key, value, kind)

    return rule if role is None else said_by(role, rule)


def is_identifier(value: str) -> bool:
    """
    Tell whether *value* looks like an identifier, an enumeration's member or a token.
    """
    if value in KNOWN_IDENTIFIERS:
        return True
    if _IDENTIFIER.fullmatch(value) is None:
        return False
    if len(value) <= _MAX_KEPT:
        if len(KNOWN_IDENTIFIERS) >= _MAX_KNOWN:
            KNOWN_IDENTIFIERS.clear()
        KNOWN_IDENTIFIERS.add(value)
    return True


def identifier(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Pass over an identifier, an enumeration's member or a URL-free token.

    What does not look like one is text that somebody put there.
    """
    if value.__class__ is str:
        if not is_identifier(value):
            walk.add(box, key, UNKNOWN)
    elif value.__class__ is list or value.__class__ is dict:
        everything(walk, box, key, value, UNKNOWN)


def event_name(walk: Walk, chunk: Chunk) -> None:
    """
    Pass over the name of an event, if it looks like one.

    Nobody writes prose there, which is why somebody might.
    """
    name = _EventName(chunk)
    identifier(walk, name, None, name[None])


class _EventName:
    """
    The name of an event as a box with one place.
    """

    __slots__ = ("_chunk", "_name")

    def __init__(self, chunk: Chunk) -> None:
        self._chunk = ref(chunk)
        self._name = (chunk.event or b"").decode(errors="replace")

    def __getitem__(self, key: Any) -> str:
        return self._name

    def __setitem__(self, key: Any, new: str) -> None:
        self._name = " ".join(new.splitlines())
        chunk = self._chunk()
        if chunk is not None:
            chunk.event = self._name.encode(errors="replace")


def figure(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Pass over a number or a truth value; anything else is text at the wrong place.
    """
    if value.__class__ in _CARRIERS:
        # What stands where it should not comes whole, also in the piece of a text.
        form, walk.form = walk.form, "whole"
        everything(walk, box, key, value, UNKNOWN)
        walk.form = form


def node(shape: Shape) -> Rule:
    """
    Make a rule for an object of *shape*.
    """

    def rule(walk: Walk, box: Any, key: Any, value: Any) -> None:
        if value.__class__ is dict:
            walk.shape(value, shape)
        else:
            everything(walk, box, key, value, UNKNOWN)

    return rule


def each(rule: Rule) -> Rule:
    """
    Make a rule that applies *rule* to the members of a list, each in a lane of its own.
    """

    def members(walk: Walk, box: Any, key: Any, value: Any) -> None:
        if value.__class__ is not list:
            everything(walk, box, key, value, UNKNOWN)
            return
        lane = walk.lane
        for index, member in enumerate(value):
            walk.lane = (*lane, index)
            rule(walk, value, index, member)
        walk.lane = lane

    return members


def by_type(shapes: Mapping[str, Rule], key: str = "type", default: str = "") -> Rule:
    """
    Make a rule for an object whose *key* tells its shape; an unlisted type is unknown.
    """

    def rule(walk: Walk, box: Any, at: Any, value: Any) -> None:
        if value.__class__ is dict:
            found = shapes.get(_str(value.get(key, default)))
            if found is not None:
                found(walk, box, at, value)
                return
        everything(walk, box, at, value, UNKNOWN)

    return rule


def either(string: Rule, other: Rule) -> Rule:
    """
    Make a rule that is *string* for a string and *other* for everything else.
    """

    def rule(walk: Walk, box: Any, key: Any, value: Any) -> None:
        (string if value.__class__ is str else other)(walk, box, key, value)

    return rule


def said_by(role: str, rule: Rule) -> Rule:
    """
    Make a rule that is *rule* for words that *role* wrote.
    """

    def quoted(walk: Walk, box: Any, key: Any, value: Any) -> None:
        before, walk.role = walk.role, role
        rule(walk, box, key, value)
        walk.role = before

    return quoted


def json_source(kind: str = ARGUMENTS) -> Rule:
    """
    Make a rule for a string that is JSON source (tool arguments): its strings are the text.

    Source that is not JSON is one text, as it stands.
    """

    def rule(walk: Walk, box: Any, key: Any, value: Any) -> None:
        if value.__class__ is not str:
            everything(walk, box, key, value, UNKNOWN)
        elif value:
            tokens = JsonTokens.of(box, key)
            if tokens is None:
                walk.add(box, key, kind)
            else:
                for index in range(len(tokens.values)):
                    _add_token(walk, tokens, index, kind)

    return rule


def media(walk: Walk, box: Any, key: Any, value: Any) -> None:
    """
    Pass over base64 data or a ``data:`` URL; any other string there is text (a URL, a name).
    """
    if value.__class__ is str:
        if not is_base64(value):
            walk.add(box, key, UNKNOWN)
    elif value.__class__ is list or value.__class__ is dict:
        everything(walk, box, key, value, UNKNOWN)


_DATA_URL = re.compile(r"data:[\w.+/-]{0,127}(?:;[\w=.-]{1,64}){0,3};base64,", re.ASCII)
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/=_\r\n-]")


def is_base64(value: str) -> bool:
    """
    Tell whether *value* is base64, bare or as a ``data:`` URL of a media type that is not text.
    """
    head = _DATA_URL.match(value)
    if head is not None and value.startswith("data:text/"):
        return False
    return _NOT_BASE64.search(value, head.end() if head else 0) is None


class JsonTokens:
    """
    The string tokens of JSON source, edited by span: every other byte stays as it was.

    Whole numbers of `LONG_NUMBER` digits are among them; one that is edited becomes a string,
    unless it is a whole number still.
    """

    __slots__ = ("_box", "_key", "_source", "_spans", "values")

    def __init__(
        self, box: Any, key: Any, spans: list[tuple[int, int]], values: list[str]
    ) -> None:
        self._box = box
        self._key = key
        self._source: str = box[key]
        self._spans = spans
        #: The decoded strings, in their order, keys of objects included.
        self.values: list[str | int] = [*values]

    @classmethod
    def of(cls, box: Any, key: Any) -> JsonTokens | None:
        """
        Find the tokens of the source at *key* of *box*; None if it is not a JSON document.
        """
        source: str = box[key]
        try:
            codec.loads(source.encode("utf-8", "surrogatepass"))
        except codec.JsonError:
            return None
        spans = [match.span() for match in _JSON_TOKEN.finditer(source)]
        values = [json_string(source[start:end]) for start, end in spans]
        return cls(box, key, spans, values)

    def type_of(self, index: int) -> Literal["string", "number"] | None:
        """
        Return what a token is; None for the name of a key.
        """
        start, end = self._spans[index]
        if self._source[start] != '"':
            return "number"
        return None if _COLON.match(self._source, end) else "string"

    def write(self) -> None:
        """
        Put the source together again with the strings as they stand now.
        """
        parts = []
        at = 0
        for (start, end), value in zip(self._spans, self.values, strict=True):
            token = self._source[start:end]
            parts.append(self._source[at:start])
            is_same = json_string(token) == str(value) and (
                token[0] != '"' or value.__class__ is str
            )
            parts.append(token if is_same else json_token(value))
            at = end
        parts.append(self._source[at:])
        self._box[self._key] = "".join(parts)


def json_string(token: str) -> str:
    """
    Decode one JSON string token, quotes included; a number stands for itself.
    """
    if token[0] != '"':
        return token
    if "\\" not in token:
        return token[1:-1]
    value: str = codec.loads(token.encode("utf-8", "surrogatepass"))
    return value


def json_token(value: str | int) -> str:
    """
    Encode *value* as one JSON token, of a string with its quotes.
    """
    return codec.dumps(value).decode()


def _add_token(walk: Walk, tokens: JsonTokens, index: int, kind: str) -> None:
    beside = walk.beside

    def write() -> None:
        tokens.write()
        if beside is not None:
            beside()

    json_type = tokens.type_of(index)
    box: Any = WholeNumber(tokens.values) if json_type == "number" else tokens.values
    found = Text(
        walk.view,
        box,
        index,
        kind,
        walk.role,
        walk.lane,
        walk.form,
        walk.sealed,
        write,
    )
    found.json_type = json_type
    walk.out.append(found)


class Top:
    """
    The document of a view, seen as a value that can be replaced.
    """

    __slots__ = ("_doc", "_view")

    def __init__(self, view: View) -> None:
        self._doc = view.doc
        self._view = ref(view)

    def __getitem__(self, key: None) -> Any:
        return self._doc

    def __setitem__(self, key: None, value: Any) -> None:
        self._doc = value
        view = self._view()
        if view is not None:
            view._doc = value  # noqa: SLF001 - a bare string has no other place to be put


class _KeyBox:
    """
    The name of a key, seen as a value that can be replaced.
    """

    __slots__ = ("_box", "_name", "_value")

    def __init__(self, box: dict[str, Any], name: str) -> None:
        self._box = box
        self._name = name
        self._value: Text | None = None

    def names(self, text: Text) -> None:
        """
        Take note that *text* is what stands at the key, if it is.
        """
        box = text.box.box if text.box.__class__ is WholeNumber else text.box
        if box is self._box:
            self._value = text

    def __getitem__(self, key: Any) -> str:
        return self._name

    def __setitem__(self, key: Any, new: str) -> None:
        box, old = self._box, self._name
        if new == old:
            return
        new = _free_name(box, new)
        members = list(box.items())
        box.clear()
        box.update((new if name == old else name, value) for name, value in members)
        if self._value is not None:
            self._value.key = new
        self._name = new


def _free_name(box: dict[str, Any], name: str) -> str:
    """
    Return *name*, or *name* with a number where two edited keys would fall together.
    """
    candidate, count = name, 1
    while candidate in box:
        count += 1
        candidate = f"{name} {count}"
    return candidate


def _add_name(walk: Walk, box: dict[str, Any], name: str, kind: str) -> _KeyBox:
    found = _KeyBox(box, name)
    walk.out.append(
        Text(
            walk.view,
            found,
            None,
            kind,
            walk.role,
            walk.lane,
            walk.form,
            walk.sealed,
            walk.beside,
        )
    )
    return found


def _str(value: Any) -> str:
    return value if value.__class__ is str else ""
