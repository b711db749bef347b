"""Commands of the project; errors that a person can fix are told in one line."""

from __future__ import annotations

import gc
import logging
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from inspect import isabstract
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from kedro.config import MissingConfigException
from kedro.framework.cli.hooks import cli_hook_impl, get_cli_hook_manager
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.cli.utils import KedroCliError, validate_conf_source
from kedro.framework.project import settings
from kedro.framework.startup import ProjectMetadata
from kedro.runner import AbstractRunner, SequentialRunner
from kedro.utils import find_kedro_project, load_obj

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.configuration import configuration_folder, project_of
from customer_segmentation.errors import NothingDue, UserError
from customer_segmentation.hooks import anchor_mlflow
from customer_segmentation.lineage.flow import SOURCE
from customer_segmentation.lineage.ledger import ledger_place, read_ledger
from customer_segmentation.mendable import explain
from customer_segmentation.run_lock import run_lock
from customer_segmentation.schema.file import SCHEMA_BLOCK, schema_problem
from customer_segmentation.session import ProjectSession, Stopped, require_environment
from customer_segmentation.spark import require_java

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext

    from customer_segmentation.bi.left import Left
    from customer_segmentation.datasets.online_features import OnlineFeaturesDataset
    from customer_segmentation.feature_store.commands import Known
    from customer_segmentation.monitoring.commands import Environment as Watched
    from customer_segmentation.retention.places import Environment

_ENV = click.Command(
    "any",
    params=[click.Option(["--env", "-e"])],
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)


@click.group(name="customer_segmentation")
def cli() -> None:
    """Commands of the project."""


class _CommandHooks:
    """Hooks for the commands of Kedro and its plugins."""

    @cli_hook_impl
    def before_command_run(
        self, project_metadata: ProjectMetadata, command_args: list[str]
    ) -> None:
        """Refuse an unknown environment, which commands would otherwise tell in fifty lines."""
        command = next(iter(command_args), "-")
        # The commands of the project check it themselves: `run` may use another `conf`. For
        # `kedro new`, -e has another meaning.
        if command.startswith("-") or command in {"new", *cli.commands}:
            return
        given = _ENV.make_context("any", list(command_args), resilient_parsing=True).params
        try:
            require_environment(given["env"], project_metadata.project_path / settings.CONF_SOURCE)
        except UserError as error:
            sys.exit(f"Error: {error}")


# Kedro imports this module only for the commands of this project.
_hooks = get_cli_hook_manager()
_hooks.register(_CommandHooks())
# With every command of a process Kedro puts one more tracer around its hooks, and after some 250
# commands they overflow Python's stack.
_hooks.enable_tracing = lambda: lambda: None  # type: ignore[method-assign]


class _MendableErrors(click.Command):
    """A command that tells errors a person can fix in one message, without a traceback."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:  # noqa: ANN401 - click's own signature
        """Parse the arguments, and show the messages that Kedro would hide."""
        try:
            return super().make_context(*args, **kwargs)
        except KedroCliError as error:
            raise click.ClickException(str(error)) from error

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        from kedro.validation.exceptions import (  # noqa: PLC0415 - slow; only a run needs it
            ParameterValidationError,
        )

        _require_runner(ctx.params.get("runner"))
        # What is imported by now stays to the end, and is not garbage that collections look for.
        # Only once: a process that runs several commands would keep the garbage of earlier ones.
        if not gc.get_freeze_count():
            gc.freeze()
        try:
            return super().invoke(ctx)
        except NothingDue:
            raise
        except KedroCliError as error:
            raise click.ClickException(str(error)) from error
        except ParameterValidationError as error:
            raise click.ClickException(parameters_message(str(error))) from error
        except KeyboardInterrupt as stop:
            number = stop.number if isinstance(stop, Stopped) else signal.SIGINT
            by = "Ctrl-C" if number == signal.SIGINT else number.name
            click.echo(f"Stopped by {by}: no file is half written; run again to go on", err=True)
            # The convention of shells.
            sys.exit(128 + number)
        except Exception as error:
            message = _message(error)
            if message is None:
                raise
            raise click.ClickException(message) from error


def _require_runner(name: str | None) -> None:
    try:
        runner = load_obj(name, "kedro.runner") if name else SequentialRunner
        is_runner = issubclass(runner, AbstractRunner) and not isabstract(runner)
    except (AttributeError, ImportError, TypeError, ValueError):
        is_runner = False
    if not is_runner:
        raise click.ClickException(f"there is no runner `{name}`: leave --runner out")


def _message(error: Exception) -> str | None:
    """The message for an error that a person can fix; None for any other."""
    if unknown := re.match(r"Failed to find the pipeline named '(.*?)'", str(error)):
        from kedro.framework.project import pipelines  # noqa: PLC0415 - configured by now

        known = ", ".join(name for name in pipelines if name != "__default__")
        return f"there is no pipeline `{unknown[1]}`: the pipelines are {known}"
    return explain(error)


def parameters_message(report: str) -> str:
    """Kedro's report about wrong parameters, with one line per parameter.

    Kedro keeps only the text of the pydantic errors: the name of a block, then for each key a line
    with its path and an indented line with the problem.
    """
    problems: list[str] = []
    block = path = ""
    for line in report.splitlines():
        if named := re.match(r"- Parameter '(.+?)': (.*)", line):
            block, path = named[1], ""
            if "validation error" not in named[2]:
                problems.append(f"`{block}`: {named[2]}")
        elif wrong := re.match(r"  (.+?) \[type=\w+, input_value=(.*), input_type=\w+\]", line):
            problem = wrong[1].removeprefix("Value error, ")
            is_schema = block == SCHEMA_BLOCK
            # A whole block that is wrong is not shown.
            given = f" (it is {wrong[2]})" if path else ""
            name = f"{block}.{path}" if path else block
            told = schema_problem(path, problem) if is_schema else f"`{name}`: {problem}"
            problems.append(told + given)
        elif not line.startswith((" ", "Parameter validation failed")):
            path = line
    lines = "\n  ".join(problems) or report
    return f"wrong parameters (conf/*/parameters_*.yml, --params):\n  {lines}"


_conf_source = click.option(
    "--conf-source",
    callback=validate_conf_source,
    help="Where the configuration is, if not in the project: a folder, or an archive or its URL.",
)


@cli.command(cls=_MendableErrors)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--env", default="dev", show_default=True, help="Whose parameters hold.")
@click.option(
    "--left-out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write, as CSV, the rows that would be left out, each with all its reasons.",
)
@_conf_source
def check(file: Path, env: str, left_out: Path | None, conf_source: str | None) -> None:
    """Tell what FILE, or a folder of files, would become; nothing else is written."""
    from customer_segmentation.check import check_file  # noqa: PLC0415 - slow

    _, configuration = _located(env, conf_source)
    # Only the account: a check is too short for progress messages.
    logging.disable()
    try:
        for line in check_file(file.absolute(), env, configuration, left_out):
            click.echo(line)
    finally:
        logging.disable(logging.NOTSET)


@cli.command(cls=_MendableErrors)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day that the file is of: ages and tenures are as of it.",
)
@click.option("--key", default="", metavar="HEADER", help="The column that tells customers apart.")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="HEADER=KIND",
    help="What a column holds: money, count, share, number, year, date, flag, category, "
    "email for addresses that lists of campaigns are sent with, or text for what is not to be "
    "read. May be given again.",
)
@click.option(
    "--date-format",
    default="",
    metavar="FORMAT",
    help="How dates are written, such as %d/%m/%Y.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The schema's file; by default conf/schemas/NAME.yml, with the name of the first file.",
)
def propose(  # noqa: PLR0913 - one for each option
    *,
    files: tuple[Path, ...],
    as_of: datetime | None,
    key: str,
    kinds: tuple[str, ...],
    date_format: str,
    out: Path | None,
) -> None:
    """Recognise the columns of FILES, parts of one export, and write a schema that reads them."""
    from customer_segmentation.proposal.seen import Corrections  # noqa: PLC0415 - slow
    from customer_segmentation.propose import propose_files  # noqa: PLC0415 - slow

    if wrong := [each for each in kinds if "=" not in each]:
        raise click.ClickException(f"--kind {wrong[0]}: write HEADER=KIND, such as Age=count")
    project = find_kedro_project(Path.cwd()) or Path.cwd()
    corrections = Corrections(
        # A header may have a = in it.
        kinds={header: kind for header, _, kind in (each.rpartition("=") for each in kinds)},
        key=key,
        as_of=as_of.date().isoformat() if as_of else "",
        date_format=date_format,
    )
    for line in propose_files(files, project / settings.CONF_SOURCE, corrections, out):
        click.echo(line)


@cli.command(cls=_MendableErrors)
@click.option("--env", default=None, help="The environment whose tables are maintained.")
@click.option(
    "--retain-hours",
    type=click.FloatRange(min=168.0),
    default=168.0,
    show_default=True,
    help="Versions older than this are deleted; a week at least, since a reader may need them.",
)
@_conf_source
def maintain(env: str | None, retain_hours: float, conf_source: str | None) -> None:
    """Compact an environment's Delta tables and delete the files of versions past retention."""
    from kedro.framework.project import pipelines  # noqa: PLC0415 - a configured project is needed

    with _context(env, conf_source) as context:
        # Kedro reads the configuration anew each time that it is asked for its catalog.
        catalog: Any = context.catalog
        datasets = {n: catalog.get(n) for n in sorted(pipelines["__default__"].datasets())}
        tables = {name: table for name, table in datasets.items() if hasattr(table, "maintain")}
        if not tables:
            raise click.ClickException(
                "no table of this environment is kept by this project's Delta dataset."
            )
        require_java()
        # It writes, too: on S3 two writers at once could lose a commit.
        with run_lock(str(context.config_loader["globals"]["tables"]), "kedro maintain"):
            for name, table in tables.items():
                if table.exists():
                    table.maintain(retain_hours)
                    click.echo(
                        f"{name}: compacted, versions of the last {retain_hours:g} hours kept"
                    )


@cli.command(cls=_MendableErrors)
@click.argument("customer_id")
@click.option("--env", default=None, help="The environment that forgets the customer.")
@click.option("--do", "is_done", is_flag=True, help="Erase; without it, only tell what would be.")
@_conf_source
def forget(customer_id: str, env: str | None, is_done: bool, conf_source: str | None) -> None:  # noqa: FBT001 - a flag of the command line
    """Erase customer CUSTOMER_ID from an environment, and prove it by a search of every byte."""
    from customer_segmentation.retention import forget as command  # noqa: PLC0415 - slow

    with _environment(env, conf_source, "kedro forget", is_locked=is_done) as environment:
        command.forget(environment, customer_id, click.echo, is_dry=not is_done)


@cli.command(cls=_MendableErrors)
@click.option("--env", default=None, help="The environment to clean; it names its retention.")
@click.option(
    "--retain-days",
    type=click.FloatRange(min=1.0),
    default=None,
    help="What is older is removed; by default retain_days of the environment's globals.yml.",
)
@click.option("--do", "is_done", is_flag=True, help="Remove; without it, only tell what would be.")
@_conf_source
def clean(
    *, env: str | None, retain_days: float | None, is_done: bool, conf_source: str | None
) -> None:
    """Remove what an environment need not keep: never what a promotion refers to."""
    from customer_segmentation.retention import clean as command  # noqa: PLC0415 - slow

    with _environment(env, conf_source, "kedro clean", is_locked=is_done) as environment:
        command.clean(environment, retain_days, click.echo, is_dry=not is_done)


@contextmanager
def _context(env: str | None, conf_source: str | None) -> Iterator[KedroContext]:
    """The project as an environment sees it."""
    with ProjectSession.create(env=env, conf_source=conf_source) as session:
        yield session.load_context()  # type: ignore[attr-defined]  # not its base's


@contextmanager
def _environment(
    env: str | None, conf_source: str | None, command: str, *, is_locked: bool
) -> Iterator[Environment]:
    """An environment whose files a command changes; locked if it does."""
    from customer_segmentation.retention.places import Environment  # noqa: PLC0415 - slow

    with _context(env, conf_source) as context:
        environment = Environment.of(context)
        with run_lock(environment.tables, command) if is_locked else nullcontext():
            yield environment


@cli.command(cls=_MendableErrors)
@click.option("--env", default=None, help="The environment whose champion is meant.")
@click.option(
    "--on",
    default=None,
    metavar="WHEN",
    help="A day such as 2026-11-28, today, yesterday, or a moment such as 2026-11-28T14:30; UTC.",
)
@click.option("--all", "is_all", is_flag=True, help="Every promotion there was, as a table of CSV.")
@_conf_source
def champion(env: str | None, on: str | None, is_all: bool, conf_source: str | None) -> None:  # noqa: FBT001 - a flag of the command line
    """Tell which bundle is live, or was; since when, by whom and with which figures."""
    from customer_segmentation.promotion import commands  # noqa: PLC0415 - slow

    store, _ = _bundles(env, conf_source)
    log = store.log()
    if is_all:
        click.echo(commands.as_csv(log), nl=False)
        return
    click.echo("\n".join(commands.told(store, log, on)))


@cli.command(cls=_MendableErrors)
@click.option("--env", default=None, help="The environment whose challenger is meant.")
@click.option("--take", "is_taken", is_flag=True, help="Try the champion of the environment below.")
@click.option("--drop", default=None, metavar="REASON", help="Try nothing any longer.")
@_conf_source
def challenger(
    *, env: str | None, is_taken: bool, drop: str | None, conf_source: str | None
) -> None:
    """Tell which bundle is tried beside the champion, and how it does; or begin or end that."""
    from customer_segmentation.retraining import commands  # noqa: PLC0415 - slow
    from customer_segmentation.retraining.trial import Shadows  # noqa: PLC0415 - slow

    root, loader = _configured(env, conf_source)
    places = loader["globals"]
    here = BundleStore(_anchored(root, places["models"]), places["environment"])
    other = places["below"]
    below = BundleStore(_anchored(root, other["models"]), other["environment"])
    shadows = Shadows(_anchored(root, f"{places['tables']}/monitoring"))
    if is_taken and drop is not None:
        raise UserError("--take begins a trial and --drop ends one: give one of them")
    if is_taken:
        click.echo(commands.take(here, below if other["environment"] else None))
    elif drop is not None:
        click.echo(commands.drop(here, drop))
    else:
        click.echo("\n".join(commands.told(here, shadows)))


@cli.command(cls=_MendableErrors)
@click.option("--env", default=None, help="The environment whose champion is replaced.")
@click.option("--to", default=None, metavar="BUNDLE", help="By default the one before.")
@click.option("--approver", required=True, help="Who asks for it.")
@click.option("--reason", required=True, help="Why.")
@_conf_source
def rollback(
    *, env: str | None, to: str | None, approver: str, reason: str, conf_source: str | None
) -> None:
    """Make a former champion the champion again; servers take it up within a second."""
    from customer_segmentation.promotion import commands  # noqa: PLC0415 - slow

    store, tracking = _bundles(env, conf_source)
    back, bundle = commands.roll_back(store, to, approver, reason)
    click.echo(
        f"Bundle {back.bundle} is the champion of {store.environment} again, in place of "
        f"{back.previous}"
    )
    # Only now: MLflow takes longer to import than all else.
    import mlflow  # noqa: PLC0415 - as above

    from customer_segmentation.promotion.registry import (  # noqa: PLC0415 - as above
        CHAMPION,
        register,
    )

    mlflow.set_tracking_uri(tracking)
    register(bundle, store, CHAMPION)


@cli.group()
def feature() -> None:
    """Find features, ask what they mean and where they come from, and read a customer's."""


_feature_env = click.option("--env", default=None, help="The environment whose features are meant.")


@feature.command("list", cls=_MendableErrors)
@click.argument("text", default="")
@_feature_env
@_conf_source
def list_features(text: str, env: str | None, conf_source: str | None) -> None:
    """Name the features, or those with TEXT in their name or description."""
    from customer_segmentation.feature_store import commands  # noqa: PLC0415 - slow

    known, _ = _features(env, conf_source)
    click.echo("\n".join(commands.listed(known.features, text)))


@feature.command(cls=_MendableErrors)
@click.argument("name")
@_feature_env
@_conf_source
def show(name: str, env: str | None, conf_source: str | None) -> None:
    """Tell what the feature NAME is: unit, formula, version, and where its values come from."""
    from customer_segmentation.feature_store import commands  # noqa: PLC0415 - slow

    known, _ = _features(env, conf_source)
    click.echo("\n".join(commands.shown(known, name)))


@feature.command(cls=_MendableErrors)
@_feature_env
@_conf_source
def versions(env: str | None, conf_source: str | None) -> None:
    """Tell every version of the features that was promoted or served."""
    from customer_segmentation.feature_store import commands  # noqa: PLC0415 - slow

    known, _ = _features(env, conf_source)
    click.echo("\n".join(commands.versions(known)))


@feature.command(cls=_MendableErrors)
@click.argument("customer_id")
@click.argument("names", nargs=-1)
@_feature_env
@_conf_source
def get(customer_id: str, names: tuple[str, ...], env: str | None, conf_source: str | None) -> None:
    """Read the features NAMES, or all, of CUSTOMER_ID from the online store."""
    from customer_segmentation.feature_store import commands  # noqa: PLC0415 - slow

    known, dataset = _features(env, conf_source)
    for line in commands.values(known.features, dataset.open(), customer_id, names):
        click.echo(line)


@feature.command(cls=_MendableErrors)
@_feature_env
@_conf_source
def apply(env: str | None, conf_source: str | None) -> None:
    """Tell Feast: write its registry and feature_store.yaml of what the online store holds."""
    from customer_segmentation.feature_store.feast.store import (  # noqa: PLC0415 - slow
        FeastPlaces,
        apply_definitions,
    )

    with _context(env, conf_source) as context:
        click.echo("\n".join(apply_definitions(FeastPlaces.of(context))))


@feature.command(cls=_MendableErrors)
@click.option(
    "--to",
    "target",
    required=True,
    metavar="STORE",
    help="sagemaker://PREFIX, databricks or databricks://CATALOG.SCHEMA: docs/feature_store.md.",
)
@_feature_env
@_conf_source
def publish(target: str, env: str | None, conf_source: str | None) -> None:
    """Write the last run's features to SageMaker's or Databricks' feature store."""
    from customer_segmentation.feature_store import commands  # noqa: PLC0415 - slow

    known, _ = _features(env, conf_source)
    features = known.published
    with _context(env, conf_source) as context:
        table = context.catalog.load(commands.TABLE)
        click.echo("\n".join(commands.publish_table(target, features, table)))


@cli.group()
def campaign() -> None:
    """Deliver the planned campaign, and tell what was sent."""


_campaign_env = click.option("--env", default=None, help="The environment whose campaign is meant.")


@campaign.command(cls=_MendableErrors)
@click.option(
    "--to",
    required=True,
    metavar="WHERE",
    help="An https:// address, s3://bucket/prefix, or a folder: docs/campaigns.md.",
)
@click.option(
    "--on",
    default=None,
    metavar="DAY",
    help="The day that consent must hold on, such as 2026-11-28; by default today.",
)
@_campaign_env
@_conf_source
def deliver(to: str, on: str | None, env: str | None, conf_source: str | None) -> None:
    """Send the planned list: only who entered, left or changed since the last delivery there."""
    from customer_segmentation.delivery import commands  # noqa: PLC0415 - slow
    from customer_segmentation.retention.places import Environment  # noqa: PLC0415 - slow

    with _context(env, conf_source) as context:
        environment = Environment.of(context)
        with run_lock(environment.tables, "kedro campaign deliver") as lock:
            environment.go_on()
            place = commands.Place(
                environment.name,
                environment.catalog,
                environment.schema,
                environment.log,
                lock.require_held,
            )
            commands.deliver(place, to, on, click.echo)


@campaign.command("log", cls=_MendableErrors)
@_campaign_env
@_conf_source
def log_of_campaigns(env: str | None, conf_source: str | None) -> None:
    """Tell what was sent: campaign, receiver, day, who entered, changed and left, and the state."""
    from customer_segmentation.delivery import commands  # noqa: PLC0415 - slow
    from customer_segmentation.delivery.log import SendLog, log_place  # noqa: PLC0415 - slow

    root, loader = _configured(env, conf_source)
    places = loader["globals"]
    log = SendLog(_anchored(root, log_place(places)))
    for line in commands.log_lines(log):
        click.echo(line)


@cli.group()
def stream() -> None:
    """Keep customers up to date from Kafka: docs/sources.md."""


_stream_env = click.option("--env", default=None, help="The environment whose stream is meant.")


@stream.command("run", cls=_MendableErrors)
@click.option(
    "--only",
    type=click.Choice(["answers", "tables", "bronze"]),
    default=None,
    help="One of its processes; without it, all.",
)
@click.option(
    "--runner",
    # Not `runner`, which is one of Kedro's for `kedro run`.
    "kind",
    type=click.Choice(["small", "spark", "spark-realtime"]),
    default="small",
    show_default=True,
    help="small needs no Java; spark is for many partitions, and writes Delta; spark-realtime "
    "answers customer records in a topic, at least once.",
)
@click.option("--once", is_flag=True, help="With spark: end when what is there now is in tables.")
@_stream_env
@_conf_source
def run_stream(
    *, only: str | None, kind: str, once: bool, env: str | None, conf_source: str | None
) -> None:
    """Answer events as they come, and write the tables; until Ctrl-C or SIGTERM."""
    from customer_segmentation.streaming import commands  # noqa: PLC0415 - slow
    from customer_segmentation.streaming.places import Stream  # noqa: PLC0415 - slow

    root, loader = _configured(env, conf_source)
    read = Stream.of(root, loader)
    if once and kind != "spark":
        raise click.ClickException("--once is for --runner=spark")
    if kind != "small":
        if only:
            raise click.ClickException("--only is for --runner=small: Spark is one process")
        from customer_segmentation.streaming.spark import (  # noqa: PLC0415 - needs its extra
            commands as by_spark,
        )

        try:
            session = loader["spark"]
        except MissingConfigException as error:
            message = f"--runner={kind}: {read.environment} has no spark.yml: use --env=prod"
            raise click.ClickException(message) from error
        by_spark.run(read, session, kind, click.echo, once=once)  # type: ignore[arg-type]
        return
    if only:
        commands.run_role(read, only, click.echo)
        return
    given = [f"--env={env}"] if env else []
    given += [f"--conf-source={conf_source}"] if conf_source else []
    commands.run_roles(commands.roles_of(read), given, click.echo)


@stream.command("status", cls=_MendableErrors)
@_stream_env
@_conf_source
def stream_status(env: str | None, conf_source: str | None) -> None:
    """Tell lag, rate, dead letters and the last checkpoint."""
    from customer_segmentation.streaming import commands  # noqa: PLC0415 - slow
    from customer_segmentation.streaming.places import Stream  # noqa: PLC0415 - slow

    for line in commands.status_lines(Stream.of(*_configured(env, conf_source))):
        click.echo(line)


@stream.command("backfill", cls=_MendableErrors)
@click.argument("place")
@click.option("--encoding", default="utf-8", help="Of text without a byte-order mark.")
@_stream_env
@_conf_source
def backfill_stream(place: str, encoding: str, env: str | None, conf_source: str | None) -> None:
    """Send each row of a file, a folder or a URL to the topic of events, also while it runs."""
    from customer_segmentation.streaming.backfill import backfill  # noqa: PLC0415 - slow
    from customer_segmentation.streaming.places import Stream  # noqa: PLC0415 - slow

    backfill(Stream.of(*_configured(env, conf_source)), place, click.echo, encoding)


@stream.command("rebuild", cls=_MendableErrors)
@click.option(
    "--source",
    default=SOURCE,
    show_default=True,
    help="The entry of the catalog whose parts hold all events.",
)
@_stream_env
@_conf_source
def rebuild_stream(source: str, env: str | None, conf_source: str | None) -> None:
    """Make the state of customers anew from what was landed; the stream must not run."""
    from customer_segmentation.streaming.places import Stream  # noqa: PLC0415 - slow
    from customer_segmentation.streaming.rebuilding import rebuild_from_catalog  # noqa: PLC0415

    root, loader = _configured(env, conf_source)
    read = Stream.of(root, loader)
    entry = dict(read.catalog.get(source) or {})
    if "parts" in entry:
        entry["parts"] = _anchored(root, str(entry["parts"]))
    day = datetime.now(UTC).date() if read.settings.as_of == "today" else None
    rebuild_from_catalog(read.state_file, read.schema, entry, click.echo, day)


@cli.group()
def monitor() -> None:
    """Tell people what monitoring found: docs/monitoring.md."""


_monitor_env = click.option("--env", default=None, help="The environment that is meant.")


@monitor.command(cls=_MendableErrors)
@_monitor_env
@_conf_source
def alert(env: str | None, conf_source: str | None) -> None:
    """Tell by webhook, mail and SNS what is beyond its bound and was not told, or is over."""
    from customer_segmentation.monitoring import commands  # noqa: PLC0415 - slow
    from customer_segmentation.monitoring.alerts.receivers import (  # noqa: PLC0415 - slow
        receivers_of,
    )

    environment = watched(env, conf_source)
    # Its own: a run need not have ended.
    with run_lock(environment.memory, "kedro monitor alert"):
        receivers = receivers_of(environment.settings, click.echo)
        commands.alert(environment, receivers, click.echo)


@monitor.command("status", cls=_MendableErrors)
@_monitor_env
@_conf_source
def monitor_status(env: str | None, conf_source: str | None) -> None:
    """Tell what was found last, which alerts are open, and who was told when."""
    from customer_segmentation.monitoring import commands  # noqa: PLC0415 - slow
    from customer_segmentation.monitoring.alerts.receivers import (  # noqa: PLC0415 - slow
        receivers_of,
    )

    environment = watched(env, conf_source)
    receivers = receivers_of(environment.settings, click.echo)
    for line in commands.status_lines(environment, receivers):
        click.echo(line)


@cli.command(cls=_MendableErrors)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(["parquet", "hyper", "sbdf"]),
    help="hyper for Tableau, sbdf for Spotfire, parquet for Power BI and others: the default. "
    "May be given again.",
)
@click.option("--env", default=None, help="The environment whose gold tables are meant.")
@_conf_source
def export(
    folder: Path, formats: tuple[str, ...], env: str | None, conf_source: str | None
) -> None:
    """Write all gold tables to FOLDER as files of BI tools; needs no Java."""
    from customer_segmentation.bi import export as command  # noqa: PLC0415 - slow

    command.export(left_in(env, conf_source), folder, formats or ("parquet",), click.echo)


def left_in(env: str | None, conf_source: str | None) -> Left:
    """What runs left in an environment."""
    from customer_segmentation.bi.left import Left  # noqa: PLC0415 - slow

    return Left.of(*_configured(env, conf_source))


def watched(env: str | None, conf_source: str | None) -> Watched:
    """An environment, as alerts see it."""
    from customer_segmentation.monitoring import commands  # noqa: PLC0415 - slow

    return commands.Environment.of(*_configured(env, conf_source))


def _features(env: str | None, conf_source: str | None) -> tuple[Known, OnlineFeaturesDataset]:
    """What an environment knows of its features, and its online store."""
    from customer_segmentation.datasets.online_features import (  # noqa: PLC0415 - slow
        OnlineFeaturesDataset,
    )
    from customer_segmentation.feature_store.commands import Known  # noqa: PLC0415 - slow

    root, loader = _configured(env, conf_source)
    places = loader["globals"]
    named = {
        key: value for key, value in loader["catalog"]["online_features"].items() if key != "type"
    }
    dataset = OnlineFeaturesDataset(**{**named, "filepath": _anchored(root, named["filepath"])})
    known = Known(
        places["environment"],
        BundleStore(_anchored(root, places["models"]), places["environment"]),
        read_ledger(ledger_place({**places, "tables": _anchored(root, places["tables"])})),
        dataset.load() if dataset.exists() else None,
    )
    return known, dataset


def _bundles(env: str | None, conf_source: str | None) -> tuple[BundleStore, str]:
    """The bundles of an environment, and where its MLflow is."""
    root, loader = _configured(env, conf_source)
    anchor_mlflow(root, loader)
    places = loader["globals"]
    return (
        BundleStore(_anchored(root, places["models"]), places["environment"]),
        loader["mlflow"]["server"]["mlflow_tracking_uri"],
    )


def _configured(env: str | None, conf_source: str | None) -> tuple[Path, Any]:
    """The project's folder, and the configuration of an environment."""
    root, configuration = _located(env, conf_source)
    loader = settings.CONFIG_LOADER_CLASS(
        str(configuration), env=env or environ.get("KEDRO_ENV"), **settings.CONFIG_LOADER_ARGS
    )
    return root, loader


def _located(env: str | None, conf_source: str | None) -> tuple[Path, Path]:
    """The project's folder, and that of the configuration, which has the environment."""
    # As of a run: what it has left is in the project that it was started in.
    root = find_kedro_project(Path.cwd()) or project_of(conf_source)
    configuration = configuration_folder(conf_source or str(root / settings.CONF_SOURCE)).absolute()
    require_environment(env, configuration)
    return root, configuration


def _anchored(root: Path, place: str) -> str:
    return place if "://" in place else str(root / place)


run = _MendableErrors(
    name=kedro_run.name, params=kedro_run.params, help=kedro_run.help, callback=kedro_run.callback
)
cli.add_command(run)
