from __future__ import annotations

import pytest


def token(text, *others):
    top = [{"token": other, "logprob": -2.0, "bytes": None} for other in others]
    return {"token": text, "logprob": -0.1, "bytes": [1], "top_logprobs": top}


def event(kit, content, *tokens, kind="content"):
    doc = kit.event({kind: content} if content is not None else {})
    doc["choices"][0]["logprobs"] = {kind: list(tokens)}
    return kit.chunk(doc)


def test_tokens_that_spell_the_text(kit):
    """
    Tokens that say the text again are no texts of their own.
    """
    assert kit.values(event(kit, "Hi you", token("Hi"), token(" you"))) == ["Hi you"]


@pytest.mark.parametrize("content", ["Hello", "", None], ids=repr)
def test_tokens_that_spell_something_else(kit, content):
    """
    Tokens that say what the text does not say are texts.
    """
    assert "4111 1111" in kit.values(event(kit, content, token("4111 1111")))


def test_candidates(kit):
    """
    Another token that was likely is a word; more than a word is text.
    """
    view = event(kit, "Hi", token("Hi", " Hello", "some longer words"))

    assert kit.values(view) == ["Hi", "some longer words"]


@pytest.mark.parametrize("kind", ["content", "refusal"])
def test_edit_blanks_them(kit, kind):
    """
    Whoever edits the text leaves no trace of it in the tokens beside it.
    """
    view = event(kit, "Hi you", token("Hi"), token(" you"), kind=kind)

    view.texts()[0].replace("[gone]")

    assert b'"logprobs":null' in view.encode()
    assert b"you" not in view.encode().replace(b"chatcmpl", b"")


def test_whole_answer(kit):
    """
    The same in a whole answer.
    """
    message = {"role": "assistant", "content": "Hi"}
    choice = {"message": message, "logprobs": {"content": [token("Hi")]}}
    view = kit.response({"choices": [choice]})

    view.texts()[0].replace("[gone]")

    assert view.doc["choices"][0]["logprobs"] is None


@pytest.mark.parametrize(
    ("odd", "found"),
    [
        (1, []),
        ("words here", ["words here"]),
        ([], []),
        (["words here"], ["words here"]),
        ({"content": 3}, []),
        ({"new": "a b"}, ["new", "a b"]),
    ],
    ids=repr,
)
def test_malformed(kit, odd, found):
    """
    Log probabilities of another shape hide nothing.
    """
    doc = kit.event({"content": "Hi"})
    doc["choices"][0]["logprobs"] = odd

    assert kit.values(kit.chunk(doc)) == ["Hi", *found]
