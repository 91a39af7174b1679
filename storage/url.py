"""Storage URLs: the accepted forms, libpq's form, and the form that may be printed, without a password."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from storage.errors import UsageError

SCHEMES = ("postgresql+psycopg2", "postgresql", "postgres")
SECRETS = ("password", "sslpassword")


def check_url(url: str) -> str:
    """The URL in SQLAlchemy's form, `postgresql+psycopg2://…`.

    Raises:
        UsageError: It is not a PostgreSQL URL. The message shows it without its password.
    """
    scheme, separator, rest = url.strip().partition("://")
    if not separator or scheme not in SCHEMES:
        shown = repr(scheme) if separator else "the value"
        raise UsageError(
            f"{shown} is not a PostgreSQL URL; expected postgresql+psycopg2://USER@HOST:PORT/DATABASE", "--storage"
        )
    try:
        parts = urlsplit(f"{SCHEMES[0]}://{rest}")
        _ = parts.port
        parse_qsl(parts.query, strict_parsing=True) if parts.query else []
    except ValueError as error:
        raise UsageError(
            "the URL cannot be read; write the port as a number, options as KEY=VALUE, and / : @ # in a password "
            "percent-encoded",
            "--storage",
        ) from error
    return urlunsplit(parts)


def libpq_url(url: str) -> str:
    """The URL in libpq's form."""
    return "postgresql://" + check_url(url).partition("://")[2]


def without_password(url: str) -> tuple[str, str]:
    """The URL in libpq's form without its password, for a program's arguments, and the password, its environment."""
    parts = urlsplit(libpq_url(url))
    login, at, host = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    options = parse_qsl(parts.query)
    password = dict(options).get("password") or unquote(password)
    query = urlencode([(key, value) for key, value in options if key != "password"], quote_via=quote)
    return urlunsplit(parts._replace(netloc=user + at + host, query=query)), password


def shown_url(url: str) -> str:
    """The URL with `***` for every password: the only form that is printed."""
    try:
        parts = urlsplit(check_url(url))
    except UsageError:
        return "***"
    login, at, host = parts.netloc.rpartition("@")
    user, colon, _ = login.partition(":")
    query = urlencode(
        [(key, "***" if key in SECRETS else value) for key, value in parse_qsl(parts.query)],
        safe="/*",
        quote_via=quote,
    )
    return urlunsplit(parts._replace(netloc=user + (":***" if colon else "") + at + host, query=query))


def without_secrets(text: str, url: str) -> str:
    """A text, usually an error of the database, with `***` for the URL's passwords."""
    parts = urlsplit(url)
    secrets = {value for key, value in parse_qsl(parts.query) if key in SECRETS}
    password = parts.netloc.rpartition("@")[0].partition(":")[2]
    for secret in {password, unquote(password), *secrets} - {""}:
        text = text.replace(secret, "***")
    return text
