"""OpenLineage's events of a run and its steps, built by the library's own classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from customer_segmentation.lineage.openlineage.columns import Made

if TYPE_CHECKING:
    from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent

PRODUCER = "urn:customer-segmentation"
# Beyond the words of the specification: how Kedro calls it.
_INTEGRATION, _PROCESSING = "KEDRO", "BATCH"

State = Literal["START", "COMPLETE", "FAIL", "ABORT"]


@dataclass(frozen=True)
class Data:
    """A dataset as it is told of.

    Attributes:
        name: In the catalog.
        namespace: Where it lies: `file`, a bucket, a catalog of tables, or the project itself for
            what is handed on in memory.
        place: Its name there.
        columns: Names and types, if it is a table.
        about: What a row is.
        described: Descriptions of columns.
        made: How columns come about.
        version: The mark of its content.
        rows: Of a table whose rows are counted.
        size: In bytes.
    """

    name: str
    namespace: str
    place: str
    columns: Mapping[str, str] = field(default_factory=dict)
    about: str = ""
    described: Mapping[str, str] = field(default_factory=dict)
    made: Mapping[str, Made] = field(default_factory=dict)
    version: str = ""
    rows: int | None = None
    size: int | None = None


@dataclass(frozen=True)
class Told:
    """An event.

    Attributes:
        state: What has become of it.
        time: ISO 8601, UTC.
        run: UUID.
        namespace: Of the job.
        job: Its name: a step, or the pipelines of a run.
        about: What it does.
        kind: `PIPELINE` or `STEP`.
        parent: UUID and job of the run that a step is of.
        inputs: What it reads.
        outputs: What it makes.
        tags: More about a run, by name.
        error: Why it failed.
        left_out: Reason -> rows of the source without a place among the customers.
    """

    state: State
    time: str
    run: str
    namespace: str
    job: str
    kind: Literal["PIPELINE", "STEP"]
    about: str = ""
    parent: tuple[str, str] | None = None
    inputs: tuple[Data, ...] = ()
    outputs: tuple[Data, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    left_out: Mapping[str, int] = field(default_factory=dict)


def event(told: Told) -> RunEvent:
    """The event, as the library sends it."""
    from openlineage.client import event_v2 as events  # noqa: PLC0415 - slow import

    events.set_producer(PRODUCER)
    return events.RunEvent(
        eventTime=told.time,
        eventType=events.RunState[told.state],
        run=_run(told),
        job=_job(told),
        inputs=[_input(each, told.left_out) for each in told.inputs],
        outputs=[_output(each, told.inputs) for each in told.outputs],
        producer=PRODUCER,
    )


def _run(told: Told) -> Run:
    from importlib.metadata import version  # noqa: PLC0415 - of this function alone

    from openlineage.client import event_v2 as events  # noqa: PLC0415 - slow import
    from openlineage.client import facet_v2 as facets  # noqa: PLC0415 - slow import

    found: dict[str, Any] = {
        "processing_engine": facets.processing_engine_run.ProcessingEngineRunFacet(
            version=version("kedro"), name="Kedro"
        )
    }
    if told.parent:
        run, job = told.parent
        parent = facets.parent_run
        found["parent"] = parent.ParentRunFacet(
            run=parent.Run(runId=run), job=parent.Job(namespace=told.namespace, name=job)
        )
    if told.tags:
        tag = facets.tags_run.TagsRunFacetFields
        tags = [tag(key=key, value=value, source="KEDRO") for key, value in told.tags.items()]
        found["tags"] = facets.tags_run.TagsRunFacet(tags=tags)
    if told.error:
        found["errorMessage"] = facets.error_message_run.ErrorMessageRunFacet(
            message=told.error, programmingLanguage="python"
        )
    return events.Run(runId=told.run, facets=found)


def _job(told: Told) -> Job:
    from openlineage.client import event_v2 as events  # noqa: PLC0415 - slow import
    from openlineage.client import facet_v2 as facets  # noqa: PLC0415 - slow import

    found: dict[str, Any] = {
        "jobType": facets.job_type_job.JobTypeJobFacet(
            processingType=_PROCESSING, integration=_INTEGRATION, jobType=told.kind
        )
    }
    if told.about:
        found["documentation"] = facets.documentation_job.DocumentationJobFacet(told.about)
    return events.Job(namespace=told.namespace, name=told.job, facets=found)


def _facets(data: Data, inputs: Iterable[Data] = ()) -> dict[str, Any]:
    from openlineage.client import facet_v2 as facets  # noqa: PLC0415 - slow import

    links = facets.symlinks_dataset
    found: dict[str, Any] = {
        "symlinks": links.SymlinksDatasetFacet([links.Identifier("kedro", data.name, "TABLE")])
    }
    if data.about:
        found["documentation"] = facets.documentation_dataset.DocumentationDatasetFacet(data.about)
    if data.columns:
        column = facets.schema_dataset.SchemaDatasetFacetFields
        found["schema"] = facets.schema_dataset.SchemaDatasetFacet(
            [
                column(name=name, type=kind, description=data.described.get(name))
                for name, kind in data.columns.items()
            ]
        )
    if data.version:
        found["version"] = facets.dataset_version_dataset.DatasetVersionDatasetFacet(data.version)
    if lineage := _column_lineage(data, {each.name: each for each in inputs}):
        found["columnLineage"] = facets.column_lineage_dataset.ColumnLineageDatasetFacet(lineage)
    return found


def _column_lineage(data: Data, inputs: Mapping[str, Data]) -> dict[str, Any]:
    """Of the columns that it has, and that its inputs have."""
    from openlineage.client.facet_v2 import (  # noqa: PLC0415 - slow import
        column_lineage_dataset as lineage,
    )

    found: dict[str, Any] = {}
    for name, made in data.made.items():
        source = inputs.get(made.table)
        if source is None or (data.columns and name not in data.columns):
            continue
        how = lineage.Transformation(
            type="DIRECT",
            subtype="TRANSFORMATION" if made.how else "IDENTITY",
            description=made.how,
            masking=False,
        )
        fields = [
            lineage.InputField(source.namespace, source.place, column, [how])
            for column in made.columns
            if not source.columns or column in source.columns
        ]
        if fields:
            found[name] = lineage.Fields(inputFields=fields)
    return found


def _input(data: Data, left_out: Mapping[str, int]) -> InputDataset:
    from openlineage.client import event_v2 as events  # noqa: PLC0415 - slow import
    from openlineage.client import facet_v2 as facets  # noqa: PLC0415 - slow import

    found: dict[str, Any] = {}
    if data.rows is not None:
        found["inputStatistics"] = (
            facets.input_statistics_input_dataset.InputStatisticsInputDatasetFacet(
                rowCount=data.rows, size=data.size
            )
        )
        quality = facets.data_quality_assertions_dataset
        checks = [
            quality.Assertion(
                assertion="contract", success=False, severity="warn", name=why, actual=str(rows)
            )
            for why, rows in left_out.items()
        ]
        if checks:
            found["dataQualityAssertions"] = quality.DataQualityAssertionsDatasetFacet(checks)
    return events.InputDataset(
        namespace=data.namespace, name=data.place, facets=_facets(data), inputFacets=found
    )


def _output(data: Data, inputs: Iterable[Data]) -> OutputDataset:
    from openlineage.client import event_v2 as events  # noqa: PLC0415 - slow import
    from openlineage.client import facet_v2 as facets  # noqa: PLC0415 - slow import

    found: dict[str, Any] = {}
    if data.rows is not None or data.size:
        statistics = facets.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet
        found["outputStatistics"] = statistics(rowCount=data.rows, size=data.size)
    return events.OutputDataset(
        namespace=data.namespace,
        name=data.place,
        facets=_facets(data, inputs),
        outputFacets=found,
    )
