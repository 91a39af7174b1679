"""Storage URLs: what is accepted, what libpq is given, and what may be printed (never a password)."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from storage.errors import UsageError

SCHEMES = ("postgresql+psycopg2", "postgresql", "postgres")
SECRETS = ("password", "sslpassword")


def check_url(url: str) -> str:
    """The URL in the one form that SQLAlchemy and we share: `postgresql+psycopg2://…`.

    Raises:
        UsageError: It is not a PostgreSQL URL. The message shows it without its password.
    """
    scheme, separator, rest = url.strip().partition("://")
    if not separator or scheme not in SCHEMES:
        shown = repr(scheme) if separator else "the value"
        raise UsageError(
            f"--storage: {shown} is not a PostgreSQL URL; expected postgresql+psycopg2://USER@HOST:PORT/DATABASE"
        )
    try:
        parts = urlsplit(f"{SCHEMES[0]}://{rest}")
        _ = parts.port
        parse_qsl(parts.query, strict_parsing=True) if parts.query else []
    except ValueError as error:
        raise UsageError(
            "--storage: the URL cannot be read: a port has to be a number, options have to be "
            "KEY=VALUE, and / : @ # in a password have to be percent-encoded"
        ) from error
    return urlunsplit(parts)


def libpq_url(url: str) -> str:
    """The same URL as libpq reads it."""
    return "postgresql://" + check_url(url).partition("://")[2]


def without_password(url: str) -> tuple[str, str]:
    """The URL as libpq reads it but without its password, and the password: for arguments and environment."""
    parts = urlsplit(libpq_url(url))
    login, at, host = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    options = parse_qsl(parts.query)
    password = dict(options).get("password") or unquote(password)
    query = urlencode([(key, value) for key, value in options if key != "password"], quote_via=quote)
    return urlunsplit(parts._replace(netloc=user + at + host, query=query)), password


def shown_url(url: str) -> str:
    """The URL with every password replaced by `***`: the only form that is ever printed."""
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
    """`text`, usually an error of the database, with the URL's passwords taken out of it."""
    parts = urlsplit(url)
    secrets = {value for key, value in parse_qsl(parts.query) if key in SECRETS}
    password = parts.netloc.rpartition("@")[0].partition(":")[2]
    for secret in {password, unquote(password), *secrets} - {""}:
        text = text.replace(secret, "***")
    return text
