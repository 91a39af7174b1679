"""A verb whose help ends with examples, and lists many options in groups."""

from __future__ import annotations

import click

from storage.program import program_name
from studies.usage.examples import EXAMPLES
from studies.usage.groups import GROUPS, VERBS

OTHERS, COMMANDS = "Options", "Commands"
"""The headings of options and verbs without a group."""
SENTENCE = 200
"""Characters of a help's first sentence, which is not cut."""


class Verb(click.Command):
    """One verb."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        groups = GROUPS.get(path_of(ctx), {})
        heading = {option: title for title, options in groups.items() for option in options}
        sections: dict[str, list[tuple[str, str]]] = {title: [] for title in (*groups, OTHERS)}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                title = next((heading[each] for each in parameter.opts if each in heading), OTHERS)
                sections[title].append(record)
        width = max(len(term) for records in sections.values() for term, _ in records)
        for title, records in sections.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl([(f"{term:<{width}}", text) for term, text in records])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        program = program_name(ctx.find_root().info_name or "")
        lines = EXAMPLES.get(path_of(ctx), ())
        if lines:
            with formatter.section("Examples"):
                for line in lines:
                    formatter.write(f"{'':>{formatter.current_indent}}{program} {line}\n")


class Verbs(click.Group):
    """The verbs; a group among them holds further ones."""

    command_class = Verb
    group_class = type

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each with the first sentence of its help, in groups."""
        groups = VERBS if ctx.parent is None else {}
        known = {title: [name for name in names if name in self.commands] for title, names in groups.items()}
        listed = {name for names in known.values() for name in names}
        known[COMMANDS] = [name for name in self.list_commands(ctx) if name not in listed]
        width = max(map(len, self.commands))
        for title, names in known.items():
            if names:
                rows = [(f"{name:<{width}}", self.commands[name].get_short_help_str(SENTENCE)) for name in names]
                with formatter.section(title):
                    formatter.write_dl(rows)


def path_of(ctx: click.Context) -> str:
    """The words that lead to a verb, without the program's name: `storage up`."""
    words: list[str] = []
    while ctx.parent is not None:
        words.insert(0, ctx.info_name or "")
        ctx = ctx.parent
    return " ".join(words)
