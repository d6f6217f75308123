from __future__ import annotations

import json
import random
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import codec


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1e999}',
        b'{"a":-1e999,"b":1E400}',
        b'{"a":123456789012345678901234567890}',
        b'{"a":"\\ud800"}',
        b'{"a":[18446744073709551616,1.5]}',
    ],
    ids=["overflow", "overflows", "big-integer", "lone-surrogate", "beyond-64-bits"],
)
def test_values_that_orjson_would_change_survive(raw):
    """
    A document with values beyond orjson's reach is written as it was read.
    """
    written = codec.dumps(codec.read(raw))

    assert codec.read(written) == codec.read(raw)
    assert written.upper() == raw.upper()


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b'{"a":1,"a":2}', "repeats a key"),
        (b'{"x":{"a":1, "a":1}}', "repeats a key"),
        (b'{"a":1,"\\u0061":2}', "repeats a key"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":Infinity}', "Infinity"),
        (b"[1,]", "not JSON"),
        (b"\xff", "UTF-8"),
        (b"", "not JSON"),
        (b"[" * 130 + b"]" * 130, "128 levels"),
        (b"[" * 100_000 + b"]" * 100_000, "128 levels"),
        (b'{"a":' * 129 + b"1" + b"}" * 129, "128 levels"),
        (b"[" * 300 + b"]" * 300, "128 levels"),
        (b'{"a":' * 900 + b"1" + b"}" * 900, "128 levels"),
        (b"1" * 5000, "digits"),
    ],
)
def test_refuses_what_two_readers_may_read_differently(raw, why):
    """
    Duplicate keys, excessive depth and what is not JSON are refused, each by its name.
    """
    with pytest.raises(codec.JsonError, match=why):
        codec.read(raw)


def test_an_error_never_quotes_the_document():
    """
    What is wrong is said without showing what was written.
    """
    with pytest.raises(codec.JsonError) as caught:
        codec.read(b'{"prompt": "canary-7731", oops}')

    assert "canary" not in str(caught.value)


def test_depth_up_to_the_limit_is_read():
    """
    Exactly 128 levels are accepted, also where brackets stand in strings.
    """
    deep = b"[" * 128 + b"]" * 128
    flat = codec.dumps({"text": "[{" * 500})

    assert codec.read(deep) is not None
    assert codec.read(flat) == {"text": "[{" * 500}


def test_a_deep_document_with_a_big_integer_is_refused():
    """
    The slow path knows the limit too.
    """
    raw = b'{"n":1234567890123456789012,"a":' + b"[" * 129 + b"]" * 129 + b"}"

    with pytest.raises(codec.JsonError, match="128 levels"):
        codec.read(raw)


@pytest.mark.parametrize(
    ("raw", "key", "value", "expected"),
    [
        (b'{"model":"a","x":1}', "model", "b", b'{"model":"b","x":1}'),
        (
            b'{ "x" : 1.50 , "model" : "a" }',
            "model",
            "b",
            b'{ "x" : 1.50 , "model" : "b" }',
        ),
        (
            b'{"x":{"model":"n"},"model":"a"}',
            "model",
            "b",
            b'{"x":{"model":"n"},"model":"b"}',
        ),
        (
            b'{"x":"\\"model\\": 1","model":"a"}',
            "model",
            "b",
            b'{"x":"\\"model\\": 1","model":"b"}',
        ),
        (b'{"max":5}', "max", 7, b'{"max":7}'),
        (
            b'{"o" : {"a": [1.50, "}"]} , "b":1e3}',
            "o",
            {"n": 1},
            b'{"o" : {"n":1} , "b":1e3}',
        ),
        (b'{"l":[1, {"l":2}],"\xc3\xa9":"l"}', "l", 7, b'{"l":7,"\xc3\xa9":"l"}'),
        (b'{"a":1}', "new", True, b'{"new":true,"a":1}'),
        (b" {}", "new", 1, b' {"new":1}'),
        (b'{"model":"same"}', "model", "same", b'{"model":"same"}'),
    ],
)
def test_splice_changes_one_top_level_value_only(raw, key, value, expected):
    """
    Only the bytes of the named value change, wherever the same name stands otherwise.
    """
    spliced = codec.splice(raw, codec.read(raw), key, value)

    assert spliced == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"model":"a","x":1}', b'{"model":"z","x":1}'),
        (b'{"model": "a", "x": 1}', b'{"model": "z", "x": 1}'),
        (b'{"x":1,"model":"a"}', b'{"x":1,"model":"z"}'),
        (b'{"x": 1, "model": "a"}', b'{"x": 1, "model": "z"}'),
        (b'{"model":"a"}', b'{"model":"z"}'),
        (b'{"model":"a" ,"x":1}', b'{"model":"z" ,"x":1}'),
        (b'{"x":1,\n"model":"a"}', b'{"x":1,\n"model":"z"}'),
        (b'{"x":1,"model":"a"}\n', b'{"x":1,"model":"z"}\n'),
        (b'{"model":12,"x":{"model":1}}', b'{"model":"z","x":{"model":1}}'),
        (b'{"x":{"model":"a"},"model":"b"}', b'{"x":{"model":"a"},"model":"z"}'),
        (b'{"model":"b","x":{"model":"a"}}', b'{"model":"z","x":{"model":"a"}}'),
        (
            b'{"model":"a","x":"\\",\\"model\\":\\"a\\""}',
            b'{"model":"z","x":"\\",\\"model\\":\\"a\\""}',
        ),
    ],
)
def test_splice_finds_the_first_and_the_last_member(raw, expected):
    """
    At both ends, where clients put the model, whatever stands between.
    """
    spliced = codec.splice(raw, codec.read(raw), "model", "z")

    assert spliced == expected
    assert codec.read(spliced) == {**codec.read(raw), "model": "z"}


def test_splice_gives_up_rather_than_edit_the_wrong_place():
    """
    A key that is spelt with escapes cannot be found by its bytes: nothing is edited.
    """
    raw = b'{"\\u006dodel":"a","x":{"model":"b"}}'

    assert codec.splice(raw, codec.read(raw), "model", "z") is None


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" , ", " :")])
def test_splice_agrees_with_parsing_on_random_documents(separators):
    """
    On random documents the spliced bytes parse to the document with that one value changed.
    """
    rng = random.Random(7)
    names = ["model", "x", "mo\u0064el ", "m"]
    for _ in range(300):
        document = {
            name: rng.choice(
                [
                    1,
                    "a",
                    'x"',
                    ',"model":"old"',
                    {"model": "old"},
                    ["model", {"model": 2}],
                ]
            )
            for name in rng.sample(names, 3)
        }
        document["model"] = rng.choice(["old", 3, None, 1.25, 'x"', "model", {}])
        raw = json.dumps(document, separators=separators).encode()

        spliced = codec.splice(raw, document, "model", "new")

        assert spliced is not None
        assert codec.read(spliced) == {**document, "model": "new"}


def test_exact_numbers_are_what_was_written():
    """
    Money is read digit by digit: seventeen of them are more than a float has.
    """
    found = codec.read_exact(b'{"usd": 12345678.123456789, "count": 3, "more": 1e3}')

    assert found == {
        "usd": Decimal("12345678.123456789"),
        "count": 3,
        "more": Decimal(1000),
    }
    assert str(found["usd"]) == "12345678.123456789"


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": 1, "a": 2}',
        b"[" * 200 + b"]" * 200,
        b"1e99999999999999999999999",
        b"NaN",
        b'{"a": ',
    ],
    ids=["repeated key", "deep", "absurd exponent", "no number", "cut"],
)
def test_exact_reading_is_as_strict_as_any(raw):
    """
    Whatever `read` refuses is refused, and so is an exponent that no arithmetic survives.
    """
    with pytest.raises(codec.JsonError):
        codec.read_exact(raw)


@pytest.mark.parametrize("text", ["12345678.123456789", "1E-9", "20", "-0.10"])
def test_exact_numbers_are_written_digit_by_digit(text):
    """
    What `read_exact` read is sent on as it was.
    """
    raw = codec.dumps({"usd": Decimal(text)})

    assert raw == b'{"usd":%b}' % text.encode()
    assert codec.read_exact(raw)["usd"] == Decimal(text)


def test_what_is_no_number_is_not_written():
    """
    JSON has no NaN, and a set is no list.
    """
    for value in (Decimal("NaN"), {1}):
        with pytest.raises(TypeError):
            codec.dumps(value)


@pytest.mark.parametrize("number", [2**64 - 1, 2**64, -(2**63) - 1, 10**22 + 1])
def test_an_integer_of_any_length_stays_what_it_is(number):
    """
    In answers too, which may repeat a key and are written anew once they are edited.
    """
    raw = b'{"input":{"n":%d},"text":"x"}' % number

    assert codec.dumps(codec.loads(raw)) == raw
    assert codec.loads(b'{"a":1,"a":2,"n":%d}' % number)["a"] == 2


@pytest.mark.parametrize(
    "raw",
    [
        b"%d",
        b"-%d",
        b"[%d]",
        b"[1,%d]",
        b'{"n":%d}',
        b'{"n": %d}',
        b'{"n":\n\t%d}',
        b'{"n":-%d}',
        b'{"id":"a%025d","n":%%d}' % 1,
        b'{"id":"a%038d","n":%%d}' % 1,
    ],
)
def test_an_integer_of_any_length_is_found_wherever_it_stands(raw):
    """
    Behind ids as well, which are long runs of digits and are no integers.
    """
    number = 2**70

    parsed = codec.loads(raw % number)

    assert str(number) in repr(parsed)


def test_ids_full_of_digits_are_no_integers(monkeypatch):
    """
    They need no reading by the standard library, which takes five times as long.
    """
    monkeypatch.setattr(codec, "_slow_loads", lambda _: pytest.fail("read slowly"))
    said = {"id": "chatcmpl-" + "0123456789" * 9, "pi": 3.14159}

    assert codec.loads(codec.dumps(said)) == said


def test_a_text_is_parsed_as_its_bytes_are():
    """
    Rows of a database hold texts; a long integer in one stays what it is, too.
    """
    said = '{"a": 12345678901234567890123, "b": "\u00fc"}'

    parsed = codec.loads(said)

    assert parsed == codec.loads(said.encode())
    assert parsed == {"a": 12345678901234567890123, "b": "ü"}


@pytest.mark.parametrize(
    ("raw", "repeats"),
    [
        (b'{"a":1,"b":[{"a":"x:y"}]}', False),
        (b'{"a": 1, "b": [{"a": "x:y"}]}', False),
        (b'{ "a" : 1 , "b" : { } }', False),
        (b'{"a":{"b":1}   }', False),
        (b'{"a":"\\u003a","b":1}', False),
        (b'{"a":"\\u00e9: \\\\","b":1e5}', False),
        (b'{"a":1,"a":1}', True),
        (b'{"a":1,"a":2   }', True),
        (b'{"b":[{"a":"x"}, {"a":"x","a":"y"}]}', True),
        (b'{"a":1,"\\u0061":2}', True),
        (b'{"a":"\\u003a","b":1,"b":2}', True),
        (b'{"a" :1,"b":"\\u003A","a" :2}', True),
        (b'{"a":{"x":1,"y":2},"a":"::"}', True),
        (b'{"a":%d,"a":%d}' % (2**70, 2**70), True),
    ],
)
def test_a_repeated_key_is_told(raw, repeats):
    """
    However the document is written, and whatever stands in its strings.
    """
    document, told = codec.loads_telling(raw)

    assert document == codec.loads(raw)
    assert told is repeats
    assert codec.repeats_key(raw, document) is repeats


def test_depth_hides_no_repeated_key():
    """
    Deeper than orjson writes it is looked for as well.
    """
    deep = b'{"a":' * 300 + b"1" + b"}" * 300

    assert codec.loads_telling(deep)[1] is False
    assert codec.loads_telling(deep.replace(b"1", b'{"b":1,"b":2}'))[1] is True


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c:", "\u00e9", ":"]),
            st.sampled_from(["x", ":", "\u00e9:", '":', "\\u003a", 1, 1e5, 2**70]),
        ),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from([(",", ":"), (", ", ": "), (" ,", " : ")]),
    st.booleans(),
    st.sampled_from(["", " ", "   "]),
)
def test_repeated_keys_are_told_as_the_standard_library_would(
    members, separators, is_ascii, pad
):
    """
    The quick proofs and the slow one agree.
    """
    comma, colon = separators
    written = comma.join(
        f"{json.dumps(k, ensure_ascii=is_ascii)}{colon}{json.dumps(v, ensure_ascii=is_ascii)}"
        for k, v in members
    )
    raw = f"{{{written}{pad}}}".encode()

    told = codec.loads_telling(raw)[1]

    assert told is (len({key for key, _ in members}) < len(members))
