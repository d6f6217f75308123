from __future__ import annotations

import asyncio

import pytest

from gateway import Answer, Blocked, Phase, Plugin, Refused, hookimpl
from gateway.errors import PluginFailed, Unavailable
from gateway.events import GatewayDraining
from gateway.hooks import Hooks
from gateway.plugins import FoundPlugin, load_plugins
from gateway.settings import settings_from_dict
from gateway.testing import make_attempt, make_exchange, make_response

CALLS: list[str] = []


@pytest.fixture(autouse=True)
def _forget_calls():
    CALLS.clear()


def recording(name: str, phase: Phase, **hooks) -> FoundPlugin:
    """
    Make a plugin that notes each call, and does in a hook what *hooks* says.
    """

    def act(hook, *arguments):
        CALLS.append(f"{name}.{hook}")
        action = hooks.get(hook)
        return action(*arguments) if action is not None else None

    class Recording(Plugin):
        @hookimpl
        async def pre_request(self, exchange):
            return act("pre_request", exchange)

        @hookimpl
        def choose_targets(self, exchange, targets):
            return act("choose_targets", exchange, targets) or targets

        @hookimpl
        async def before_attempt(self, exchange, attempt):
            return act("before_attempt", exchange, attempt)

        @hookimpl
        def open_filter(self, exchange, attempt):
            return act("open_filter", exchange, attempt)

        @hookimpl
        async def post_response(self, exchange, response):
            return act("post_response", exchange, response)

        @hookimpl
        async def after_attempt(self, exchange, attempt):
            return act("after_attempt", exchange, attempt)

        @hookimpl
        async def on_complete(self, exchange):
            return act("on_complete", exchange)

        @hookimpl
        def on_event(self, event):
            return act("on_event", event)

        @hookimpl
        async def settle_event(self, event):
            return act("settle_event", event)

        @hookimpl
        async def recall(self, request_id):
            return act("recall", request_id)

        @hookimpl
        async def erase_subject(self, subject):
            return act("erase_subject", subject)

    Recording.phase = phase
    return FoundPlugin(name=name, cls=Recording)


def raises(exc: Exception):
    """
    Return an action that raises *exc*.
    """

    def action(*_):
        raise exc

    return action


def hooks_of(*plugins: FoundPlugin, **policy) -> Hooks:
    """
    Freeze the chains of *plugins* under the operator's *policy*.
    """
    settings = settings_from_dict({"hooks": policy})
    return Hooks(load_plugins(settings, plugins))


def three(**inner) -> list[FoundPlugin]:
    """
    Make an outer, a middle and an inner plugin, the middle one acting as *inner* says.
    """
    return [
        recording("inner", Phase.ANSWER),
        recording("outer", Phase.OBSERVE),
        recording("middle", Phase.GOVERN, **inner),
    ]


async def test_requests_pass_outermost_first():
    """
    pre_request runs by phase, whatever the order of installation.
    """
    await hooks_of(*three()).pre_request(make_exchange())

    assert CALLS == ["outer.pre_request", "middle.pre_request", "inner.pre_request"]


@pytest.mark.parametrize(
    ("hook", "arguments"),
    [
        ("before_attempt", "attempt"),
        ("after_attempt", "attempt"),
        ("post_response", "response"),
        ("on_complete", None),
    ],
)
async def test_the_way_back_is_reversed(hook, arguments):
    """
    What surrounds an attempt and what follows it runs innermost first.
    """
    exchange = make_exchange()
    attempt = make_attempt(exchange, entered_from=0)
    more = {"attempt": attempt, "response": make_response({}), None: None}[arguments]

    await getattr(hooks_of(*three()), hook)(exchange, *([more] if more else []))

    assert CALLS == [f"{name}.{hook}" for name in ("inner", "middle", "outer")]


async def test_an_answer_turns_the_exchange_round():
    """
    Plugins inside the one that answered never know; those outside see the answer.
    """
    answer = Answer(response=make_response({}))
    hooks = hooks_of(*three(pre_request=lambda _: answer))
    exchange = make_exchange()

    given = await hooks.pre_request(exchange)
    await hooks.post_response(exchange, answer.response)
    hooks.open_filters(exchange, None)

    assert given is answer
    assert CALLS == [
        "outer.pre_request",
        "middle.pre_request",
        "outer.post_response",
        "outer.open_filter",
    ]


async def test_list_models_narrows_by_phase():
    """
    Each plugin sees what the one before left, and the trail says who changed it.
    """

    class Odd(Plugin):
        phase = Phase.IDENTIFY

        @hookimpl
        async def list_models(self, exchange, models):
            return [model for model in models if model % 2]

    class Small(Plugin):
        phase = Phase.GOVERN

        @hookimpl
        async def list_models(self, exchange, models):
            CALLS.append(f"small of {list(models)}")
            return [model for model in models if model < 4]

    exchange = make_exchange()
    plugins = [FoundPlugin(name=cls.__name__, cls=cls) for cls in (Small, Odd)]
    hooks = Hooks(load_plugins(settings_from_dict({}), plugins))

    assert tuple(await hooks.list_models(exchange, [1, 2, 3, 4, 5])) == (1, 3)
    assert CALLS == ["small of [1, 3, 5]"]
    assert [line.outcome for line in exchange.trail.lines] == ["changed", "changed"]


async def test_list_models_fails_closed():
    """
    A plugin that breaks shows nobody a list.
    """

    class Broken(Plugin):
        @hookimpl
        async def list_models(self, exchange, models):
            raise OSError

    plugins = [FoundPlugin(name="broken", cls=Broken)]
    hooks = Hooks(load_plugins(settings_from_dict({}), plugins))

    with pytest.raises(PluginFailed):
        await hooks.list_models(make_exchange(), [1])


async def test_on_complete_reaches_everybody():
    """
    Plugins inside the one that answered hear of the end too, for they are on the exchange.
    """
    hooks = hooks_of(*three(pre_request=lambda _: Answer(response=make_response({}))))
    exchange = make_exchange()
    await hooks.pre_request(exchange)
    CALLS.clear()

    await hooks.on_complete(exchange)

    assert len(CALLS) == 3


async def test_a_refusal_passes():
    """
    Refused is no failure: it goes on to the caller as it is, and stands on the trail.
    """
    refusal = Refused("no", status=403, code="model_blocked")
    hooks = hooks_of(*three(pre_request=raises(refusal)))
    exchange = make_exchange()

    with pytest.raises(Refused) as caught:
        await hooks.pre_request(exchange)

    assert caught.value is refusal
    assert exchange.trail.lines[-1][:4] == ("middle", "pre_request", "refused", "no")


async def test_another_exception_fails_closed():
    """
    A plugin's fault is 500 for the caller, who learns neither plugin nor cause.
    """
    hooks = hooks_of(*three(pre_request=raises(ValueError("canary-prompt"))))
    exchange = make_exchange()

    with pytest.raises(PluginFailed) as caught:
        await hooks.pre_request(exchange)

    assert "middle" not in str(caught.value)
    assert "canary" not in repr(exchange.trail.lines)
    assert hooks.stats["middle"].last_error.startswith("ValueError in pre_request at ")
    assert "canary" not in hooks.stats["middle"].last_error


async def test_the_operator_may_let_it_fail_open():
    """
    With on_failure open the plugin is passed by, and that is counted.
    """
    plugins = three(pre_request=raises(ValueError()))
    hooks = hooks_of(*plugins, on_failure={"middle": "open"})
    exchange = make_exchange()

    assert await hooks.pre_request(exchange) is None
    assert CALLS[-1] == "inner.pre_request"
    assert hooks.stats["middle"].failed_open == 1
    assert [line.outcome for line in exchange.trail.lines] == [
        "passed",
        "failed_open",
        "passed",
    ]


async def test_open_does_not_swallow_a_refusal():
    """
    on_failure is about faults: what a plugin refuses stays refused.
    """
    plugins = three(pre_request=raises(Blocked()))
    hooks = hooks_of(*plugins, on_failure={"middle": "open"})

    with pytest.raises(Blocked):
        await hooks.pre_request(make_exchange())


async def test_a_slow_plugin_meets_its_timeout():
    """
    timeout_s bounds one plugin's call; then the failure policy holds.
    """

    class Slow(Plugin):
        @hookimpl
        async def pre_request(self, exchange):
            await asyncio.Event().wait()

    hooks = hooks_of(FoundPlugin(name="slow", cls=Slow), timeout_s={"slow": 0.01})
    exchange = make_exchange()

    with pytest.raises(PluginFailed):
        await hooks.pre_request(exchange)

    assert exchange.trail.lines[-1].reason == "took longer than 0.01 s"


async def test_cancellation_is_nobodys_fault():
    """
    A caller who leaves cancels the hook; that is no failure of the plugin.
    """
    begun = asyncio.Event()

    class Waits(Plugin):
        @hookimpl
        async def pre_request(self, exchange):
            begun.set()
            await asyncio.Event().wait()

    hooks = hooks_of(FoundPlugin(name="waits", cls=Waits))
    task = asyncio.ensure_future(hooks.pre_request(make_exchange()))
    await begun.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert hooks.stats["waits"].errors == 0


async def test_targets_pass_every_plugin_in_turn():
    """
    choose_targets sees what the plugin before it left.
    """
    plugins = [
        recording("a", Phase.GOVERN, choose_targets=lambda _, targets: targets[1:]),
        recording("b", Phase.ROUTE, choose_targets=lambda _, targets: targets[::-1]),
    ]
    exchange = make_exchange()
    given = tuple(make_attempt(make_exchange(), model=name).target for name in "123")

    chosen = hooks_of(*plugins).choose_targets(exchange, given)

    assert [target.model for target in chosen] == ["3", "2"]
    assert [line.outcome for line in exchange.trail.lines] == ["changed", "changed"]


async def test_only_those_whose_before_attempt_returned_are_told_after():
    """
    The one that refused the target and those outside it have nothing to settle.
    """
    hooks = hooks_of(*three(before_attempt=raises(Refused("no"))))
    exchange = make_exchange()
    attempt = make_attempt(exchange)

    with pytest.raises(Refused):
        await hooks.before_attempt(exchange, attempt)
    await hooks.after_attempt(exchange, attempt)

    assert CALLS == [
        "inner.before_attempt",
        "middle.before_attempt",
        "inner.after_attempt",
    ]


async def test_cancelled_between_two_plugins_tells_the_first_only():
    """
    A caller who leaves while the second plugin waits leaves the first one to settle.
    """
    begun = asyncio.Event()

    class Waits(Plugin):
        phase = Phase.GOVERN

        @hookimpl
        async def before_attempt(self, exchange, attempt):
            begun.set()
            await asyncio.Event().wait()

        @hookimpl
        async def after_attempt(self, exchange, attempt):
            CALLS.append("waits.after_attempt")

    hooks = hooks_of(
        recording("inner", Phase.ANSWER), FoundPlugin(name="waits", cls=Waits)
    )
    exchange = make_exchange()
    attempt = make_attempt(exchange)
    task = asyncio.ensure_future(hooks.before_attempt(exchange, attempt))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await hooks.after_attempt(exchange, attempt)

    assert CALLS == ["inner.before_attempt", "inner.after_attempt"]


async def test_one_bad_settler_keeps_nobody_from_settling():
    """
    on_complete reaches all; the first error comes back, for the answer must not be served.
    """
    hooks = hooks_of(
        recording("inner", Phase.ANSWER, on_complete=raises(OSError("disk"))),
        recording("middle", Phase.GOVERN, on_complete=raises(Refused("unrecorded"))),
        recording("outer", Phase.OBSERVE),
    )

    error = await hooks.on_complete(make_exchange())

    assert isinstance(error, PluginFailed)
    assert CALLS[-1] == "outer.on_complete"


async def test_a_plugins_reason_stands_on_the_trail():
    """
    What a plugin explains while its hook runs is on its own line, and on no other.
    """
    plugins = [
        recording("a", Phase.GOVERN, pre_request=lambda x: x.explain("spent 3 of 5")),
        recording("b", Phase.INSPECT),
    ]
    exchange = make_exchange()

    await hooks_of(*plugins).pre_request(exchange)

    assert [line.reason for line in exchange.trail.lines] == ["spent 3 of 5", ""]


async def test_an_event_reaches_all_listeners():
    """
    A listener that raises hides the event from nobody.
    """
    hooks = hooks_of(*three(on_event=raises(ValueError())))

    hooks.publish(GatewayDraining(at=0.0))

    assert [call.split(".")[0] for call in CALLS] == ["outer", "middle", "inner"]
    assert hooks.stats["middle"].errors == 1


def test_an_attempt_is_settled_at_once_where_nobody_waits_for_it():
    """
    Whoever waits at the end of the exchange costs the attempts no task.
    """

    class Waits(Plugin):
        @hookimpl
        def after_attempt(self, exchange, attempt):
            return None

        @hookimpl
        async def on_complete(self, exchange):
            return None

    hooks = hooks_of(FoundPlugin(name="waits", cls=Waits))

    assert hooks.settles_attempts_at_once
    assert not hooks.settles_at_once


async def test_the_first_who_recalls_an_exchange_is_heard():
    """
    Who knows nothing, or fails, is passed over; who is inside the first that knows is not asked.
    """
    knows = hooks_of(*three(recall=lambda _: {"status": 402}))
    fails = hooks_of(*three(recall=raises(OSError())))

    assert await knows.recall("req_1") == {"status": 402}
    assert CALLS == ["outer.recall", "middle.recall"]
    assert await fails.recall("req_1") is None
    assert fails.stats["middle"].errors == 1


async def test_an_event_is_settled_by_all_and_a_refusal_is_told():
    """
    Who refuses is heard when all are done; who fails is counted, and hides nothing.
    """
    event = GatewayDraining(at=0.0)
    refusing = hooks_of(*three(settle_event=raises(Unavailable("not recorded"))))
    failing = hooks_of(*three(settle_event=raises(OSError())))

    with pytest.raises(Unavailable, match="not recorded"):
        await refusing.settle_event(event)
    assert CALLS[-1] == "inner.settle_event"
    await failing.settle_event(event)
    assert failing.stats["middle"].errors == 1


async def test_erasure_reports_and_does_not_hide_a_failure():
    """
    Everybody is asked to forget; if one could not, the operator hears of it.
    """
    good = hooks_of(*three(erase_subject=lambda _: "3 rows"))
    bad = hooks_of(*three(erase_subject=raises(OSError())))

    assert await good.erase_subject("alice") == [("middle", "3 rows")]
    with pytest.raises(PluginFailed):
        await bad.erase_subject("alice")
    assert CALLS[-1] == "inner.erase_subject"


def test_an_empty_chain_is_empty():
    """
    Without plugins there is nothing to call, nothing to open.
    """
    hooks = hooks_of()

    assert hooks.chain("pre_request") == ()
    assert hooks.open_filters(make_exchange(), None) is None
    assert not hooks.has_taps
