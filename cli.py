"""Studyhall's command line. A verb parses, makes one call into studies/, and prints.

python cli.py run grow --study lobo
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from storage.errors import StudyhallError, UsageError
from storage.home import home

if TYPE_CHECKING:
    from storage.records import StudyRow
    from storage.session import Session
    from studies.tables.printing import Form, Printable

INTERRUPTED = 130

storage_option = click.option(
    "--storage", "url", envvar="STUDYHALL_STORAGE", metavar="URL", help="PostgreSQL URL; default: the embedded server."
)


def _offer(values: str) -> Callable[[click.Context, click.Parameter, str], Any]:
    """What the shell offers here: a function of studies/completion/offers.py, which is read when it is asked."""

    def offered(context: click.Context, parameter: click.Parameter, typed: str) -> Any:
        from studies.completion import offers as completing

        return completing.completed(getattr(completing, values))(context, parameter, typed)

    return offered


def _study_option(values: str = "study_names") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    offered = _offer(values)
    return click.option(
        "--study", "name", required=True, metavar="NAME", help="The study's name.", shell_complete=offered
    )


study_option = _study_option()
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="studyhall")
def cli() -> None:
    """Searches over model shape as persistent Optuna studies: pull the plug at any moment, every point still takes
    effect exactly once."""


@cli.command()
@click.argument("search", shell_complete=_offer("searches"))
@_study_option("names_to_run")
@click.option("--file", type=click.Path(path_type=Path), help="The definition, when it is not studies/NAME.yaml.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override the config or the search's block; may be repeated.",
)
@click.option(
    "--gpus",
    metavar="WHICH",
    help="auto (the free ones), all, none, or a list: 0,1 or UUIDs; default auto.",
    shell_complete=_offer("gpus"),
)
@click.option("--per-gpu", type=int, metavar="K", help="Slots of each GPU, equal shares of its memory; default 1.")
@click.option(
    "--gpu-memory", metavar="SIZE", help="Memory of each GPU slot, as 6GiB; or auto: each trial's own estimate."
)
@click.option("--workers", type=int, metavar="N", help="CPU slots of this worker, no GPU; default: one a core.")
@click.option(
    "--threads", type=int, metavar="T", help="Threads of each slot; default: 1 on CPU, cores / slots on GPUs."
)
@click.option("--steps", type=int, metavar="N", help="Budget of the study: this many steps of a growth.")
@click.option("--timeout", metavar="DURATION", help="Budget of the study: start nothing after 90s, 15m, 2h, 1d.")
@click.option(
    "--max-trials", type=int, metavar="N", help="Budget of the study: this many trials, retries and withdrawn ones too."
)
@click.option("--same-code", is_flag=True, help="Refuse to join a study that was begun with other code; default: warn.")
@click.option("--trust-study", is_flag=True, help="Run code that only the storage names: the study's own objective.")
@click.option("--join", is_flag=True, help="Only help a study that goes on: neither begin, change nor resume one.")
@click.option("--launch", metavar="WHERE", help="slurm or ray: ask it for workers, in place of being one.")
@click.option("--nodes", type=int, metavar="N", help="slurm: workers, one a node, as an array; default 1.")
@click.option("--gpus-per-node", type=int, metavar="G", help="slurm: GPUs of each worker; default 0, CPU slots.")
@click.option("--time", metavar="TIME", help="slurm: limit of a job, as 12:00:00 or 1-12; it is queued again after it.")
@click.option("--partition", metavar="P", help="slurm: the partition; default: Slurm's.")
@click.option("--slurm", multiple=True, metavar="KEY=VALUE", help="slurm: another option of sbatch; may be repeated.")
@click.option("--address", metavar="A", help="ray: the cluster's address; default auto.")
@click.option("--num-gpus", type=int, metavar="N", help="ray: GPUs of each worker; default 0, CPU slots.")
@click.option("--num-workers", type=int, metavar="N", help="ray: workers; default: as many as have room.")
@click.option("--wait", is_flag=True, help="With --launch: follow the study to its end.")
@click.option("--dry-run", is_flag=True, help="Print what would run next, or be launched; touch nothing.")
@click.option("--review", is_flag=True, help="Print what would run next, and ask before it starts.")
@click.option("--yes", is_flag=True, help="With --review: do not ask.")
@storage_option
def run(url: str | None, dry_run: bool, review: bool, yes: bool, **asked: Any) -> None:
    """Start, join or resume a study. SEARCH is grow, depth, grid or fit."""
    from storage.place import Place
    from studies.launch.options import Wanted
    from studies.lifecycle.launching import follow, launch, preview_launch
    from studies.lifecycle.order import Order
    from studies.lifecycle.preview import preview
    from studies.lifecycle.run import run
    from studies.results.show import show
    from studies.status.progress import progress

    wanted = Wanted(**{name: asked.pop(name) for name in Wanted.__dataclass_fields__})
    order, place = Order.of(**asked, gpus_elsewhere=wanted.gpus), Place.of(url)
    launcher = wanted.launcher()
    if dry_run or review:
        if launcher is not None:
            click.echo(preview_launch(place, order, launcher))
        ahead = preview(place, order)
        _print(ahead)
        if dry_run or not ahead.runs or not (yes or click.confirm("start?")):
            return
    if launcher is None:
        with progress(_say) as shown:
            ending = run(place, order, shown.say, shown.watch)
    else:
        launched = launch(place, order, launcher, _say)
        if not wanted.wait:
            return
        ending = follow(place, order.name, launched, _say)
    with _study(url, order.name) as (session, study):
        _print(show(session, study))
    _say(f"{study.name}: {ending.reason}")
    if ending.failed and not ending.interrupted:
        _say(f"what failed is tried again after `python cli.py retry --study {study.name} --failed`")
    sys.exit(INTERRUPTED if ending.interrupted else int(ending.failed))


@cli.command()
@click.option(
    "--study",
    "name",
    metavar="NAME",
    help="One study in detail; default: all, a line each.",
    shell_complete=_offer("study_names"),
)
@click.option("--watch", is_flag=True, help="Follow it, q quits; in a pipe, a line for each change until it ends.")
@json_option
@storage_option
def status(name: str | None, watch: bool, as_json: bool, url: str | None) -> None:
    """Where studies stand: counts, rounds, workers, what runs, what failed."""
    from storage.place import Place
    from studies.status.status import read_overview
    from studies.status.watch import watch as keep_watching

    if watch and not as_json:
        keep_watching(Place.of(url), name, lambda line: click.echo(line))
        return
    with _session(url) as session:
        _print(read_overview(session, name), "json" if as_json else "text")


@cli.command()
@study_option
@click.option(
    "--trial",
    "number",
    type=int,
    metavar="N",
    help="One trial with its attempts and reports.",
    shell_complete=_offer("trials"),
)
@click.option("--log", is_flag=True, help="With --trial: its last attempt's log.")
@click.option("--whole", is_flag=True, help="Every candidate of every round.")
@click.option("--failures", "failing", is_flag=True, help="Attempts that did not end well, grouped by cause.")
@click.option("--markdown", "form", flag_value="markdown", help="The table for Markdown.")
@click.option("--latex", "form", flag_value="latex", help="The table for LaTeX, with booktabs.")
@click.option("--csv", "form", flag_value="csv", help="The main table as CSV, numbers in full.")
@json_option
@storage_option
def show(
    name: str,
    number: int | None,
    log: bool,
    whole: bool,
    failing: bool,
    form: Form | None,
    as_json: bool,
    url: str | None,
) -> None:
    """A study's result table, or one trial."""
    from studies.results.failures import failures
    from studies.results.show import show
    from studies.results.trial import show_trial, trial_log

    if form is not None and (as_json or log or number is not None):
        raise UsageError(f"show: --{form} prints the result table or --failures; not with --json, --trial or --log")
    form = "json" if as_json else form or "text"
    with _study(url, name) as (session, study):
        if log:
            click.echo(trial_log(session, study, number))
        elif number is not None:
            _print(show_trial(session, study, number), form)
        elif failing:
            _print(failures(session, study), form)
        else:
            _print(show(session, study, whole, flat=form == "csv"), form)


@cli.command()
@study_option
@click.option("--seal", metavar="SEAL", help="Check that the study is what this seal was taken of. Exit 1 if not.")
@json_option
@storage_option
def audit(name: str, seal: str | None, as_json: bool, url: str | None) -> None:
    """Check that nothing was lost, counted twice or changed. Exit 1 if anything is off."""
    from studies.audit.audit import audit
    from studies.audit.seal import Seal

    given = None if seal is None else Seal.parse(seal)
    with _study(url, name) as (session, study):
        certificate = audit(session, study)
    certificate = certificate if given is None else certificate.checked_against(given)
    _print(certificate, "json" if as_json else "text")
    sys.exit(0 if certificate.passed else 1)


@cli.command()
@study_option
@click.option(
    "--cost",
    metavar="C",
    help="What if the cost were this metric: which decision falls otherwise, and why.",
    shell_complete=_offer("costs"),
)
@json_option
@storage_option
def replay(name: str, cost: str | None, as_json: bool, url: str | None) -> None:
    """Derive every decision again from the accepted results. Exit 1 if one comes out otherwise."""
    from studies.audit.replay_study import replay_study

    with _study(url, name) as (session, study):
        replayed = replay_study(session, study, cost)
    _print(replayed, "json" if as_json else "text")
    sys.exit(0 if replayed.agrees else 1)


@cli.command()
@study_option
@click.option(
    "--as",
    "form",
    required=True,
    metavar="FORMAT",
    help="csv or json; results-yaml; depth-json; ablation-csv, sweep-dir, tasks, parquet.",
    shell_complete=_offer("formats"),
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A file, or for sweep-dir and tasks a folder; default: standard output.",
)
@storage_option
def export(name: str, form: str, out: Path | None, url: str | None) -> None:
    """A study's results as a file."""
    from studies.export.export import export, write_aside

    with _study(url, name) as (session, study):
        made = export(session, study, form)
    if out is None and isinstance(made, bytes) and sys.stdout.isatty():
        raise UsageError(f"export --as {form}: not for a terminal; --out FILE is needed, or a pipe")
    write_aside(out, made) if out is not None else click.echo(made, nl=False)


@cli.command()
@click.option("--study", "names", required=True, multiple=True, metavar="NAME", help="A study; may be repeated.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="The folder of the report.")
@click.option("--to-dashboard", is_flag=True, help="Put the figures and the fits into the dashboard as well.")
@storage_option
def report(names: tuple[str, ...], out: Path | None, to_dashboard: bool, url: str | None) -> None:
    """Plots and fits of studies: one page, its figures as PNG and SVG, and fits.json."""
    from studies.report.report import run_report

    with _session(url) as session:
        for line in run_report(session, names, out, to_dashboard):
            click.echo(line)


@cli.command()
@study_option
@click.option(
    "--trial",
    "numbers",
    type=int,
    multiple=True,
    metavar="N",
    help="This failed trial; may be repeated.",
    shell_complete=_offer("failed_trials"),
)
@click.option("--failed", is_flag=True, help="Every trial that failed.")
@storage_option
def retry(name: str, numbers: tuple[int, ...], failed: bool, url: str | None) -> None:
    """Give failed points a new trial each, linked to the old one."""
    from studies.lifecycle.retry import retry

    if bool(numbers) == failed:
        raise UsageError("retry: say which: --trial N or --failed")
    with _study(url, name, writing=True) as (session, study):
        for line in retry(session, study, numbers or None):
            click.echo(line)


@cli.command()
@study_option
@storage_option
def stop(name: str, url: str | None) -> None:
    """Every worker of the study drains, wherever it runs; `run` goes on from there."""
    from studies.lifecycle.stop import stop

    with _study(url, name, writing=True) as (session, study):
        click.echo(stop(session, study))


@cli.command()
@study_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@storage_option
def delete(name: str, yes: bool, url: str | None) -> None:
    """Delete a study with all its trials, logs and checkpoints."""
    from studies.lifecycle.stop import delete

    with _study(url, name, writing=True) as (session, study):
        if not yes:
            click.confirm(f"delete study {name!r} with all its trials?", abort=True)
        click.echo(delete(session, study))


@cli.command()
@click.option("--port", type=int, default=8080, metavar="N", help="Where to listen; 0: a free port; default 8080.")
@click.option("--host", default="127.0.0.1", metavar="H", help="Listen on this address; default: this host alone.")
@click.option("--yes-really", "really", is_flag=True, help="Let other hosts in: it asks for no password.")
@storage_option
def dashboard(port: int, host: str, really: bool, url: str | None) -> None:
    """Serve optuna-dashboard on this storage, for this host alone, until Ctrl-C."""
    from storage.place import Place
    from studies.dashboard.serve import Address, serve

    serve(Place.of(url), Address.of(host, port, really), _say)
    sys.exit(INTERRUPTED)


@cli.command()
@json_option
def studies(as_json: bool) -> None:
    """The definitions that can be run, a line each."""
    from studies.lifecycle.catalogue import catalogue

    _print(catalogue(), "json" if as_json else "text")


@cli.command()
@json_option
def gpus(as_json: bool) -> None:
    """The NVIDIA devices here and who holds them; and the CPU cores that are leased."""
    from studies.slots.survey import look

    _print(look(), "json" if as_json else "text")


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """A script for SHELL that completes verbs, options, study names and trials."""
    from studies.completion.scripts import script

    click.echo(script(shell, cli, Path(__file__).resolve()), nl=False)


@cli.group()
def data() -> None:
    """Text made into datasets: `dataset: NAME` in a config finds one."""


@data.command("prepare")
@click.argument("name")
@click.option("--text", "texts", multiple=True, metavar="FILES…", help="Text files; the end of each is val.")
@click.argument("files", nargs=-1, metavar="")
@click.option("--hf", "hub", metavar="DATASET[:CONFIG][:FIELD]", help="A Hugging Face dataset; a row is a document.")
@click.option("--tokenizer", required=True, metavar="NAME", help="bytes, char, tiktoken:gpt2 or hf:NAME.")
@click.option("--val", type=float, metavar="SHARE", help="Share of val; default: hf's validation split, or 0.1.")
@click.option("--force", is_flag=True, help="Replace a dataset of that name.")
def data_prepare(texts: tuple[str, ...], files: tuple[str, ...], **asked: Any) -> None:
    """Make a dataset of tokens. Killed and run again, it goes on and ends with the same bytes."""
    from objectives.datasets.prepare import Order, prepare
    from objectives.datasets.progress import progress

    if files and not texts:
        raise UsageError(f"data prepare: {files[0]!r}: files are given by --text")
    order = Order.of(texts=(*texts, *files), **asked)
    with progress() as tell:
        said = prepare(order, tell)
    click.echo(said)


@data.command("list")
@json_option
def data_list(as_json: bool) -> None:
    """The datasets that `dataset: NAME` finds, and those that are not finished."""
    from studies.lifecycle.catalogue import dataset_catalogue

    _print(dataset_catalogue(), "json" if as_json else "text")


@cli.group()
def storage() -> None:
    """The storage: the embedded server, or any PostgreSQL by --storage."""


@storage.command()
@click.option(
    "--listen",
    "address",
    is_flag=False,
    flag_value="127.0.0.1",
    metavar="[HOST[:PORT]]",
    help="On an address too, by a password; default 127.0.0.1:5432. Without it: on a private socket alone.",
)
def up(address: str | None) -> None:
    """Start the embedded server, if it is not up; or anew, where it is to listen otherwise."""
    from storage import listening

    first, *rest = listening.up(home(), address)
    click.echo(first)
    for line in rest:
        _say(line)


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

    _print(Facts(server_status()), "json" if as_json else "text")


@storage.command("url")
@storage_option
def storage_url(url: str | None) -> None:
    """The storage's URL, for stock Optuna and optuna-dashboard; no password is printed, but the file that holds it."""
    from storage.place import Place
    from storage.upkeep import url_told

    first, *rest = url_told(Place.of(url))
    click.echo(first)
    for line in rest:
        _say(line)


@storage.command()
@storage_option
def check(url: str | None) -> None:
    """Versions of server, Optuna's tables and ours; whether locks stay with their session."""
    from storage.place import Place
    from storage.upkeep import check

    for line in check(Place.of(url)):
        click.echo(line)


@storage.command()
@storage_option
def upgrade(url: str | None) -> None:
    """Bring the tables to the versions that this code knows."""
    from storage.place import Place
    from storage.upkeep import upgrade

    click.echo(upgrade(Place.of(url)))


@storage.command()
@click.argument("file", type=click.Path(path_type=Path))
@storage_option
def backup(file: Path, url: str | None) -> None:
    """Write the whole database to FILE."""
    from storage.backup import backup
    from storage.place import Place

    backup(Place.of(url).start(), file)
    click.echo(str(file))


@storage.command()
@click.argument("file", type=click.Path(path_type=Path))
@storage_option
def restore(file: Path, url: str | None) -> None:
    """Read a backup into an empty database."""
    from storage.backup import restore
    from storage.place import Place

    restore(Place.of(url).start(), file)
    click.echo("restored")


@storage.command("move")
@click.argument("target", metavar="URL", envvar="STUDYHALL_TARGET")
@click.option("--study", "names", multiple=True, metavar="NAME", help="This study; may be repeated. Default: all.")
@storage_option
def storage_move(target: str, names: tuple[str, ...], url: str | None) -> None:
    """Copy studies to the storage at URL (or STUDYHALL_TARGET), checked by count and hash. Killed and run again, it
    goes on. The originals stay and do not go on: `delete` removes them."""
    from storage.upkeep import move

    move(url, target, names, lambda moved: click.echo(moved.line()))


@contextmanager
def _session(url: str | None) -> Iterator[Session]:
    from storage.place import Place

    session = Place.of(url).read()
    try:
        yield session
    finally:
        session.close()


@contextmanager
def _study(url: str | None, name: str, writing: bool = False) -> Iterator[tuple[Session, StudyRow]]:
    from storage.reader import Reader
    from storage.schema import check_versions

    with _session(url) as session:
        if writing:
            check_versions(session, writing=True)
        yield session, Reader(session).study(name)


def _print(found: Printable, form: Form = "text") -> None:
    from studies.tables.printing import formatted

    sys.stdout.write(formatted(found, form))


def _say(line: str) -> None:
    with suppress(OSError):  # whoever reads us may have seen enough: the work goes on
        click.echo(line, err=True)


def _open_streams() -> None:
    """A daemon may start us with closed streams, whose numbers files of ours would take; and not every terminal has
    every character."""
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
        _say(f"studyhall: {error}")
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except click.exceptions.NoArgsIsHelpError as error:  # `data` alone: a question, not a mistake
        click.echo(error.format_message())
    except click.ClickException as error:
        _say(f"studyhall: {error.format_message()}")
        sys.exit(2)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python would try to write the rest once more
        if not isinstance(error, BrokenPipeError):  # there, whoever read us has seen enough
            _say(f"studyhall: {error}")
            sys.exit(1)


if __name__ == "__main__":
    main()
