"""The keys of each search's own block in a definition."""

from __future__ import annotations

from collections.abc import Sequence


def block_keys(search: str) -> Sequence[str]:
    """The keys that `--set KEY=VALUE` understands without the search's name before them."""
    from samplers.searches.depth import settings as depth_settings
    from samplers.searches.fit import settings as fit_settings
    from samplers.searches.grid import settings as grid_settings
    from samplers.searches.growth import settings as growth_settings
    from samplers.searches.tune import settings as tune_settings

    keys: dict[str, Sequence[str]] = {
        "grow": growth_settings.GROWTH_KEYS,
        "depth": depth_settings.DEPTH_KEYS,
        "grid": grid_settings.GRID_KEYS,
        "fit": fit_settings.FIT_KEYS,
        "tune": tune_settings.TUNE_KEYS,
    }
    return keys[search]
