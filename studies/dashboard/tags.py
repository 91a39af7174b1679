"""`tag`: words of the user's own on a study, `KEY=VALUE`. Optuna and its dashboard show them as user attributes.

They are no part of what a study has found: its digests and its seal stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from storage.errors import UsageError, nearest
from storage.reader import Reader
from storage.records import StudyRow
from storage.session import Session
from storage.studies import set_tags

MAX_KEY_CHARACTERS = 60
MAX_VALUE_CHARACTERS = 500


def tag(session: Session, study: StudyRow, words: Sequence[str], remove: bool) -> str:
    """Set tags, or remove them, or neither; the tags on a line.

    Args:
        session: Any.
        study: The study.
        words: `KEY=VALUE`, or with `remove` keys.
        remove: Whether they are removed.

    Raises:
        UsageError: A word is none of these; nothing was written.
    """
    if remove:
        set_tags(session, study.study_id, {}, _known(study, words))
    elif words:
        set_tags(session, study.study_id, dict(map(parsed_tag, words)), ())
    tags = Reader(session).study(study.name).tags
    return f"{study.name}: {tags_text(tags)}" if tags else f"{study.name} has no tags"


def tags_text(tags: Mapping[str, str]) -> str:
    """`owner=ada, paper=2`."""
    return ", ".join(f"{key}={value}" for key, value in sorted(tags.items()))


def parsed_tag(word: str) -> tuple[str, str]:
    """`KEY=VALUE` as a pair.

    Raises:
        UsageError: It is none.
    """
    key, equals, value = word.partition("=")
    if not equals or not value:
        raise UsageError(f"{word!r} has no value; write KEY=VALUE, or KEY --remove", "tag")
    if not 1 <= len(key) <= MAX_KEY_CHARACTERS or not key.isprintable() or any(map(str.isspace, key)):
        raise UsageError(f"{key!r} is no key: 1 to {MAX_KEY_CHARACTERS} characters without spaces are allowed", "tag")
    if len(value) > MAX_VALUE_CHARACTERS or not value.isprintable():
        raise UsageError(f"{key}: a value has at most {MAX_VALUE_CHARACTERS} printable characters", "tag")
    return key, value


def has_tags(tags: Mapping[str, str], wanted: Sequence[str]) -> bool:
    """Whether a study has all of these, each a `KEY` or a `KEY=VALUE`."""
    pairs = [each.partition("=") for each in wanted]
    return all(key in tags and (not equals or tags[key] == value) for key, equals, value in pairs)


def _known(study: StudyRow, keys: Sequence[str]) -> Sequence[str]:
    if not keys:
        raise UsageError("--remove: which tag? `tag NAME KEY --remove`", "tag")
    for key in keys:
        if key not in study.tags:
            raise UsageError(f"{study.name!r} has no tag {key!r}{nearest(key, study.tags)}", "tag")
    return keys
