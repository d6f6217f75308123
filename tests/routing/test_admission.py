from __future__ import annotations

import asyncio
from timeit import repeat

import pytest

from gateway.errors import UpstreamBusy
from gateway.routing import admission as module
from gateway.routing.admission import Admission

LONG_S = 60.0


async def settle() -> None:
    """
    Let every task that can run do so.
    """
    for _ in range(5):
        await asyncio.sleep(0)


class TestFree:
    async def test_a_free_place_is_taken_at_once(self):
        """
        While places are free nobody waits.
        """
        admission = Admission("openai", 2, LONG_S)

        assert admission.try_enter()
        await admission.enter()

        assert (admission.in_use, admission.try_enter()) == (2, False)

    async def test_a_place_comes_back(self):
        """
        What was given back may be taken again.
        """
        admission = Admission("openai", 1, LONG_S)

        for _ in range(3):
            async with admission:
                assert admission.in_use == 1

        assert admission.in_use == 0

    async def test_a_place_comes_back_after_an_error(self):
        """
        An attempt that fails gives its place back.
        """
        admission = Admission("openai", 1, LONG_S)

        with pytest.raises(ZeroDivisionError):
            async with admission:
                1 / 0  # noqa: B018

        assert admission.in_use == 0


class TestWaiting:
    async def test_waits_for_a_place(self):
        """
        Who comes too early gets the place that is given back.
        """
        admission = Admission("openai", 1, LONG_S)
        await admission.enter()
        waiting = asyncio.create_task(admission.enter())
        await settle()
        assert not waiting.done()

        admission.leave()
        await waiting

        assert (admission.in_use, admission.waiting) == (1, 0)

    async def test_first_come_first_served(self):
        """
        Places are given in the order of arrival; who comes last cannot overtake.
        """
        admission = Admission("openai", 1, LONG_S)
        await admission.enter()
        served: list[int] = []

        async def visit(number: int) -> None:
            async with admission:
                served.append(number)

        tasks = [asyncio.create_task(visit(number)) for number in range(5)]
        await settle()
        admission.leave()
        assert not admission.try_enter()
        await asyncio.gather(*tasks)

        assert served == [0, 1, 2, 3, 4]

    async def test_waits_for_a_bounded_time(self):
        """
        After the queue timeout the caller hears 503 with the provider's name.
        """
        admission = Admission("openai", 1, 0.01)
        await admission.enter()

        with pytest.raises(UpstreamBusy, match="openai") as caught:
            await admission.enter()

        assert caught.value.status == 503
        assert caught.value.retry_after_s
        assert (admission.in_use, admission.waiting) == (1, 0)

    @pytest.mark.parametrize(
        ("timeout_s", "wanted_s"), [(0.0, None), (LONG_S, 0.0), (LONG_S, 0.01)]
    )
    async def test_waits_no_longer_than_the_caller(self, timeout_s, wanted_s):
        """
        The shorter of queue timeout and time left holds; without any nobody waits.
        """
        admission = Admission("openai", 1, timeout_s)
        await admission.enter()

        with pytest.raises(UpstreamBusy):
            await admission.enter(wanted_s)

    async def test_the_line_is_bounded(self, monkeypatch):
        """
        Beyond the longest line a request is turned away at once.
        """
        monkeypatch.setattr(module, "MAX_WAITING", 2)
        admission = Admission("openai", 1, LONG_S)
        await admission.enter()
        tasks = [asyncio.create_task(admission.enter()) for _ in range(2)]
        await settle()

        with pytest.raises(UpstreamBusy):
            await asyncio.wait_for(admission.enter(), 5.0)

        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert admission.waiting == 0


class TestCancellation:
    async def test_who_leaves_the_line_takes_no_place(self):
        """
        A caller that left while waiting is passed over.
        """
        admission = Admission("openai", 1, LONG_S)
        await admission.enter()
        first, second = (asyncio.create_task(admission.enter()) for _ in range(2))
        await settle()

        first.cancel()
        await settle()
        admission.leave()
        await second

        assert (admission.in_use, admission.waiting) == (1, 0)

    async def test_a_place_given_in_the_moment_of_leaving_goes_on(self):
        """
        Cancelled between the gift and waking up, a caller hands its place on.
        """
        admission = Admission("openai", 1, LONG_S)
        await admission.enter()
        first, second = (asyncio.create_task(admission.enter()) for _ in range(2))
        await settle()

        admission.leave()  # given to the first, who has not woken up yet
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await second
        admission.leave()

        assert (admission.in_use, admission.waiting) == (0, 0)

    async def test_a_place_given_in_the_moment_of_giving_up_is_kept(self):
        """
        Who was given a place just before its time was over has it.
        """
        admission = Admission("openai", 1, LONG_S)
        await admission.enter()
        waiting = asyncio.create_task(admission.enter())
        await settle()
        (future,) = admission._waiting

        admission.leave()
        module._give_up(future)
        await waiting

        assert admission.in_use == 1

    @pytest.mark.parametrize("limit", [1, 3, 10])
    async def test_no_place_is_lost(self, rng, limit):
        """
        Whatever mixture of visits, cancellations and timeouts: in the end all is free.
        """
        admission = Admission("openai", limit, 0.005)
        most = 0

        async def visit() -> None:
            nonlocal most
            async with admission:
                most = max(most, admission.in_use)
                for _ in range(rng.randrange(6)):
                    await asyncio.sleep(0)

        tasks = []
        for _ in range(2_000):
            tasks.append(asyncio.create_task(visit()))
            if rng.random() < 0.5:
                rng.choice(tasks[-20:]).cancel()
            if rng.random() < 0.3:
                await asyncio.sleep(0)
            if rng.random() < 0.02:
                await asyncio.sleep(0.002)
        ends = await asyncio.gather(*tasks, return_exceptions=True)

        assert (admission.in_use, admission.waiting) == (0, 0)
        assert most == limit
        kinds = {type(end) for end in ends}
        assert kinds <= {type(None), asyncio.CancelledError, UpstreamBusy}
        assert {type(None), asyncio.CancelledError} <= kinds


class TestResize:
    async def test_more_places_let_the_line_in(self):
        """
        A reload that raises the limit serves who is waiting, in order.
        """
        admission = Admission("openai", 1, LONG_S)
        await admission.enter()
        tasks = [asyncio.create_task(admission.enter()) for _ in range(3)]
        await settle()

        admission.resize(3, LONG_S)
        await settle()

        assert [task.done() for task in tasks] == [True, True, False]
        await asyncio.gather(*tasks[:2])
        admission.leave()
        await tasks[2]
        assert admission.in_use == 3

    async def test_fewer_places_take_none_away(self):
        """
        Under a lower limit who is in may finish, and nobody follows until it is kept.
        """
        admission = Admission("openai", 3, LONG_S)
        for _ in range(3):
            await admission.enter()
        waiting = asyncio.create_task(admission.enter())
        await settle()

        admission.resize(1, LONG_S)
        admission.leave()
        admission.leave()
        await settle()
        assert (admission.in_use, waiting.done()) == (1, False)

        admission.leave()
        await waiting
        assert admission.in_use == 1


@pytest.mark.deep
async def test_a_free_place_costs_next_to_nothing():
    """
    Taking and giving back a free place takes well below ten microseconds.
    """
    admission = Admission("openai", 10, LONG_S)

    def visit() -> None:
        admission.try_enter()
        admission.leave()

    assert min(repeat(visit, number=1_000, repeat=5)) / 1_000 < 10e-6
