"""Every file that an environment holds: folders, buckets, and old versions of objects."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kedro.config import AbstractConfigLoader
from kedro.framework.context import KedroContext
from kedro.framework.project import pipelines, settings

from customer_segmentation.datasets.online_features import OnlineFeaturesDataset
from customer_segmentation.datasets.pending import FOLDER, filesystem_of, place_of, remove
from customer_segmentation.datasets.whole_files import WholeFilesCatalog
from customer_segmentation.delivery.log import log_place
from customer_segmentation.errors import UserError
from customer_segmentation.lineage.content import is_kept
from customer_segmentation.lineage.flow import SOURCE, WHOLE, is_parameter
from customer_segmentation.lineage.ledger import ledger_place, read_ledger
from customer_segmentation.lineage.publishing import go_on
from customer_segmentation.preconditions import require_environment
from customer_segmentation.schema.file import SCHEMA_BLOCK, checked_schema
from customer_segmentation.schema.schema import Schema
from customer_segmentation.streaming.store import STATE_FILE

_SAMPLE = "data/sample"
_JOBS, _DEFAULT_JOBS = "SEGMENTATION_SERVING_JOBS", "data/jobs"
# Beside staging's data: what `make staging` keeps of its own bucket, which a run reads through S3.
_REHEARSED = "s3"
_ONLINE, CONSENTS, OUTCOMES = "online_features", "consents", "arrived_outcomes"
_SQLITE = "sqlite:///"
# The classes of entries of sources that grow.
_GROWING = (".ArrivingSource", ".ArrivedOutcomes")
WRITING = ".writing-"


@dataclass(frozen=True)
class File:
    """A file or object.

    Attributes:
        place: Its path or URL.
        size: In bytes.
        version: Of an object that a versioned bucket keeps, though it was replaced or deleted.
    """

    place: str
    size: int
    version: str | None = None

    def open(self) -> Any:  # noqa: ANN401 - fsspec ships no types
        """The file, to be read."""
        files, path = filesystem_of(self.place)
        if self.version is None:
            return files.open(path, "rb")
        return type(files)(version_aware=True).open(path, "rb", version_id=self.version)


@dataclass(frozen=True)
class Environment:
    """Where an environment keeps what.

    Attributes:
        name: As `--env` has it.
        project: The project's folder.
        catalog: Its catalog.
        schema: What its customers are.
        roots: Its folders and buckets, and MLflow's files.
        apart: Places below these that are not its own: of other environments, and sources.
        tables: The root of its tables, which is locked.
        data: The root of its files.
        models: The root of its models.
        ledger: Path of its ledger.
        log: The folder of its send log.
        landing: Where the source is landed.
        parts: Where what arrived of sources that grow is kept, and what it comes to.
        jobs: The folder of the API's jobs.
        online: What fills its online feature store.
        stream: The file of the state of its stream, there or not.
        tracking: Where its runs are tracked.
        others: The other environments.
        retain_days: How long it keeps what can be removed; None if it keeps everything.
    """

    name: str
    project: Path
    catalog: WholeFilesCatalog
    schema: Schema
    roots: tuple[str, ...]
    apart: tuple[str, ...]
    tables: str
    data: str
    models: str
    ledger: str
    log: str
    landing: str
    parts: tuple[str, ...]
    jobs: Path
    online: OnlineFeaturesDataset
    stream: Path
    tracking: str
    others: tuple[str, ...]
    retain_days: float | None

    @classmethod
    def of(cls, context: KedroContext) -> Environment:
        """An environment, as Kedro gives it to commands.

        Raises:
            UserError: It names no bucket, or needs Java and there is none.
        """
        project, loader = Path(context.project_path), context.config_loader
        # Kedro makes a new catalog each time that it is asked for it.
        catalog: Any = context.catalog
        places = loader["globals"]
        require_environment(str(places["tables"]), pipelines[WHOLE], catalog)
        name = str(places["environment"])
        tracking = loader["mlflow"]["server"]["mlflow_tracking_uri"]
        # Before another environment is read: the last loader made settles what `globals` are.
        stream = project / str(loader["stream"]["state"]) / STATE_FILE
        parts = _parts_of(loader["catalog"], project)
        jobs = Path(os.environ.get(_JOBS) or project / _DEFAULT_JOBS).absolute()
        own = {_absolute(project, str(places[kind])) for kind in ("tables", "data", "models")}
        others = _others(loader, project, name)
        landing = _absolute(project, place_of(catalog.get(SOURCE), "_landing") or "")
        roots = {*own, landing, str(jobs), *parts}
        if tracking.startswith(_SQLITE):
            database = tracking.removeprefix(_SQLITE)
            # Beside the database: its journal.
            roots |= {database, f"{database}-wal", str(project / "mlruns")}
        apart = {
            *(root for roots in others.values() for root in roots if _is_within(root, own)),
            str(project / _SAMPLE),
            *(place for place in sources(catalog) if "://" not in place),
        }
        tables = _absolute(project, str(places["tables"]))
        if "://" in tables:
            apart.add(f"{_absolute(project, str(places['data']))}/{_REHEARSED}")
        return cls(
            name=name,
            project=project,
            catalog=catalog,
            schema=checked_schema(catalog.load(f"params:{SCHEMA_BLOCK}")),
            roots=tuple(sorted(root for root in roots if not _is_managed(root))),
            apart=tuple(sorted(apart)),
            tables=str(places["tables"]),
            data=_absolute(project, str(places["data"])),
            models=_absolute(project, str(places["models"])),
            ledger=_absolute(project, ledger_place(places)),
            log=_absolute(project, log_place(places)),
            landing=landing,
            parts=parts,
            jobs=jobs,
            online=catalog.get(_ONLINE),
            stream=stream,
            tracking=tracking,
            others=tuple(others),
            retain_days=places.get("retain_days"),
        )

    def files(self, *, with_old: bool = False) -> Iterator[File]:
        """Each file and object once.

        Args:
            with_old: Whether also the old versions of objects.

        Raises:
            UserError: The credentials may not see these.
        """
        seen: set[str] = set()
        for root in self.roots:
            for file in (*_present(root), *(_old(root) if with_old else ())):
                known = f"{file.place} {file.version}"
                if known not in seen and not is_below(file.place, self.apart):
                    seen.add(known)
                    yield file

    def made(self) -> dict[str, str]:
        """Each dataset that runs write to files -> its place."""
        # Not what they only read: a source that is not named would be the whole project.
        names = {name for pipeline in pipelines.values() for name in pipeline.all_outputs()}
        places = {name: place_of(self.catalog.get(name)) for name in sorted(names)}
        return {name: place for name, place in places.items() if place and not is_parameter(name)}

    @property
    def online_file(self) -> str:
        """The file of the online feature store, if it is one of SQLite, or was."""
        return self.online.beside

    @property
    def managed(self) -> list[str]:
        """The tables that a catalog such as Unity Catalog keeps, and no place that is known."""
        datasets = {name: self.catalog.get(name) for name in sorted(pipelines[WHOLE].datasets())}
        return [n for n, each in datasets.items() if is_kept(each) and place_of(each) is None]

    def makes(self, place: str) -> bool:
        """Whether the project itself wrote a file, so that it may change it."""
        runs = [self.landing, self.log, str(self.project / "mlruns"), str(self.jobs)]
        return is_below(place, [*self.made().values(), *runs, *self.parts])

    def shown(self, place: str) -> str:
        """A place as a person is told it: relative to the project."""
        return place.removeprefix(f"{self.project}/")

    def go_on(self) -> None:
        """Publish what a killed run was to publish, which is part of what there is; if locked."""
        go_on(self.ledger, read_ledger(self.ledger), self.catalog)

    def remove_leftovers(self) -> None:
        """Remove what killed runs and commands left half written; the lock must be held."""
        folders = set()
        for file in self.files():
            parts = file.place.split("/")
            halves = [n for n, part in enumerate(parts) if part == FOLDER or is_half(part)]
            # A rollback takes no lock, and writes beside the bundles.
            if halves and "/models/" not in file.place:
                folders.add("/".join(parts[: halves[0] + 1]))
        for folder in sorted(folders):
            remove(folder)


def sources(catalog: WholeFilesCatalog) -> list[str]:
    """What runs read of customers: paths and URLs that are not the project's to change."""
    kinds = ("_filepath", "_customers", "reads_from")
    read = (*((SOURCE, kind) for kind in kinds), (CONSENTS, "place"))
    named = (getattr(catalog.get(name), attribute, None) for name, attribute in read)
    arriving = getattr(catalog.get(OUTCOMES), "reads_from", ())
    return [str(each) for each in (*named, *arriving) if each]


def is_below(place: str, folders: Any) -> bool:  # noqa: ANN401 - any collection of paths
    """Whether a place is one of these or below one."""
    return any(place == each or place.startswith(f"{each.rstrip('/')}/") for each in folders)


def _is_within(root: str, own: set[str]) -> bool:
    return root not in own and is_below(root, own)


def is_half(part: str) -> bool:
    """Whether a part of a path is of something half written."""
    return part.startswith(WRITING)


def _is_managed(root: str) -> bool:
    return "://" in root and not root.startswith("s3://")


def _absolute(project: Path, root: str) -> str:
    place = root.replace("s3a://", "s3://", 1).rstrip("/")
    return place if "://" in place else str(project / place)


def _parts_of(entries: Mapping[str, Any], project: Path) -> tuple[str, ...]:
    """Of each source that grows, and not of `source` alone: a stream is made anew from others."""
    told = [entry for entry in entries.values() if isinstance(entry, Mapping)]
    growing = [entry for entry in told if str(entry.get("type")).endswith(_GROWING)]
    places = (entry.get(kind) for entry in growing for kind in ("parts", "landing"))
    return tuple(sorted({_absolute(project, str(place)) for place in places if place}))


def _others(loader: AbstractConfigLoader, project: Path, name: str) -> dict[str, list[str]]:
    """Each other environment -> its roots."""
    roots = {}
    for file in sorted(Path(loader.conf_source).glob("*/globals.yml")):
        if (other := file.parent.name) != name:
            found = settings.CONFIG_LOADER_CLASS(
                str(loader.conf_source), env=other, **settings.CONFIG_LOADER_ARGS
            )["globals"]
            kinds = ("tables", "data", "models")
            roots[other] = [_absolute(project, str(found[kind])) for kind in kinds]
    return roots


def _present(root: str) -> Iterator[File]:
    files, path = filesystem_of(root)
    prefix = root.removesuffix(path) if "://" in root else ""
    for name, info in files.find(path, detail=True).items():
        yield File(f"{prefix}{name}", int(info["size"]))


def _old(root: str) -> Iterator[File]:
    """The versions behind the present objects of a bucket."""
    files, path = filesystem_of(root)
    if "s3" not in files.protocol:
        return
    bucket, _, folder = path.partition("/")
    try:
        # A bucket that no longer keeps versions still has the old ones.
        if not files.call_s3("get_bucket_versioning", Bucket=bucket).get("Status"):
            return
    except PermissionError as error:
        raise UserError(
            f"s3://{bucket}: these credentials may not see whether the bucket keeps old versions, "
            "which would hold the customer: they need s3:GetBucketVersioning and, if it does, "
            "s3:ListBucketVersions, s3:GetObjectVersion and s3:DeleteObjectVersion"
        ) from error
    page: dict[str, str] = {}
    while True:
        found = files.call_s3("list_object_versions", Bucket=bucket, Prefix=folder, **page)
        for each in found.get("Versions", []):
            if not each["IsLatest"]:
                yield File(f"s3://{bucket}/{each['Key']}", each["Size"], each["VersionId"])
        if not found.get("IsTruncated"):
            return
        page = {
            "KeyMarker": found["NextKeyMarker"],
            "VersionIdMarker": found["NextVersionIdMarker"],
        }
