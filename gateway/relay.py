"""
The path of one exchange, whole and streamed.

In through the plugins in phase order, out to a provider, back through the same plugins in
reverse.  Whatever happens on the way, every plugin that was told of a beginning is told of the
end: exactly once, shielded from cancellation, before the caller sees the last byte.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import attrs
import structlog
from multidict import CIMultiDict

from gateway.attempts import Attempts, new_attempt, plan_of
from gateway.draining import DrainingOutlet
from gateway.errors import ExchangeError, Refused
from gateway.exchange import Answer, Attempt, AttemptState, Forwarder, Outcome
from gateway.flights import BEGUN, Flight, FlightOutlet
from gateway.outlets import CallerOutlet
from gateway.raised import place_of
from gateway.settlement import Settlement, charge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.exchange import Drain, Exchange
    from gateway.routing.targets import Target
    from gateway.runtime import Runtime
    from gateway.sinks import Sink
    from gateway.tasks import Tasks

log = structlog.get_logger("gateway.relay")


class Relay(Forwarder):
    """
    Relays exchanges on one settings snapshot.

    Args:
        observe: Called once per exchange, when all is settled.
    """

    def __init__(
        self, runtime: Runtime, tasks: Tasks, observe: Callable[[Exchange], None]
    ) -> None:
        self._runtime = runtime
        self._hooks = runtime.hooks
        self._tasks = tasks
        self._observe = observe

    async def run(self, exchange: Exchange, sink: Sink) -> None:
        """
        Answer *exchange* into *sink*; errors are told in the caller's dialect.

        Raises:
            asyncio.CancelledError: if the caller left; everything is settled beside it.
        """
        settlement = Settlement(self._hooks, exchange, self._tasks)
        outlet = CallerOutlet(
            exchange,
            sink,
            self._hooks,
            settlement,
            self._tasks,
            asyncio.get_running_loop(),
        )
        exchange.forwarder = self
        # A name is a credential in dry runs only.
        exchange.explained_key = None
        try:
            await self._answer(exchange, outlet, settlement)
        except asyncio.CancelledError:
            self._caller_left(exchange, outlet, settlement)
            raise
        except ConnectionError:
            self._caller_left(exchange, outlet, settlement)
            return
        self._observe(exchange)

    async def _answer(
        self, exchange: Exchange, outlet: CallerOutlet, settlement: Settlement
    ) -> None:
        try:
            answer = None
            if self._hooks.has_pre_request:
                answer = await self._hooks.pre_request(exchange)
            if answer is not None:
                _give(exchange)
                await outlet.answer(answer)
            elif exchange.drain is not None:
                await self._outlive(exchange, exchange.drain, outlet, settlement)
            else:
                await Attempts(self._runtime, exchange, outlet, settlement).run()
        except ExchangeError as error:
            await outlet.fail(error)
        except ConnectionError:
            raise
        except Exception as exc:  # noqa: BLE001 - the caller is told something all the same
            log_fault("exchange failed", exchange.id, exc)
            await outlet.fail(ExchangeError())

    async def _outlive(
        self,
        exchange: Exchange,
        drain: Drain,
        outlet: CallerOutlet,
        settlement: Settlement,
    ) -> None:
        """
        Try in a task of its own, which a caller who leaves does not end at once.

        Raises:
            ConnectionError: if the caller had left when it ended.
        """
        draining = DrainingOutlet(outlet, drain)
        attempts = Attempts(self._runtime, exchange, draining, settlement)
        work = self._tasks.spawn(attempts.run(), name="attempts")
        draining.runs_as(work)
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            draining.leave()
            settlement.drains(work)
            raise
        if draining.is_alone:
            msg = "the caller left while the provider answered"
            raise ConnectionResetError(msg)

    def _caller_left(
        self, exchange: Exchange, outlet: CallerOutlet, settlement: Settlement
    ) -> None:
        if not settlement.is_complete:
            exchange.outcome = Outcome.LEFT
        self._tasks.spawn(
            self._settle_left(exchange, outlet, settlement), name="caller left"
        )

    async def _settle_left(
        self, exchange: Exchange, outlet: CallerOutlet, settlement: Settlement
    ) -> None:
        await settlement.drained()
        await outlet.left()
        # Which others may keep in the air; who began them pays, and is told what.
        for flight in exchange.stash.get(BEGUN, []):
            await flight.ended()
        await settlement.complete()
        self._observe(exchange)

    # --- targets ----------------------------------------------------------------------------

    def goes_straight(self, exchange: Exchange) -> bool:
        """
        See `Exchange.goes_straight`.
        """
        return exchange.at >= self._hooks.innermost

    def targets(self, exchange: Exchange, name: str) -> Sequence[Target]:
        """
        See `Exchange.targets`.
        """
        return self._runtime.router.resolve(
            name, exchange.operation, exchange.dialect.name
        )

    def offers(self, exchange: Exchange, name: str) -> Sequence[Target]:
        """
        See `Exchange.offers`.
        """
        return self._runtime.router.offers(
            name, exchange.operation, exchange.dialect.name
        )

    # --- flights ----------------------------------------------------------------------------

    def forward(self, exchange: Exchange) -> Flight:
        """
        See `Exchange.forward`.
        """
        if exchange.dry_run:
            msg = "forward() would ask a provider, which a dry run does not"
            raise RuntimeError(msg)
        inner = attrs.evolve(
            exchange,
            request=exchange.request.fork(),
            stash=exchange.stash,
            trail=exchange.trail,
            attempts=exchange.attempts,
            # It is the caller's plugin's, which has not ended its step.
            reason="",
        )
        flight = Flight(inner)
        settlement = Settlement(self._hooks, inner, self._tasks)
        outlet = FlightOutlet(flight, self._hooks, exchange.at)
        task = self._tasks.spawn(
            self._fly(flight, outlet, settlement), name=f"flight {exchange.id}"
        )
        flight.runs_as(task)
        exchange.stash[BEGUN] = [*exchange.stash.get(BEGUN, []), flight]
        return flight

    async def _fly(
        self, flight: Flight, outlet: FlightOutlet, settlement: Settlement
    ) -> None:
        exchange = flight.exchange
        try:
            await Attempts(self._runtime, exchange, outlet, settlement, flight).run()
        except ExchangeError as error:
            flight.fail(error)
        except Exception as exc:  # noqa: BLE001 - its followers are told
            log_fault("flight failed", exchange.id, exc)
            flight.fail(ExchangeError())
        finally:
            for attempt in exchange.attempts:
                if attempt.flight is flight:
                    await settlement.attempt(attempt)

    async def join(
        self,
        exchange: Exchange,
        flight: Flight,
        charge_of: Callable[[int], int] | None,
    ) -> Answer:
        """
        See `Exchange.join`.
        """
        answer = await flight.answer()
        if flight.target is None:
            return answer
        # What the provider could not be told, every follower's answer lacks.
        exchange.losses = flight.exchange.losses
        if charge_of is None or not flight.is_over:
            await self._join(
                exchange, flight.target, flight=flight, charge_of=charge_of
            )
        else:
            nano = charge_of(flight.cost_nano or 0)
            await self._join(exchange, flight.target, flight=flight, charge_nano=nano)
        return answer

    async def answered_by(
        self, exchange: Exchange, target: Target, charge_nano: int
    ) -> None:
        """
        See `Exchange.answered_by`.
        """
        await self._join(exchange, target, charge_nano=charge_nano)

    async def _join(
        self,
        exchange: Exchange,
        target: Target,
        *,
        flight: Flight | None = None,
        charge_nano: int = 0,
        charge_of: Callable[[int], int] | None = None,
    ) -> None:
        attempt = Attempt(
            number=len(exchange.attempts) + 1,
            target=target,
            request=exchange.request.fork(),
            headers=CIMultiDict(),
            joined=True,
            charge_nano=charge_nano,
            charge_of=charge_of,
            flight=flight,
        )
        exchange.attempts.append(attempt)
        if self._hooks.has_before_attempt:
            await self._hooks.before_attempt(exchange, attempt)
        else:
            attempt.entered_from = 0

    # --- explaining -------------------------------------------------------------------------

    async def explain(self, exchange: Exchange) -> dict[str, Any]:
        """
        Run the way in without going anywhere: nothing is sent, nothing is counted.

        Returns:
            What was decided, as JSON values.
        """
        exchange.dry_run = True
        exchange.forwarder = self
        verdict: dict[str, Any] = {"request_id": exchange.id}
        try:
            answer = await self._hooks.pre_request(exchange)
            if answer is None:
                verdict["targets"] = await self._explain_targets(exchange)
            else:
                position = exchange.turned_at
                verdict["answered_by"] = self._hooks.plugins[position].name
        except ExchangeError as error:
            verdict |= _as_verdict(error)
        verdict["trail"] = exchange.trail.as_list()
        return verdict

    async def _explain_targets(self, exchange: Exchange) -> list[dict[str, Any]]:
        plan = plan_of(self._runtime, exchange)
        described = []
        for target, health in plan.preview():
            line: dict[str, Any] = {
                "target": target.name,
                "key": target.key,
                "dialect": target.dialect,
                "translated": target.dialect != exchange.dialect.name,
                "source": target.source,
                "health": health,
            }
            attempt = new_attempt(self._runtime, exchange, target)
            try:
                await self._hooks.before_attempt(exchange, attempt)
            except ExchangeError as error:
                line |= _as_verdict(error)
                if isinstance(error, Refused) and error.ends:
                    described.append(line)
                    break
            finally:
                await self._hooks.after_attempt(exchange, attempt)
            described.append(line)
        return described


def _give(exchange: Exchange) -> None:
    """
    Let the attempt count by which a plugin has its answer, if it has it from another exchange.

    Not before: a plugin may find that it cannot give what it was let have.  An answer from a
    flight that this exchange began lacks what that one lost.
    """
    for flight in exchange.stash.get(BEGUN, ()):
        exchange.losses = exchange.losses or flight.exchange.losses
    attempt = exchange.attempt
    if attempt is None or not attempt.joined:
        return
    attempt.state = AttemptState.ANSWERED
    charge(exchange, attempt)


def log_fault(what: str, request_id: str, exc: Exception) -> None:
    """
    Log a fault of our own: its type and place, for its text may hold a prompt.
    """
    log.error(what, request_id=request_id, error=type(exc).__name__, at=place_of(exc))


def _as_verdict(error: ExchangeError) -> dict[str, Any]:
    return {"refused": {"status": error.status, "code": error.code, "why": str(error)}}
