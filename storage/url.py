"""Storage URLs: whatever libpq takes, the form that programs are given, and the form that may be printed."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode

import psycopg2
from psycopg2.extensions import parse_dsn

from storage.errors import UsageError

SCHEMES = ("postgresql+psycopg2", "postgresql", "postgres")
SECRETS = ("password", "sslpassword")
SETTING = re.compile(r"\s*[a-z_]+\s*=")
"""How libpq's other form begins: `host=… dbname=…`, or `service=…`."""
URL = re.compile(r"(?:([^/@]*)@)?([^/?]*)(?:/([^?]*))?(?:\?(.*))?", re.DOTALL)
"""USER:PASSWORD, hosts, database, options: split where libpq splits them."""
BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
ENCODE = "write / @ % and spaces in a password percent-encoded: %2F %40 %25 %20"
SHORTEST_SECRET = 4
"""A shorter password is taken out of a text only where its place says what it is: it may be part of any word."""


class _Parts(NamedTuple):
    """A URL's parts as libpq reads them, decoded but for the hosts."""

    user: str
    password: str | None
    hosts: str
    """HOST:PORT, several with commas between them."""
    database: str
    options: Sequence[tuple[str, str]]

    def text(self, scheme: str, safe: str = "") -> str:
        """The URL, encoded so that every reader finds the same parts in it; `safe` characters of options stay."""
        login = quote(self.user, safe="")
        if self.password is not None:
            login += f":{'***' if self.password == '***' else quote(self.password, safe='')}"
        at = "@" if self.user or self.password is not None else ""
        database = f"/{quote(self.database, safe='')}" if self.database or self.options or not self.hosts else ""
        options = f"?{urlencode(self.options, safe=safe, quote_via=quote)}" if self.options else ""
        return f"{scheme}://{login}{at}{self.hosts}{database}{options}"


def check_url(url: str) -> str:
    """The URL in the form `postgresql+psycopg2://…`, whatever libpq takes: several hosts, `?host=/run/postgresql`,
    `?service=lab`, `host=… dbname=…`.

    Raises:
        UsageError: libpq does not take it. The message shows no password, nor any part of one.
    """
    return _split(url).text(SCHEMES[0])


def libpq_url(url: str) -> str:
    """The URL in libpq's form."""
    return _split(url).text("postgresql")


def without_password(url: str) -> tuple[str, str]:
    """The URL in libpq's form without its password, for a program's arguments, and the password, its environment."""
    parts = _split(url)
    password = dict(parts.options).get("password") or parts.password or ""
    rest = [(key, value) for key, value in parts.options if key != "password"]
    return parts._replace(password=None, options=rest).text("postgresql", "/"), password


def shown_url(url: str) -> str:
    """The URL with `***` for every password: the only form that is printed."""
    try:
        parts = _split(url)
    except UsageError:
        return "***"
    options = [(key, "***" if key in SECRETS else value) for key, value in parts.options]
    return parts._replace(password=None if parts.password is None else "***", options=options).text(SCHEMES[0], "/*")


def url_to_paste(url: str) -> tuple[str, bool]:
    """The URL without any password, for another program; and whether it had one.

    >>> url_to_paste("postgresql://ada:secret@db.lab/studies")
    ('postgresql+psycopg2://ada@db.lab/studies', True)
    """
    parts = _split(url)
    options = [(key, value) for key, value in parts.options if key not in SECRETS]
    had = bool(parts.password) or len(options) < len(parts.options)
    return parts._replace(password=None, options=options).text(SCHEMES[0], "/"), had


def hosts_of(url: str) -> list[str]:
    """The names, addresses or socket folders that a URL leads to; an empty one is libpq's own default."""
    known = _known(libpq_url(url))
    if "service" in known and "host" not in known:
        return [f"service {known['service']}"]
    return (known.get("hostaddr") or known.get("host") or os.environ.get("PGHOST", "")).split(",")


def without_secrets(text: str, url: str) -> str:
    """A text, usually an error of the database, with `***` for the URL's passwords: where a password stands in a URL or
    a setting, and wherever one stands as a word of its own that no other part of the URL is."""
    text = re.sub(r"(://[^\s:/@]*:)[^\s@]*(?=@)", r"\1***", text)
    text = re.sub(rf"\b({'|'.join(SECRETS)})(=)('[^']*'|[^\s&]*)", r"\1\2***", text)
    try:
        parts = _split(url)
    except UsageError:
        return text
    others = [parts.user, parts.hosts, parts.database, *(value for key, value in parts.options if key not in SECRETS)]
    for secret in {parts.password or "", *(value for key, value in parts.options if key in SECRETS)}:
        if len(secret) >= SHORTEST_SECRET and not any(secret in each for each in others):
            for form in (secret, quote(secret, safe="")):
                text = re.sub(rf"(?<!\w){re.escape(form)}(?!\w)", "***", text)
    return text


def _split(url: str) -> _Parts:
    url = url.strip()
    if "://" not in url and SETTING.match(url):
        return _of_settings(url)
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in SCHEMES:
        shown = repr(scheme) if separator else "the value"
        raise _wrong(f"{shown} is not a PostgreSQL URL; expected postgresql+psycopg2://USER@HOST:PORT/DATABASE")
    if BARE_PERCENT.search(rest) or re.search(r"\s", rest):
        raise _wrong(f"the URL cannot be read; {ENCODE}")
    matched = URL.fullmatch(rest)
    assert matched is not None  # every group may be empty
    login, hosts, database, query = (group or "" for group in matched.groups())
    if "@" in hosts + database:
        raise _wrong(f"the URL cannot be read; {ENCODE}")
    user, colon, password = login.partition(":")
    ports = [each.rpartition("]")[2].partition(":")[2] for each in hosts.split(",")]
    if any(port and not port.isdigit() for port in ports):
        raise _wrong(f"the URL cannot be read; write the port as a number; {ENCODE}")
    try:
        options = parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError as error:
        raise _wrong("the URL cannot be read; write options as KEY=VALUE") from error
    parts = _Parts(unquote(user), unquote(password) if colon else None, hosts, unquote(database), options)
    _known(parts.text("postgresql"))
    return parts


def _of_settings(text: str) -> _Parts:
    """libpq's other form, as a URL whose options are its settings."""
    return _Parts("", None, "", "", [(key, str(value)) for key, value in _known(text).items()])


def _known(text: str) -> dict[str, str]:
    """What libpq makes of it."""
    try:
        return dict(parse_dsn(text))
    except psycopg2.ProgrammingError as error:
        named = re.search(r'(?:option|parameter):? "(\w+)"', str(error))
        what = f"libpq has no option {named[1]!r}" if named else "libpq cannot read it"
        raise _wrong(f"{what}; expected postgresql+psycopg2://USER@HOST:PORT/DATABASE") from None


def _wrong(message: str) -> UsageError:
    return UsageError(message, "--storage")
