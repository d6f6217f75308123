"""
One request, from its first byte to the last of its answer.
"""

from __future__ import annotations

import asyncio
import email.utils
from collections.abc import Callable, Iterable
from typing import Any

import attrs
import orjson
from aiohttp import web

from gateway.testing.fake.answer import Answer, compose
from gateway.testing.fake.ask import Body
from gateway.testing.fake.bill import Charge, Departure, SeenRequest
from gateway.testing.fake.canned import CannedAnswers, asks_for_stream
from gateway.testing.fake.delivery import Delivery
from gateway.testing.fake.errors import Vendor, VendorError, bad_request, error_body
from gateway.testing.fake.frames import Event, Frame, to_frames
from gateway.testing.fake.model_list import list_models, show_model
from gateway.testing.fake.operation import Operation
from gateway.testing.fake.routes import (
    BILL_PATH,
    find_model,
    find_operation,
    vendor_of,
)
from gateway.testing.fake.script import Script
from gateway.testing.fake.script_file import SCRIPT_HEADER
from gateway.testing.fake.state import Account, Records, Scripts
from gateway.testing.fake.tokens import tokens_of

__all__ = ["Visit"]

_JSON = "application/json"
_EVENTS = "text/event-stream; charset=utf-8"
_NO_SCRIPT = Script()
_REASONS = {
    401: "Incorrect API key provided.",
    404: "No such resource.",
    429: "Rate limit reached. Please try again later.",
    500: "The server had an error while answering your request.",
    503: "The server is overloaded or not ready yet.",
    529: "Overloaded",
}


@attrs.define(eq=False)
class Visit:
    """
    Answers one request, and sees to it that it is charged once.
    """

    request: web.BaseRequest
    account: Account
    scripts: Scripts
    records: Records
    canned: CannedAnswers
    is_closing: Callable[[], bool]
    number: int

    vendor: Vendor = Vendor.OPENAI
    operation: Operation | None = None
    model: str = ""
    script: Script = _NO_SCRIPT
    answer: Answer | None = None
    delivery: Delivery | None = None
    charged: Charge | None = None
    id: str = attrs.field(init=False)  # in the answer's headers and on the bill

    def __attrs_post_init__(self) -> None:
        self.id = f"req_fake{self.number:08d}"

    async def run(self) -> web.StreamResponse:
        """
        Answer, or refuse as the vendor does.
        """
        try:
            return await self._answer()
        except VendorError as error:
            return self._refuse(error)
        except (asyncio.CancelledError, ConnectionError):
            await self._break_off()
            # The server takes it from here: the connection is gone.
            raise asyncio.CancelledError from None

    async def _answer(self) -> web.StreamResponse:
        request = self.request
        path = request.raw_path.partition("?")[0]
        self.vendor = vendor_of(path, request.headers)
        body = await self._read()
        if path == BILL_PATH and request.method == "GET":
            return self._show_bill()
        self._see(body)
        self._authenticate()
        name = find_model(request.method, path)
        if name is not None:
            return self._show_models(name)
        self.operation = find_operation(request.method, path)
        if self.scripts.default.canned:
            self.script = self.scripts.default
            return await self._send_canned(self.operation, body)
        document = self._parse(body)
        model = document.get("model")
        self.model = model if isinstance(model, str) else ""
        self.script = self.scripts.choose(request.headers.get(SCRIPT_HEADER), model)
        return await self._follow_script(self.operation, document, body)

    async def _read(self) -> bytes:
        request = self.request
        try:
            if request.content.is_eof():  # all of it came: no need to time it
                return await request.read()
            async with asyncio.timeout(self.account.patience_s):
                return await request.read()
        except web.HTTPRequestEntityTooLarge:
            raise VendorError(413, "Request exceeds the maximum size.") from None
        except TimeoutError:
            raise VendorError(408, "The request body came too slowly.") from None

    def _see(self, body: bytes) -> None:
        request = self.request
        self.records.saw(
            SeenRequest(
                id=self.id,
                method=request.method,
                path=request.raw_path,
                headers=request.headers,
                body=body,
                at=self.account.clock(),
            )
        )

    def _authenticate(self) -> None:
        """
        Check the credential where this vendor looks for it.
        """
        headers = self.request.headers
        is_anthropic = self.vendor is Vendor.ANTHROPIC
        if is_anthropic and "anthropic-version" not in headers:
            raise bad_request("anthropic-version: header is required")
        if self.account.keys is None:
            return
        scheme, _, key = headers.get("authorization", "").partition(" ")
        key = key.strip() if scheme.lower() == "bearer" else ""
        if is_anthropic:
            key = headers.get("x-api-key", key)
        if not key:
            name = "x-api-key" if is_anthropic else "Authorization"
            kind = None if is_anthropic else "invalid_request_error"
            raise VendorError(401, f"No API key: the {name} header is missing.", kind)
        if key not in self.account.keys:
            raise VendorError(
                401, "invalid x-api-key" if is_anthropic else _REASONS[401]
            )

    def _parse(self, body: bytes) -> Body:
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise bad_request("The body of your request is not valid JSON.") from None
        if not isinstance(document, dict):
            raise bad_request("The body of your request is not a JSON object.")
        return document

    async def _follow_script(
        self, operation: Operation, document: Body, body: bytes
    ) -> web.StreamResponse:
        script = self.script
        if script.canned:
            return await self._send_canned(operation, body)
        if script.hang_up or script.silent:
            delivery = self._deliver(operation, _JSON)
            await (delivery.cut() if script.hang_up else delivery.stay_silent())
        if script.raw_body is not None:
            raw = script.raw_body.encode()
            return await self._deliver(operation, _JSON).send_whole(raw)
        if script.status >= 400:
            return await self._fail(operation)
        self._check_model()
        ask = operation.read(document, self.account.rules)
        seal = self.account.rules.seal
        answer = self.answer = compose(ask, script, number=self.number, seal=seal)
        if ask.is_stream and operation.events is not None:
            frames = to_frames(operation.events(answer), script, operation.ping)
            return await self._send_stream(operation, frames)
        whole = orjson.dumps(operation.whole(answer))
        return await self._deliver(operation, _JSON).send_whole(whole)

    def _check_model(self) -> None:
        models = self.account.models
        if models is None or not self.model or self.model in models:
            return
        if self.vendor is Vendor.ANTHROPIC:
            raise VendorError(404, f"model: {self.model}")
        raise VendorError(
            404,
            f"The model `{self.model}` does not exist or you do not have access to it.",
            type="invalid_request_error",
            code="model_not_found",
        )

    async def _fail(self, operation: Operation) -> web.StreamResponse:
        error = self._scripted_error(self.script.status)
        delivery = self._deliver(operation, _JSON)
        return await delivery.send_whole(error_body(self.vendor, error, self.id))

    def _scripted_error(self, status: int) -> VendorError:
        script = self.script
        return VendorError(
            status,
            script.error_message or _REASONS.get(status, f"Error {status}."),
            type=script.error_type,
            code=script.error_code,
        )

    async def _send_canned(
        self, operation: Operation, body: bytes
    ) -> web.StreamResponse:
        is_stream = operation.events is not None and asks_for_stream(body)
        canned = self.canned.find(self.script, operation.name, is_stream)
        if canned is None:
            document = self._parse(body)
            ask = operation.read(document, self.account.rules)
            seal = self.account.rules.seal
            answer = compose(ask, self.script, number=self.number, seal=seal)
            canned = self.canned.write(self.script, operation, answer, is_stream)
        self.answer = canned.answer
        self.model = canned.answer.ask.model
        if canned.frames is not None:
            return await self._send_stream(operation, canned.frames)
        return await self._deliver(operation, _JSON).send_whole(canned.body)

    async def _send_stream(
        self, operation: Operation, frames: Iterable[Frame]
    ) -> web.StreamResponse:
        return await self._deliver(operation, _EVENTS).send_stream(frames)

    def _deliver(self, operation: Operation, content_type: str) -> Delivery:
        script = self.script
        content_type = script.content_type or content_type
        headers = {"Content-Type": content_type, **self._id_header()}
        if script.retry_after_s is not None:
            name, value = self._retry_after(script, script.retry_after_s)
            headers[name] = value
        headers.update(script.headers)
        self.delivery = Delivery(
            request=self.request,
            script=script,
            headers=headers,
            patience_s=self.account.patience_s,
            clock=self.account.clock,
            settle=self._settle,
            on_error=self._error_maker(operation),
        )
        return self.delivery

    def _id_header(self) -> dict[str, str]:
        is_anthropic = self.vendor is Vendor.ANTHROPIC
        return {"request-id" if is_anthropic else "x-request-id": self.id}

    def _retry_after(self, script: Script, seconds: float) -> tuple[str, str]:
        match script.retry_after_as:
            case "milliseconds":
                return "retry-after-ms", f"{seconds * 1000:.0f}"
            case "date":
                when = self.account.wall_clock() + seconds
                return "retry-after", email.utils.formatdate(when, usegmt=True)
            case "seconds":
                return "retry-after", f"{seconds:g}"

    def _error_maker(self, operation: Operation) -> Callable[[int], Event] | None:
        write, answer = operation.error_event, self.answer
        if write is None or answer is None:
            return None
        status = self.script.status if self.script.status >= 400 else 500
        return lambda sent: write(answer, self._scripted_error(status), sent)

    def _refuse(self, error: VendorError) -> web.StreamResponse:
        """
        Answer a request that was found wrong.
        """
        self._charge(status=error.status, finished=True)
        return web.Response(
            status=error.status,
            body=error_body(self.vendor, error, self.id),
            headers={"Content-Type": _JSON, **self._id_header()},
        )

    def _show_models(self, name: str) -> web.StreamResponse:
        known = self.account.models
        names = known or tuple(self.scripts.by_model) or ("fake-model",)
        if not name:
            return _json_response(list_models(self.vendor, names))
        if known is not None and name not in known:
            raise VendorError(404, f"The model `{name}` does not exist.")
        return _json_response(show_model(self.vendor, name))

    def _show_bill(self) -> web.StreamResponse:
        charges = [attrs.asdict(charge) for charge in self.records.bill]
        return _json_response({**self.records.describe(), "bill": charges})

    async def _break_off(self) -> None:
        """
        Charge what was generated when the connection went, whoever ended it.
        """
        delivery = self.delivery
        if delivery is not None and delivery.is_finished:
            return
        has_left = not self.is_closing() and not (delivery and delivery.was_cut)
        if has_left:
            sent = delivery.events_sent if delivery else 0
            self.records.departed(
                Departure(request_id=self.id, at=self.account.clock(), events_sent=sent)
            )
        try:
            if has_left and delivery is not None and self.script.bills_on:
                _take_back_cancellation()
                await delivery.generate_on()
        finally:
            self._charge(client_left=has_left)

    def _settle(self, finished: bool) -> None:
        self._charge(finished=finished)

    def _charge(
        self,
        *,
        status: int | None = None,
        finished: bool = False,
        client_left: bool = False,
    ) -> None:
        """
        Put this request on the bill, or correct what stands there.
        """
        name = "" if self.operation is None else self.operation.name
        sent = 0 if self.delivery is None else self.delivery.events_sent
        charge = Charge(
            model=self.model,
            operation=name,
            request_id=self.id,
            status=self.script.status if status is None else status,
            events_sent=sent,
            finished=finished,
            client_left=client_left,
            at=self.account.clock(),
            **self._spent(finished=finished, client_left=client_left),
        )
        self.records.charge(charge, self.charged)
        self.charged = charge

    def _spent(self, *, finished: bool, client_left: bool) -> dict[str, int]:
        answer, operation = self.answer, self.operation
        if answer is None or operation is None or operation.is_free:
            return {}
        tokens = answer.tokens
        generated = 0
        if self.delivery is not None:
            generated = tokens_of(self.delivery.bytes_generated)
        output = tokens.output
        if self.script.never_end:
            output = generated
        elif not finished and not (client_left and self.script.bills_on):
            output = min(output, generated)
        return {
            "input_tokens": tokens.input,
            "cached_tokens": tokens.cached,
            "cache_write_tokens": tokens.cache_write,
            "output_tokens": output,
        }


def _json_response(document: dict[str, Any]) -> web.Response:
    return web.Response(body=orjson.dumps(document), content_type=_JSON)


def _take_back_cancellation() -> None:
    """
    Let this task wait again: the vendor does not stop because the caller did.
    """
    task = asyncio.current_task()
    while task is not None and task.cancelling():
        task.uncancel()
