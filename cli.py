"""Studyhall's command line. A verb parses, makes one call into studies/, and prints.

python cli.py run grow --study lobo
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from storage.errors import EmptyStorageError, StudyhallError, UsageError
from storage.home import home
from studies.usage.options import (
    json_option,
    named_option,
    offer,
    run_options,
    set_aside_options,
    storage_option,
    studies_option,
    study_option,
    study_option_of,
)
from studies.usage.verbs import Verbs

if TYPE_CHECKING:
    from storage.records import StudyRow
    from storage.session import Session
    from storage.store import Store
    from studies.endings.notice import Notice
    from studies.export.folders import Folder
    from studies.history.state import Ending
    from studies.launch.launcher import Launcher
    from studies.lifecycle.order import Order
    from studies.status.progress import Progress
    from studies.tables.choice import Choice
    from studies.tables.printing import Form, Printable

INTERRUPTED = 130


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="studyhall")
def cli() -> None:
    """Hyperparameter searches on one machine or many. Kill any part at any time and go on: no result is lost or counted
    twice."""


@cli.command()
@run_options
def run(
    store: Store,
    dry_run: bool,
    review: bool,
    yes: bool,
    quiet: bool,
    verbose: bool,
    notify: str | None,
    **options: Any,
) -> None:
    """Start, join or resume a study. SEARCH is grow, depth, grid, fit or tune; its definition is NAME.yaml or
    studies/NAME.yaml here, else the one that ships. KEY=VALUE is as --set."""
    from studies.endings.notice import Notice
    from studies.launch.options import LaunchOptions
    from studies.lifecycle.order import Order
    from studies.status.progress import Verbosity, progress

    launch = LaunchOptions(**{name: options.pop(name) for name in LaunchOptions.__dataclass_fields__})
    order, launcher = Order.of(**options, gpus_elsewhere=launch.gpus), launch.launcher()
    if quiet and verbose:
        raise UsageError("run: --quiet prints less and --verbose more; give one of them")
    if notify is not None and launcher is not None and not launch.wait:
        raise UsageError("--notify: with --launch it needs --wait: without it this command ends before the study")
    notice = Notice.of(notify)
    if order.note is not None and not quiet:
        _log(order.note)
    if dry_run or review:
        runs = _preview(store, order, launcher)
        if dry_run or not runs or not (yes or click.confirm("start?")):
            return
    with progress(_log, Verbosity.of(quiet, verbose)) as shown:
        ending = _work(store, order, shown) if launcher is None else _launch(store, order, launcher, launch.wait, shown)
    if ending is not None:
        _finish(store, order.name, ending, shown, notice)


def _preview(store: Store, order: Order, launcher: Launcher | None) -> int:
    """Print what would run; how many trials."""
    from studies.lifecycle.launching import preview_launch
    from studies.lifecycle.preview import preview

    if launcher is not None:
        _say(preview_launch(store, order, launcher))
    ahead = preview(store, order)
    _print(ahead)
    return ahead.runs


def _work(store: Store, order: Order, shown: Progress) -> Ending:
    from studies.lifecycle.run import run

    return run(store, order, shown.log, shown.watch)


def _launch(store: Store, order: Order, launcher: Launcher, wait: bool, shown: Progress) -> Ending | None:
    from studies.lifecycle.launching import follow, launch

    launched = launch(store, order, launcher, shown.log)
    return follow(store, order.name, launched, shown.log) if wait else None


def _finish(store: Store, name: str, ending: Ending, shown: Progress, notice: Notice | None) -> None:
    from studies.endings.summary import read_summary
    from studies.results.show import show
    from studies.tables.log import Tone

    with _study(store, name) as (session, study):
        _print(show(session, study))
        summary = read_summary(session, study, ending, store)
        for line, tone in summary.lines(shown.seconds, shown.here):
            shown.say(line, tone)
    if notice is not None:
        with closing(store.write()) as session:
            warning = notice.give(session, summary, None if shown.worker is None else shown.worker.worker_id)
        if warning is not None:
            shown.say(warning, Tone.TROUBLE)
    sys.exit(INTERRUPTED if ending.interrupted else summary.exit_code)


@cli.command()
@click.argument("search", metavar="SEARCH", type=click.Choice(["grow", "grid", "fit", "tune"]))
@click.option("--command", "command", required=True, metavar="TEXT", help="How it is trained: 'python train.py'.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", help="The file; default: the script's NAME.yaml."
)
@click.option("--force", is_flag=True, help="Replace a file of that name.")
@click.option("--try", "trying", is_flag=True, help="Then check it as --dry-run does, and train its first trial once.")
def init(search: str, command: str, out: Path | None, force: bool, trying: bool) -> None:
    """Write a starter definition from a training script's flags, as its own --help prints them. SEARCH is grow, grid,
    fit or tune."""
    from studies.starter.first_trial import first_trial
    from studies.starter.init import write_starter

    written = write_starter(search, command, out, force)
    _echo(written.lines)
    if trying:
        trial = first_trial(written.file, _log)
        _echo(trial.lines)
        sys.exit(0 if trial.passed else 1)


@cli.command()
@click.option(
    *("--out", "page"),
    type=click.Path(path_type=Path),
    metavar="FILE",
    default="studyhall-demo.html",
    help="The page that it leaves; default: studyhall-demo.html.",
)
def demo(page: Path) -> None:
    """A growth of one to three minutes that kills one of its own workers, and proves that nothing was lost. It needs
    nothing, and touches none of your studies."""
    from studies.demo.demo import demonstrate

    sys.exit(0 if demonstrate(page, _say) else 1)


@cli.command()
@study_option_of(help="One study in detail; default: all, a line each.", required=False)
@click.option("--watch", is_flag=True, help="Follow it, q quits; in a pipe, a line for each change until it ends.")
@click.option("--tag", "tags", multiple=True, metavar="KEY[=VALUE]", help="Only studies with this; may be repeated.")
@json_option
@storage_option
def status(name: str | None, watch: bool, tags: tuple[str, ...], as_json: bool, store: Store) -> None:
    """Where studies stand: counts, rounds, workers, what runs, what failed."""
    from studies.status.status import read_overview
    from studies.status.watch import watch as keep_watching

    if tags and (watch or name is not None):
        raise UsageError("status: --tag chooses among all studies; not with a study's name or --watch")
    try:
        if watch and not as_json:
            keep_watching(store, name, _say)
            return
        with closing(store.read()) as session:
            _print(read_overview(session, name, tags), as_json)
    except EmptyStorageError as error:
        if name is not None:
            raise
        click.echo("[]" if as_json else error.what)


@cli.command()
@study_option
@click.option("--trial", "number", type=int, metavar="N", shell_complete=offer("trials"), help="One trial in detail.")
@click.option("--log", is_flag=True, help="With --trial: its last attempt's log, control characters as text.")
@click.option("--raw", is_flag=True, help="With --log: the bytes as they are; a terminal obeys what is in them.")
@click.option("--whole", is_flag=True, help="All candidates, all settings; a tune's importances.")
@click.option("--failures", "failing", is_flag=True, help="Attempts that did not end well, grouped by cause.")
@click.option("--top", type=int, metavar="N", help="The first N rows of the table.")
@click.option("--where", metavar="EXPR", help="Rows whose settings and metrics satisfy this: 'lr < 0.1'.")
@click.option("--sort", metavar="KEY", help="By a setting or a metric; -KEY: the largest first.")
@click.option("--columns", metavar="A,B,…", help="These columns: settings, metrics, or heads of the table.")
@click.option("--names", multiple=True, metavar="OLD=NEW,…", help="Other heads, for a paper.")
@click.option("--markdown", "form", flag_value="markdown", help="The table for Markdown, the best in bold.")
@click.option("--latex", "form", flag_value="latex", help="The table for LaTeX, with booktabs, the best in bold.")
@click.option("--csv", "form", flag_value="csv", help="The main table as CSV, numbers in full.")
@json_option
@storage_option
def show(
    store: Store, name: str, number: int | None, log: bool, raw: bool, form: Form | None, as_json: bool, **what: Any
) -> None:
    """A study's result table, or one trial."""
    from studies.tables.choice import Choice
    from studies.trial.logs import trial_log
    from studies.trial.story import show_trial

    choice = Choice.parse(*(what.pop(option) for option in ("top", "where", "sort", "columns", "names")))
    if choice.given and (as_json or number is not None or log or what["failing"]):
        raise UsageError("show: --top, --where, --sort, --columns and --names choose of the result table alone")
    if form is not None and (as_json or log or number is not None):
        raise UsageError(f"show: --{form} prints the result table or --failures; not with --json, --trial or --log")
    if raw and not log:
        raise UsageError("show: --raw prints a log unchanged: it needs --trial N --log")
    with _study(store, name) as (session, study):
        if log:
            text = trial_log(session, study, number)
            click.echo(text, nl=False) if raw else _say(text.decode(errors="replace"))
        elif number is not None:
            _print(show_trial(session, study, number), as_json)
        else:
            _print(_results(session, study, choice, flat=form == "csv", **what), as_json, form)


def _results(session: Session, study: StudyRow, choice: Choice, whole: bool, failing: bool, flat: bool) -> Printable:
    from studies.results.show import show
    from studies.trial.failures import failures

    return failures(session, study) if failing else show(session, study, whole, flat, choice)


@cli.command()
@click.argument("words", nargs=-1, metavar="NAME N", shell_complete=offer("study_names"))
@click.option("--study", "name", metavar="NAME", help="The study's name.", shell_complete=offer("study_names"))
@click.option("--attempt", type=int, metavar="K", help="This attempt; default: the last.")
@click.option("--tail", type=click.IntRange(1), metavar="L", help="The last L lines only.")
@click.option("--follow", is_flag=True, help="Go on until the attempt has ended; Ctrl-C leaves.")
@storage_option
def logs(
    words: tuple[str, ...], name: str | None, attempt: int | None, tail: int | None, follow: bool, store: Store
) -> None:
    """What trial N of a study printed; with --follow as it is printed, control characters as text."""
    from studies.tables.terminal import escaped
    from studies.trial.logs import attempt_log, followed_log, last_lines, trial_of

    named, number = trial_of(words, name)
    with _study(store, named) as (session, study):
        if not follow:
            text = attempt_log(session, study, number, attempt).decode(errors="replace")
            click.echo(escaped(last_lines(text, tail)), nl=False)
            return
        for part in followed_log(session, study, number, attempt, tail):
            click.echo(escaped(part), nl=False)


@cli.command()
@click.argument("names", nargs=-1, required=True, metavar="A B [C]...", shell_complete=offer("study_names"))
@click.option("--markdown", "form", flag_value="markdown", help="The table for Markdown.")
@click.option("--latex", "form", flag_value="latex", help="The table for LaTeX, with booktabs.")
@click.option("--csv", "form", flag_value="csv", help="The table as CSV, numbers in full.")
@json_option
@storage_option
def compare(names: tuple[str, ...], form: Form | None, as_json: bool, store: Store) -> None:
    """Studies beside the first one: paired differences over common settings and seeds; of growths, their paths."""
    from studies.comparison.compare import compare

    if form is not None and as_json:
        raise UsageError(f"compare: --{form} or --json, not both")
    with closing(store.read()) as session:
        _print(compare(session, names), as_json, form)


@cli.command()
@study_option
@click.option("--where", metavar="EXPR", help="Only settings that satisfy this: 'params < 4000'.")
@json_option
@storage_option
def best(name: str, where: str | None, as_json: bool, store: Store) -> None:
    """The best configuration as flags to paste: a grid's or tune's setting, the knee of a front, where a growth is."""
    from studies.export.best import best

    with _study(store, name) as (session, study):
        found = best(session, study, where)
    _print(found, as_json)
    for line in [] if as_json else found.doubts:
        _say(line, err=True)


@cli.command()
@study_option
@click.option("--seal", metavar="SEAL", help="Check that the study is what this seal was taken of. Exit 1 if not.")
@json_option
@storage_option
def audit(name: str, seal: str | None, as_json: bool, store: Store) -> None:
    """Check that nothing was lost, counted twice or changed. Exit 1 if anything is off."""
    from studies.audit.audit import audit
    from studies.audit.seal import Seal

    given = None if seal is None else Seal.parse(seal)
    with _study(store, name) as (session, study):
        certificate = audit(session, study)
    certificate = certificate if given is None else certificate.checked_against(given)
    _print(certificate, as_json)
    sys.exit(0 if certificate.passed else 1)


@cli.command()
@study_option
@click.option(
    "--cost", metavar="C", shell_complete=offer("costs"), help="Which decisions change with this cost, and why."
)
@click.option("--seeds", type=int, metavar="N", help="Which decisions change with the first N seeds only, and why.")
@json_option
@storage_option
def replay(name: str, cost: str | None, seeds: int | None, as_json: bool, store: Store) -> None:
    """Derive every decision again from the accepted results. Exit 1 if one of them differs."""
    from studies.audit.replay_study import replay_study

    with _study(store, name) as (session, study):
        replayed = replay_study(session, study, cost, seeds)
    _print(replayed, as_json)
    sys.exit(0 if replayed.agrees else 1)


@cli.command()
@studies_option("A study; may be repeated: several in one csv.")
@click.option(
    *("--as", "form"),
    required=True,
    metavar="FORMAT",
    help="csv or json; results-yaml; depth-json; ablation-csv, sweep-dir, tasks, parquet.",
    shell_complete=offer("formats"),
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="A file, of sweep-dir and tasks a folder.")
@storage_option
def export(words: tuple[str, ...], names: tuple[str, ...], form: str, out: Path | None, store: Store) -> None:
    """A study's results as a file, or several studies' as one csv."""
    from studies.export.export import export_named, write_aside

    with closing(store.read()) as session:
        made = export_named(session, (*names, *words), form)
        if out is None and isinstance(made, bytes) and sys.stdout.isatty():
            raise UsageError(f"export --as {form}: not for a terminal; --out FILE is needed, or a pipe")
        write_aside(out, made) if out is not None else _export(made)


def _export(made: str | bytes | Folder) -> None:
    from studies.tables.printing import print_result

    click.echo(made, nl=False) if isinstance(made, bytes) else print_result(str(made))


@cli.command()
@studies_option("A study; may be repeated: several beside each other.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="The folder; default: report-NAME.")
@click.option("--to-dashboard", is_flag=True, help="Put the figures and the fits into the dashboard as well.")
@storage_option
def report(words: tuple[str, ...], names: tuple[str, ...], out: Path | None, to_dashboard: bool, store: Store) -> None:
    """Plots and fits of studies: one page, its figures as PNG and SVG, and fits.json."""
    from studies.report.report import run_report

    with closing(store.read()) as session:
        _echo(run_report(session, (*names, *words), out, to_dashboard, _log))


@cli.command("import")
@click.argument("source", metavar="FILE|URL", type=click.Path())
@study_option_of("names_to_run", help="The study; its definition is found as `run` finds it.")
@click.option("--file", "definition", type=click.Path(path_type=Path), help="The definition, when it is not NAME.yaml.")
@click.option("--map", "mapping", multiple=True, metavar="COLUMN=NAME", help="A column's name in the study.")
@click.option("--from", "other", metavar="STUDY", help="With a URL: the study there; default: of the same name.")
@click.option("--trust-study", is_flag=True, help="Run code that only the storage names: the study's own objective.")
@storage_option
def import_(store: Store, source: str, name: str, **options: Any) -> None:
    """Results that were made elsewhere become results of a study, which goes on from them. FILE: finished runs, as CSV
    or JSON lines, for a grid or a tune; a growth's results.yaml. URL: of a database of Optuna's, for a grid or a tune.
    What does not fit is listed; exit 1 if nothing does. FILE may be a sweep of W&B, SEML or Hydra too: it becomes
    NAME.yaml."""
    from studies.importing.importing import import_results

    imported = import_results(store, source, name, **options, log=_log)
    _echo(imported.lines)
    sys.exit(int(not imported.fits))


@cli.command()
@study_option
@click.option(
    *("--trial", "numbers"),
    type=int,
    multiple=True,
    metavar="N",
    help="This failed trial; may be repeated.",
    shell_complete=offer("failed_trials"),
)
@click.option("--failed", is_flag=True, help="Every trial that failed.")
@click.option("--reread", is_flag=True, help="Read what a script that ended well has left, by the file's `metrics:`.")
@click.option("--file", type=click.Path(path_type=Path), help="With --reread: the definition, if not NAME.yaml.")
@storage_option
def retry(name: str, numbers: tuple[int, ...], failed: bool, reread: bool, file: Path | None, store: Store) -> None:
    """Run failed trials again, or read their metrics again without running them."""
    from studies.lifecycle.retry import reread as read_again
    from studies.lifecycle.retry import retry

    if reread and not (numbers and failed):
        with _study(store, name, writing=True) as (_, study):
            _echo(read_again(store, study, numbers or None, file))
        return
    if bool(numbers) == failed or file is not None:
        raise UsageError("retry: needs --trial N or --failed; --file with --reread alone")
    with _study(store, name, writing=True) as (session, study):
        _echo(retry(session, study, numbers or None))


@cli.command()
@set_aside_options
def redo(**asked: Any) -> None:
    """Set finished results aside, and run their points again. They are kept, and count no more."""
    _set_aside("redone", **asked)


@cli.command()
@set_aside_options
def drop(**asked: Any) -> None:
    """Set finished results aside, without running their points again. They are kept, and count no more."""
    _set_aside("dropped", **asked)


def _set_aside(how: str, store: Store, name: str, yes: bool, from_here: bool, **selected: Any) -> None:
    from storage.records import SetAside
    from studies.lifecycle.set_aside import Selection, propose, set_aside

    kind, selection = SetAside(how), Selection(**selected)
    with _study(store, name, writing=True) as (session, study):
        proposal = propose(session, study, kind, selection, from_here)
        if not yes:
            click.confirm(proposal.question, abort=True)
        _echo(set_aside(session, study, kind, proposal))


@cli.command()
@study_option
@storage_option
def stop(name: str, store: Store) -> None:
    """Stop every worker of the study once its running trials have finished; `run` goes on from there."""
    from studies.lifecycle.stop import stop

    with _study(store, name, writing=True) as (session, study):
        _echo(stop(session, study))


@cli.command()
@click.argument("old", metavar="OLD", shell_complete=offer("study_names"))
@click.argument("new", metavar="NEW")
@storage_option
def rename(old: str, new: str, store: Store) -> None:
    """Give study OLD the name NEW, in place: trials, decisions, seal, logs and checkpoints stay as they are."""
    from studies.dashboard.renaming import rename

    with _study(store, old, writing=True) as (session, study):
        _say(rename(session, study, new, store.shown))


@cli.command("copy")
@click.argument("old", metavar="OLD", shell_complete=offer("study_names"))
@click.argument("new", metavar="NEW")
@storage_option
def copy_(old: str, new: str, store: Store) -> None:
    """Copy study OLD as it stands to NEW, with its decisions; from then on each goes its own way."""
    from studies.dashboard.copying import copy

    with _study(store, old, writing=True) as (session, study):
        _say(copy(session, study, new, store.shown))


def _name_first(words: tuple[str, ...], name: str | None, verb: str) -> tuple[str, tuple[str, ...]]:
    """The study's name and the words after it."""
    if name is not None:
        return name, words
    if not words:
        raise UsageError(f"{verb}: which study? `{verb} NAME …`, or --study NAME")
    return words[0], words[1:]


@cli.command()
@click.argument("words", nargs=-1, metavar="NAME [KEY=VALUE]...", shell_complete=offer("study_names"))
@named_option
@click.option("--remove", is_flag=True, help="Remove the tags of these KEYs.")
@storage_option
def tag(words: tuple[str, ...], name: str | None, remove: bool, store: Store) -> None:
    """Put words of your own on a study, or print them; `status --tag KEY` finds it by them."""
    from studies.dashboard.tags import tag

    name, tags = _name_first(words, name, "tag")
    with _study(store, name, writing=bool(tags)) as (session, study):
        _say(tag(session, study, tags, remove))


@cli.command()
@click.argument("words", nargs=-1, metavar="NAME [TEXT]", shell_complete=offer("study_names"))
@named_option
@click.option(
    "--file",
    type=click.File(encoding="utf-8-sig"),
    help="Replace your part of the note by this file's text; - is a pipe.",
)
@click.option("--edit", is_flag=True, help="Change your part of the note in $EDITOR.")
@storage_option
def note(words: tuple[str, ...], name: str | None, file: IO[str] | None, edit: bool, store: Store) -> None:
    """Add TEXT to your part of the study's note in the dashboard; without TEXT, print that part."""
    from studies.dashboard.own_note import Asked, noted

    name, text = _name_first(words, name, "note")
    asked = Asked.of(" ".join(text), file, _edited if edit else None)
    with _study(store, name, writing=asked.changes) as (session, study):
        own = noted(session, study, store.shown, asked)
    if own:
        _say(own)


@cli.command()
@study_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@storage_option
def delete(name: str, yes: bool, store: Store) -> None:
    """Delete a study with all its trials, logs and checkpoints."""
    from studies.lifecycle.stop import delete

    with _study(store, name, writing=True) as (session, study):
        if not yes:
            click.confirm(f"delete study {name!r} with all its trials?", abort=True)
        _echo(delete(session, study))


@cli.command()
@click.option("--port", type=int, default=8080, metavar="N", help="Listen on this port; 0: a free one; default 8080.")
@click.option("--host", default="127.0.0.1", metavar="H", help="Listen on this address; default: this host alone.")
@click.option("--yes-really", "really", is_flag=True, help="Let other hosts in, without any password.")
@storage_option
def dashboard(port: int, host: str, really: bool, store: Store) -> None:
    """Serve optuna-dashboard on this storage, for this host alone, until Ctrl-C."""
    from studies.dashboard.serve import Address, serve

    serve(store, Address.of(host, port, really), _log)
    sys.exit(INTERRUPTED)


@cli.command()
@json_option
def studies(as_json: bool) -> None:
    """The definitions that can be run, a line each."""
    from studies.starter.catalogue import catalogue

    _print(catalogue(), as_json)


@cli.command()
@json_option
def gpus(as_json: bool) -> None:
    """The NVIDIA devices here and who holds them; and the CPU cores that are leased."""
    from studies.slots.survey import survey

    _print(survey(), as_json)


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script for SHELL that completes verbs, options, study names and trials."""
    from studies.completion.scripts import script

    click.echo(script(shell, cli, Path(__file__).resolve()), nl=False)


@cli.group()
def data() -> None:
    """Make text into datasets, which a config names: `dataset: NAME`."""


@data.command("prepare")
@click.argument("name")
@click.option("--text", "texts", multiple=True, metavar="FILES…", help="Text files; the end of each is val.")
@click.argument("files", nargs=-1, metavar="")
@click.option("--hf", "hub", metavar="DATASET[:CONFIG][:FIELD]", help="A Hugging Face dataset; a row is a document.")
@click.option("--tokenizer", required=True, metavar="NAME", help="bytes, char, tiktoken:gpt2 or hf:NAME.")
@click.option("--val", type=float, metavar="SHARE", help="Share of val; default: hf's validation split, or 0.1.")
@click.option("--force", is_flag=True, help="Replace a dataset of that name.")
def data_prepare(texts: tuple[str, ...], files: tuple[str, ...], **asked: Any) -> None:
    """Make a dataset of tokens. After a kill, run it again: it goes on and ends with the same bytes."""
    from objectives.datasets.prepare import Preparation, prepare
    from objectives.datasets.progress import progress

    if files and not texts:
        raise UsageError(f"data prepare: {files[0]!r}: files are given by --text")
    preparation = Preparation.of(texts=(*texts, *files), **asked)
    with progress() as show:
        line = prepare(preparation, show)
    _say(line)


@data.command("list")
@json_option
def data_list(as_json: bool) -> None:
    """The datasets that `dataset: NAME` finds, and those that are not finished."""
    from studies.starter.catalogue import dataset_catalogue

    _print(dataset_catalogue(), as_json)


@cli.group()
def storage() -> None:
    """The storage: the embedded server, or any PostgreSQL by --storage."""


@storage.command()
@click.option(
    *("--listen", "address"),
    is_flag=False,
    flag_value="127.0.0.1",
    metavar="[HOST[:PORT]]",
    help="Listen on an address too, with a password; default 127.0.0.1:5432. Without it: only on a private socket.",
)
def up(address: str | None) -> None:
    """Start the embedded server, or restart it with another --listen."""
    from storage import listening

    _echo_first(listening.up(home(), address))


@storage.command()
def down() -> None:
    """Stop the embedded server."""
    from storage import server

    click.echo("stopped" if server.down(home()) else "was not up")


@storage.command("status")
@json_option
def storage_status(as_json: bool) -> None:
    """The embedded server: up or not, where its data and log are."""
    from storage.upkeep import server_status
    from studies.tables.printing import Facts

    _print(Facts(*server_status()), as_json)


@storage.command("url")
@storage_option
def storage_url(store: Store) -> None:
    """Print the storage's URL for stock Optuna and optuna-dashboard, and the file that holds its password."""
    from storage.upkeep import url_lines

    _echo_first(url_lines(store))


@storage.command()
@storage_option
def check(store: Store) -> None:
    """Print the versions of the server, Optuna's tables and ours, and whether locks stay with their session."""
    from storage.upkeep import check

    _echo(check(store))


@storage.command()
@storage_option
def upgrade(store: Store) -> None:
    """Bring the tables to the versions that this code knows."""
    from storage.upkeep import upgrade

    _say(upgrade(store))


@storage.command()
@click.argument("file", type=click.Path(path_type=Path))
@storage_option
def backup(file: Path, store: Store) -> None:
    """Write the whole database to FILE."""
    from storage.backup import backup

    backup(store.start(), file)
    _say(str(file))


@storage.command()
@click.argument("file", type=click.Path(path_type=Path))
@storage_option
def restore(file: Path, store: Store) -> None:
    """Read a backup into an empty database."""
    from storage.backup import restore

    restore(store.start(), file)
    click.echo("restored")


@storage.command("move")
@click.argument("target", metavar="URL", envvar="STUDYHALL_TARGET")
@click.option("--study", "names", multiple=True, metavar="NAME", help="This study; may be repeated. Default: all.")
@storage_option
def storage_move(target: str, names: tuple[str, ...], store: Store) -> None:
    """Copy studies to the storage at URL (or STUDYHALL_TARGET) and verify them by count and hash. After a kill, run it
    again: it goes on. The originals become read-only: `delete` removes them."""
    from storage.upkeep import move

    move(store.url, target, names, _say)


@contextmanager
def _study(store: Store, name: str, writing: bool = False) -> Iterator[tuple[Session, StudyRow]]:
    from storage.reader import Reader
    from storage.schema import check_versions

    with closing(store.read()) as session:
        if writing:
            check_versions(session, writing=True)
        yield session, Reader(session).study(name)


def _print(found: Printable, as_json: bool = False, form: Form | None = None) -> None:
    from studies.tables.printing import formatted, print_result

    print_result(formatted(found, "json" if as_json else form or "text"), as_json)


def _edited(text: str) -> str | None:
    """The text as the user's editor saves it; None: it was not saved."""
    return click.edit(text, extension=".md")


def _say(line: str, err: bool = False) -> None:
    """Print a line for people. It may name what others wrote: their control characters are shown, not obeyed."""
    from studies.tables.terminal import escaped

    click.echo(escaped(line), err=err)


def _echo(lines: Iterable[str]) -> None:
    for line in lines:
        _say(line)


def _echo_first(lines: Iterable[str]) -> None:
    """The first line for programs, the others for people."""
    first, *others = lines
    _say(first)
    for line in others:
        _log(line)


def _log(line: str) -> None:
    with suppress(OSError):  # a closed pipe does not stop the work
        _say(line, err=True)


def _open_streams() -> None:
    """Open streams that a daemon closed, since our files would take their numbers; escape characters that a terminal
    lacks."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 (for the whole program)
        else:
            stream.reconfigure(errors="backslashreplace")


def main() -> None:
    """The program: errors become one line and an exit code here, and nowhere else."""
    _open_streams()
    try:
        cli.main(standalone_mode=False, complete_var="_STUDYHALL_COMPLETE")
        sys.stdout.flush()
    except StudyhallError as error:
        _log(f"studyhall: {error}")
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except click.exceptions.NoArgsIsHelpError as error:  # `data` alone asks for help
        click.echo(error.format_message())
    except click.ClickException as error:
        _log(f"studyhall: {error.format_message()}")
        sys.exit(2)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else Python tries to write the rest again
        if not isinstance(error, BrokenPipeError):
            _log(f"studyhall: {error}")
            sys.exit(1)


if __name__ == "__main__":
    main()
