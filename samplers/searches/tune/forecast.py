"""What a dry run says of a tune: which settings are still to be chosen, and which earlier ones a change leaves out."""

from __future__ import annotations

from samplers.searches.plan import SearchState
from samplers.searches.plural import counted
from samplers.searches.race.settings import seeds_text
from samplers.searches.tune.imported import imported_count
from samplers.searches.tune.past import Past
from samplers.searches.tune.settings import TuneSettings


def forecast(state: SearchState, settings: TuneSettings, past: Past, unfinished: int) -> str:
    """One line. `unfinished`: trials of settings that are chosen already.

    Args:
        state: The search's, after the change if there is one.
        settings: The block in force then.
        past: The settings chosen so far, in the space in force then.
        unfinished: Trials of these that have not ended.
    """
    chosen = state["next"] - imported_count(state)
    more = max(0, settings.settings - chosen)
    parts = [f"{counted(unfinished, 'trial')} of chosen settings {'are' if unfinished > 1 else 'is'} not finished"]
    parts = parts if unfinished else []
    seeds = seeds_text(settings.repeats, settings.racing)
    again = "more " if chosen else ""
    parts.append(
        f"{counted(more, again + 'setting')} × {seeds}" if more else f"no further setting: {chosen} are chosen"
    )
    outside = sum(not setting.shown for setting in past.settings)
    if outside:
        lie = "lies" if outside == 1 else "lie"
        left = f"{outside} of {len(past.settings)} earlier ones {lie} outside the space now"
        parts.append(
            f"{left}: ranked as before, but the sampler does not learn from {'it' if outside == 1 else 'them'}"
        )
    return "; ".join(parts)


def first_settings(settings: TuneSettings) -> str:
    """The title of a new study's dry run: `the first 8 of 20 settings`."""
    known = min(settings.ahead, settings.settings)
    return (
        f"the first {known} of {settings.settings} settings" if known < settings.settings else f"all {known} settings"
    )
