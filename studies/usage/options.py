"""The options of the command line that several verbs share, and those of the verbs that have many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from storage.errors import UsageError

if TYPE_CHECKING:
    from storage.store import Store

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _store(context: click.Context, parameter: click.Parameter, url: str | None) -> Store:
    from storage.store import Store

    return Store.of(url)


def offer(values: str) -> Callable[[click.Context, click.Parameter, str], Any]:
    """What the shell offers: a function of studies/completion/offers.py, imported when the shell asks."""

    def offered(context: click.Context, parameter: click.Parameter, typed: str) -> Any:
        from studies.completion import offers

        return offers.completed(getattr(offers, values))(context, parameter, typed)

    return offered


def study_option_of(values: str = "study_names", help: str = "The study's name.", required: bool = True) -> Decorator:
    """The study's name, as `--study NAME` or as a word."""

    def chosen(context: click.Context, parameter: click.Parameter, name: str | None) -> str | None:
        word: str | None = context.meta.get("word")
        if name is not None and word not in (name, None):
            raise UsageError(f"--study: {name!r}, but {word!r} is named too")
        if required and name is None and word is None:
            raise click.MissingParameter(ctx=context, param=parameter)
        return word if name is None else name

    def keep(context: click.Context, _: click.Parameter, word: str | None) -> None:
        context.meta["word"] = word

    def decorate(verb: Callable[..., Any]) -> Callable[..., Any]:
        option = click.option(
            *("--study", "name"), metavar="NAME", help=help, callback=chosen, shell_complete=offer(values)
        )
        word = click.argument(
            *("word",),
            metavar="[NAME]",
            required=False,
            expose_value=False,
            is_eager=True,
            callback=keep,
            shell_complete=offer(values),
        )
        return word(option(verb))

    return decorate


def studies_option(help: str) -> Decorator:
    """Any number of studies: `names` as `--study NAME`, `words` as words."""
    option = click.option(
        *("--study", "names"), multiple=True, metavar="NAME", help=help, shell_complete=offer("study_names")
    )
    words = click.argument("words", nargs=-1, metavar="[NAME]...", shell_complete=offer("study_names"))
    return lambda verb: words(option(verb))


def _applied(options: Sequence[Decorator], verb: Callable[..., Any]) -> Callable[..., Any]:
    """A verb with options, which its help lists in this order."""
    for option in reversed(options):
        verb = option(verb)
    return verb


storage_option = click.option(
    *("--storage", "store"),
    envvar="STUDYHALL_STORAGE",
    metavar="URL",
    callback=_store,
    help="PostgreSQL URL; default: the embedded server.",
)
study_option = study_option_of()
named_option = click.option(
    *("--study", "name"), metavar="NAME", help="The study's name.", shell_complete=offer("study_names")
)
"""Beside words of which the first may be the name."""
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def run_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """The words and options of `run`; studies/usage/groups.py has their groups."""
    options = [
        click.argument("words", nargs=-1, metavar="[SEARCH] NAME [KEY=VALUE]...", shell_complete=offer("words_of_run")),
        click.option("--study", "name", metavar="NAME", help="The study's name.", shell_complete=offer("names_to_run")),
        click.option("--file", type=click.Path(path_type=Path), help="The definition, when it is not NAME.yaml."),
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="KEY=VALUE",
            help="Change the config, the search's block, or attempts, score.metric and the like.",
        ),
        click.option("--laptop", is_flag=True, help="Lay the definition's laptop: block over it: a budget of minutes."),
        click.option(
            "--gpus", metavar="WHICH", shell_complete=offer("gpus"), help="auto (free ones), all, none or 0,1 or UUIDs."
        ),
        click.option(
            "--per-gpu", type=int, metavar="K", help="Slots of each GPU, equal shares of its memory; default 1."
        ),
        click.option(
            "--gpu-memory", metavar="SIZE", help="Memory of each GPU slot, as 6GiB; auto: each trial's own estimate."
        ),
        click.option("--workers", type=int, metavar="N", help="CPU slots of this worker, no GPU; default: one a core."),
        click.option(
            "--threads", type=int, metavar="T", help="Threads of each slot; default: 1 on CPU, cores / slots on GPUs."
        ),
        click.option("--steps", type=int, metavar="N", help="This many steps of a growth."),
        click.option("--timeout", metavar="DURATION", help="Start nothing after 90s, 15m, 2h, 1d."),
        click.option("--max-trials", type=int, metavar="N", help="This many trials, retries included."),
        click.option("--same-code", is_flag=True, help="Refuse other code than the results ran; default: warn."),
        click.option(
            "--trust-study", is_flag=True, help="Run code that only the storage names: the study's own objective."
        ),
        click.option(
            "--keep-going", is_flag=True, help="Go on where the first 3 trials fail alike and none succeeded."
        ),
        click.option("--join", is_flag=True, help="Only join a study that is running; never start or resume one."),
        click.option("--launch", metavar="WHERE", help="slurm or ray: start workers there instead of here."),
        click.option("--nodes", type=int, metavar="N", help="Workers, one a node, as an array; default 1."),
        click.option("--gpus-per-node", type=int, metavar="G", help="GPUs of each worker; default 0, CPU slots."),
        click.option("--time", metavar="TIME", help="Limit of a job, as 12:00:00 or 1-12; then it is queued again."),
        click.option("--partition", metavar="P", help="The partition; default: Slurm's."),
        click.option("--slurm", multiple=True, metavar="KEY=VALUE", help="Another option of sbatch; may be repeated."),
        click.option("--address", metavar="A", help="The cluster's address; default auto."),
        click.option("--num-gpus", type=int, metavar="N", help="GPUs of each worker; default 0, CPU slots."),
        click.option("--num-workers", type=int, metavar="N", help="Workers; default: as many as have room."),
        click.option("--wait", is_flag=True, help="With --launch: follow the study to its end."),
        click.option("-q", "--quiet", is_flag=True, help="Print the result and failures only."),
        click.option("-v", "--verbose", is_flag=True, help="Print each beginning too, and each count of a depth."),
        click.option(
            "--notify", metavar="COMMAND", help="Run this when it ends or stops; it has $STUDY, $ENDING, $REASON."
        ),
        click.option("--dry-run", is_flag=True, help="Print what would run next, or be launched; change nothing."),
        click.option("--review", is_flag=True, help="Print what would run next, and ask before it starts."),
        click.option("--yes", is_flag=True, help="With --review: do not ask."),
        storage_option,
    ]
    return _applied(options, verb)


def set_aside_options(verb: Callable[..., Any]) -> Callable[..., Any]:
    """The options of `redo` and `drop`."""
    options = [
        study_option,
        click.option(
            "--trial",
            "numbers",
            type=int,
            multiple=True,
            metavar="N",
            help="This trial; may be repeated.",
            shell_complete=offer("trials"),
        ),
        click.option("--where", metavar="EXPR", help="Trials whose config and metrics satisfy this: 'lr == 0.1'."),
        click.option(
            "--code", metavar="VERSION", help="Trials that ran this version of your code, as `audit` names it."
        ),
        click.option("--from-here", is_flag=True, help="A growth, depth or fit decides again all that rests on them."),
        click.option("--yes", is_flag=True, help="Do not ask."),
        storage_option,
    ]
    return _applied(options, verb)
