"""
Asking a running gateway's management API: for commands, the plugins' among them.

A command takes its options from here, so that all commands of this kind are used alike::

    @click.command()
    @client_options
    def bells(url: str, token: str | None, *, as_json: bool, quiet: bool) -> None:
        document = Client(url, token).get("/api/bells", {"limit": 10})
        if as_json:
            write_json(document)
        elif not quiet:
            print_table(("name", "rings"), [(one["name"], one["rings"]) for one in ...])

What goes wrong is a `click.ClickException` with its exit code: 1 where the gateway says no, 3 where
it cannot be reached.
"""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import attrs
import click

from gateway import codec
from gateway.clock import SystemClock, read_span, utc_text
from gateway.settings.values import Address, read_url

DEFAULT_URL: Final = "http://127.0.0.1:8080"
__all__ = [
    "Client",
    "Rejected",
    "Unreachable",
    "ago",
    "client_options",
    "json_option",
    "print_table",
    "printable",
    "quiet_option",
    "step",
    "token_option",
    "url_option",
    "write_json",
]

MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
TIMEOUT_S: Final = 30.0

F = TypeVar("F", bound=Callable[..., Any])

url_option = click.option(
    "--url",
    envvar="GATEWRIGHT_URL",
    show_envvar=True,
    default=DEFAULT_URL,
    show_default=True,
    help="The admin URL.",
)
token_option = click.option(
    "--token",
    envvar="GATEWRIGHT_TOKEN",
    show_envvar=True,
    help="An admin's or viewer's token.",
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Write one JSON document."
)
quiet_option = click.option(
    "-q", "--quiet", is_flag=True, help="Say only what is wrong."
)


def client_options(command: F) -> F:
    """
    Give *command* the options of all that ask a running gateway.
    """
    for option in (quiet_option, json_option, token_option, url_option):
        command = option(command)
    return command


class Unreachable(click.ClickException):
    """
    The gateway cannot be asked; says why.
    """

    exit_code = 3

    def show(self, file: Any = None) -> None:
        """
        Say so in one line.
        """
        click.echo(f"error: {self.format_message()}", err=True)


class Rejected(click.ClickException):
    """
    The gateway answered no; says what it said.

    Attributes:
        status: HTTP's.
        problems: Everything that was wrong with the settings, where that was it.
    """

    exit_code = 1

    def __init__(self, status: int, message: str, problems: tuple[str, ...]) -> None:
        super().__init__(message)
        self.status = status
        self.problems = problems

    def show(self, file: Any = None) -> None:
        """
        Say so, one line for each problem.
        """
        for line in self.problems or (self.format_message(),):
            click.echo(f"error: {line}", err=True)


@attrs.frozen
class Client:
    """
    Talks to the gateway at *url* with *token*.
    """

    url: str
    token: str | None = attrs.field(default=None, repr=False)

    def get(
        self, path: str, query: Mapping[str, object] | None = None
    ) -> dict[str, Any]:
        """
        Get the JSON object at *path*.

        Args:
            query: Parameters; those that are None are left out.

        Raises:
            Unreachable: Nobody answers, or no gateway.
            Rejected: The gateway said no.
        """
        told = {name: one for name, one in (query or {}).items() if one is not None}
        return self._ask("GET", path + (f"?{urlencode(told)}" if told else ""), None)

    def post(self, path: str, document: Any) -> dict[str, Any]:
        """
        Post *document* to *path*; as `get`.
        """
        return self._ask("POST", path, codec.dumps(document))

    def put(self, path: str, document: Any) -> dict[str, Any]:
        """
        Put *document* at *path*; as `get`.
        """
        return self._ask("PUT", path, codec.dumps(document))

    def delete(self, path: str) -> dict[str, Any]:
        """
        Delete what is at *path*; as `get`.
        """
        return self._ask("DELETE", path, b"{}")

    def trace(self, request_id: str) -> dict[str, Any]:
        """
        Get what became of a request; as `get`.
        """
        return self.get(f"/api/explain/{step(request_id)}")

    def _ask(self, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        try:
            host = read_url(self.url).hostname or ""
        except ValueError as exc:
            raise Unreachable(f"the URL {exc}") from None
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        # The scheme was checked: file:// and the like are none of the two that may be.
        request = urllib.request.Request(  # noqa: S310
            self.url.rstrip("/") + path, data=body, headers=headers, method=method
        )
        try:
            with _opener(host).open(request, timeout=TIMEOUT_S) as answer:
                raw: bytes = answer.read(MAX_ANSWER_BYTES + 1)
        except urllib.error.HTTPError as exc:
            with exc:
                raise self._rejected(exc.code, exc.read(MAX_ANSWER_BYTES)) from None
        except (OSError, http.client.HTTPException, ValueError) as exc:
            reason = getattr(exc, "reason", exc)
            raise Unreachable(f"{self.url} cannot be reached: {reason}") from None
        return self._object(raw)

    def _object(self, raw: bytes) -> dict[str, Any]:
        try:
            document = codec.read(raw) if len(raw) <= MAX_ANSWER_BYTES else None
        except codec.JsonError:
            document = None
        if not isinstance(document, dict):
            raise Unreachable(f"{self.url} is no gateway: it answered no JSON object")
        return document

    def _rejected(self, status: int, raw: bytes) -> click.ClickException:
        try:
            error = self._object(raw).get("error")
        except Unreachable:
            error = None
        if not isinstance(error, dict) or not isinstance(error.get("message"), str):
            return Unreachable(f"{self.url} answered {status}: is it the admin URL?")
        message = error["message"]
        if status == 401:
            message += " Give --token or GATEWRIGHT_TOKEN."
        problems = tuple(
            _problem(problem)
            for problem in error.get("problems") or ()
            if isinstance(problem, dict)
        )
        return Rejected(status, message, problems)


def _problem(problem: dict[str, Any]) -> str:
    place = " ".join(str(problem[key]) for key in ("where", "path") if problem.get(key))
    message = str(problem.get("message", ""))
    return f"{place}: {message}" if place else message


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """
    Stays where it was told: a redirect would carry the token elsewhere.
    """

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """
        Follow none.
        """


def _opener(host: str) -> urllib.request.OpenerDirector:
    # This machine is never behind the proxy that the environment names.
    is_local = Address(host, 0).is_loopback
    proxies = urllib.request.ProxyHandler({} if is_local else None)
    return urllib.request.build_opener(proxies, _NoRedirects)


def step(text: str) -> str:
    """
    Write *text* as one step of a path, whatever stands in it.
    """
    return quote(text, safe="")


def ago(text: str) -> str:
    """
    Write the time that is as long ago as *text*, ``7d``, says; never one before 1970.

    Raises:
        ValueError: It is no span: see `gateway.clock.read_span`.
    """
    return utc_text(max(0.0, SystemClock().now() - read_span(text)))


def write_json(document: Any) -> None:
    """
    Write *document* as one line of JSON.
    """
    click.echo(codec.dumps(document).decode())


def print_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """
    Write *rows* in columns, numbers to the right; a cell without anything is ``-``.

    Without a *head*, rows alone.  Where there are no rows, ``none`` is all that is written.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    if not cells:
        click.echo("none")
        return
    numeric = [all(map(_is_number, column)) for column in zip(*cells, strict=True)]
    table = [list(head), *cells] if head else cells
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        columns = (
            text.rjust(width) if is_number else text.ljust(width)
            for text, width, is_number in zip(row, widths, numeric, strict=True)
        )
        click.echo("  ".join(columns).rstrip())


def printable(text: str) -> str:
    """
    Write *text* so that what somebody else named does nothing to this terminal.
    """
    return "".join(each if each.isprintable() else "?" for each in text)


def _cell(value: object) -> str:
    if value is None or value == "":
        return "-"
    return printable(f"{value:g}" if isinstance(value, float) else str(value))


def _is_number(text: str) -> bool:
    return text == "-" or text.replace(".", "").replace("-", "").isdigit()
