"""What `init` finds of a script's settings: its flags, by `--help` and its text, or the file that it reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from storage.errors import UsageError
from studies.scripts.declared import completed
from studies.scripts.flag import Flag, Parser, Switch
from studies.scripts.help_flags import absl_flags, argparse_flags, click_flags, config_flags, fire_flags, positionals
from studies.scripts.help_text import read_help
from studies.scripts.source import Source
from studies.starter import choices
from studies.starter.config_file import ConfigFile

QUESTIONS = {Parser.HYDRA: ("--cfg", "job"), Parser.JSONARGPARSE: ("--print_config",), Parser.ABSL: ("--helpfull",)}
"""What a script is asked; `--help` where nothing stands here."""
MAX_LEFT_OUT = 3
"""Flags that are named."""
MAX_CONFIG = 60
"""Flags in the config; of a script with more, those that an axis would be of, and what its own text declares."""


@dataclass(frozen=True)
class Settings:
    """What a script's settings are, and where they were found."""

    sent: choices.Sent
    command: Sequence[str]
    origin: str
    shown: str
    """Of the line that says what was written."""
    needed: Sequence[str]
    """Arguments without a flag that it needs."""


def settings_of(arguments: Sequence[str], source: Source, here: Path, seconds: float) -> Settings:
    """The settings of the script's flags; where it has none, those of the file that the command names.

    Raises:
        UsageError: It has neither.
    """
    script, parser, file = source.script.name, source.parser, ConfigFile.of(arguments, here)
    if parser is None and file is None:
        raise UsageError(f"init: {script} reads no flags that init knows; {_by_hand()}")
    flags, needed = ([], []) if parser is None else _flags(parser, arguments, source, here, seconds)
    if file is not None and file.is_all(flags):
        sent = file.sent(source)
        shown = f"{len(sent.config)} settings of {file.name}; each trial gets a file like it"
        return Settings(sent, file.command, f"the settings of {file.name}, which {script} reads", shown, [])
    if parser is None or not flags:
        raise UsageError(
            f"init: {script} has no flags; where they belong to a subcommand, name it in --command; where it reads"
            " a file of settings, name one of yours: --config base.json"
        )
    kept, more = _kept(flags, source)
    sent = choices.sent(kept, parser, arguments)
    sent = replace(sent, left={**sent.left, **({f"{more} more flags": "see its help"} if more else {})})
    origin = f"the flags of {script} ({parser.value})"
    shown = f"{len(sent.config)} of {len(flags)} flags of {script} ({parser.value}{_without(flags, sent.config)})"
    shown += f", flags: {sent.spelling.mode}"
    return Settings(sent, arguments, origin, shown, needed)


def _by_hand() -> str:
    known = ", ".join(each.value for each in Parser)
    return (
        f"it knows {known}. Where it reads `key=value`, write `flags: hydra` by hand: docs/your-script.md#flags;"
        " where it reads a file, name one of yours in --command: --config base.json"
    )


def _flags(
    parser: Parser, arguments: Sequence[str], source: Source, here: Path, seconds: float
) -> tuple[list[Flag], list[str]]:
    """The script's flags, and the arguments without a flag that it needs.

    It is run with its `--help`, but not where its globals are its flags: they stand in its text.
    """
    if parser is Parser.GLOBALS:
        values = source.globals()
        for each in arguments:  # nanoGPT's config files, which come before the flags
            if each.endswith(".py") and (here / each).is_file() and here / each != source.script:
                values |= {name: value for name, value in Source.of(here / each).globals().items() if name in values}
        return [Flag(*each, Switch.VALUE if isinstance(each[1], bool) else None) for each in values.items()], []
    accepted = (0, 1) if parser is Parser.ABSL else (0,)
    printed = read_help([*arguments, *QUESTIONS.get(parser, ("--help",))], here, accepted, seconds)
    text = f"{printed.out}\n{printed.err}"
    match parser:
        case Parser.HYDRA | Parser.JSONARGPARSE:
            return config_flags(printed.out), []
        case Parser.FIRE:
            return fire_flags(text), []
        case Parser.ABSL:
            return absl_flags(text, {file.stem for file, _ in source.trees}), []
        case Parser.CLICK:
            return completed(click_flags(text), source, parser), positionals(text)
    return completed(argparse_flags(text), source, parser), positionals(text)


def _kept(flags: Sequence[Flag], source: Source) -> tuple[list[Flag], int]:
    """The flags that the definition names, and how many more there are."""
    if len(flags) <= MAX_CONFIG:
        return list(flags), 0
    own = {name.replace("-", "_") for name in source.fields()}
    own |= {text.lstrip("-").replace("-", "_") for texts, _ in source.declarations("add_argument") for text in texts}
    likely = {
        *choices.axes([each for each in flags if each.known], choices.UNLIKELY - 1),
        *(each.name for each in flags if choices.is_apart(each)),
    }
    kept = [each for each in flags if each.plain in own or each.name in likely][:MAX_CONFIG]
    return kept, len(flags) - len(kept)


def _without(flags: Sequence[Flag], config: Sequence[Flag]) -> str:
    """The flags that the config has no value for: the seed, and others that the file's comments explain.

    >>> _without([Flag("lr", 0.1), Flag("seed", 0)], [Flag("lr", 0.1)])
    '; not seed: each trial has its own'
    """
    kept = {each.name for each in config}
    names = [each.name for each in flags if each.name not in kept]
    if names == ["seed"]:
        return "; not seed: each trial has its own"
    more = len(names) - MAX_LEFT_OUT
    shown = [*names[:MAX_LEFT_OUT], *([f"{more} more"] if more > 0 else [])]
    return f"; not {', '.join(shown)}" if names else ""
