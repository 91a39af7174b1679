"""The demonstration's page: one file of HTML that loads nothing and runs nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from pathlib import Path

from storage.errors import UsageError
from storage.files import replacing

MARK = '<meta name="generator" content="studyhall demo">'
"""By it a later demonstration knows the page of an earlier one, which it may replace."""
TITLE = "A growth that was killed on the way"
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 58em; margin: 2em auto; padding: 0 1em; color: #222;
       background: #fff }
svg { width: 100%; height: auto } pre { background: #f4f4f4; padding: 1em; overflow-x: auto; font-size: 13px }
"""


def page(drawing: str, caption: str, narration: Sequence[str]) -> str:
    """The whole page.

    Args:
        drawing: The picture, an `<svg>` element.
        caption: Below it.
        narration: What happened, line by line.
    """
    lines = escape("\n".join(narration))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
{MARK}
<title>{TITLE}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{TITLE}</h1>
<figure>
{drawing}
<figcaption>{escape(caption)}</figcaption>
</figure>
<h2>What happened</h2>
<pre>{lines}</pre>
</body>
</html>
"""


def check_page(file: Path) -> None:
    """Whether the page may be written there.

    Raises:
        UsageError: Something else is there, or the folder is not.
    """
    if not file.parent.is_dir():
        raise UsageError(f"--out: there is no folder {file.parent}")
    if not os.access(file.parent, os.W_OK):
        raise UsageError(f"--out: the folder {file.parent.resolve()} cannot be written; give a file elsewhere")
    if not file.exists():
        return
    if not file.is_file() or MARK not in file.read_text(errors="replace")[:2000]:
        raise UsageError(f"--out: {file} is not the page of an earlier demo; give another file")


def write_page(file: Path, text: str) -> None:
    """Write it whole, or nothing.

    Raises:
        UsageError: It cannot be written.
    """
    try:
        with replacing(file) as aside:
            aside.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--out: {file}: {error.strerror}") from error
