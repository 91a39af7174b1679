"""Where the definition of a name is found: in the folder that a user works in, before the checkout."""

from __future__ import annotations

from pathlib import Path

from storage.home import DEFINITIONS


def definition_file(name: str) -> Path | None:
    """`NAME.yaml` and `studies/NAME.yaml` of the current folder, then of the checkout; None: there is no such file."""
    files = (folder / f"{name}.yaml" for folder in _folders())
    return next((file for file in files if file.is_file()), None)


def definition_files() -> dict[str, Path]:
    """Every definition that is found by its name, in the order of names."""
    found: dict[str, Path] = {}
    for folder in _folders():
        for file in folder.glob("*.yaml"):
            found.setdefault(file.stem, file)
    return dict(sorted(found.items()))


def _folders() -> tuple[Path, ...]:
    here = Path.cwd()
    return here, here / "studies", DEFINITIONS
