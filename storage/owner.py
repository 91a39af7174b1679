"""What only the owner of the tables may do: docs/roles.md grants it to no other role."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from storage.errors import NotPermittedError
from storage.session import Session
from storage.url import shown_url


@contextmanager
def only_by_owner(session: Session, what: str) -> Iterator[None]:
    """A block that another role's grants do not cover; `what` it does: `delete a study`.

    Raises:
        NotPermittedError: The session's role is not the owner; the message names the owner.
    """
    try:
        yield
    except NotPermittedError as error:
        owner = session.one("read_owner").owner
        line = f"only the owner of the tables may {what}: ask {owner} (docs/roles.md)"
        raise NotPermittedError(line, shown_url(session.url)) from error
