"""Sends what a nightly pipeline would, with the official OpenLineage client: its own classes, its own transports.

    python emit.py --url URL --key KEY --namespace NAME [--transport http|async_http] [--gzip]

It prints the ids of its runs as JSON. Facets of Whence's own (docs/spec/facets) are made the way the client's
documentation has it: a subclass of its RunFacet that says where its schema stands.
"""

import argparse
import json
import logging

import attr
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import (
    Dataset,
    DatasetEvent,
    InputDataset,
    Job,
    JobEvent,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
)
from openlineage.client.facet_v2 import (
    RunFacet,
    column_lineage_dataset,
    data_quality_assertions_dataset,
    dataset_version_dataset,
    documentation_job,
    error_message_run,
    input_statistics_input_dataset,
    job_type_job,
    lifecycle_state_change_dataset,
    nominal_time_run,
    output_statistics_output_dataset,
    ownership_dataset,
    ownership_job,
    parent_run,
    schema_dataset,
    set_producer,
    source_code_location_job,
    sql_job,
    symlinks_dataset,
    tags_job,
)
from openlineage.client.uuid import generate_new_uuid

SCHEMAS = "urn:whence:facets:1-0-0:"


@attr.define
class CodeVersion(RunFacet):
    gitCommit: str
    imageDigest: str

    @staticmethod
    def _get_schema() -> str:
        return SCHEMAS + "WhenceCodeVersionFacet"


@attr.define
class CampaignContext(RunFacet):
    campaignId: str

    @staticmethod
    def _get_schema() -> str:
        return SCHEMAS + "WhenceCampaignContextFacet"


@attr.define
class Anything(RunFacet):
    """A facet that nobody has heard of: kept and shown as it is."""

    colour: str
    numbers: list

    @staticmethod
    def _get_schema() -> str:
        return "https://shop.example/facets/1-0-0/AnythingRunFacet.json"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--transport", choices=["http", "async_http"], default="http")
    parser.add_argument("--gzip", action="store_true")
    parser.add_argument("--once", action="store_true", help="send one event only, and tell what the client raises")
    return parser.parse_args()


def client_of(args: argparse.Namespace) -> OpenLineageClient:
    transport = {
        "type": args.transport,
        "url": args.url,
        "endpoint": "api/v1/lineage",
        "auth": {"type": "api_key", "apiKey": args.key},
    }
    if args.gzip:
        transport["compression"] = "gzip"
    return OpenLineageClient(config={"transport": transport})


class Pipeline:
    def __init__(self, client: OpenLineageClient, namespace: str) -> None:
        self.client = client
        self.namespace = namespace
        self.nightly = str(generate_new_uuid())
        self.load = str(generate_new_uuid())
        self.report = str(generate_new_uuid())

    def run(self) -> dict:
        self.describe()
        self.emit(RunState.START, "02:00:00", self.nightly, "nightly")
        self.load_orders()
        self.refresh_report()
        self.emit(RunState.COMPLETE, "02:09:00", self.nightly, "nightly")
        return {"nightly": self.nightly, "load": self.load, "report": self.report}

    def describe(self) -> None:
        """What a catalogue would say by itself: of a dataset, and of a job."""
        owners = [ownership_dataset.Owner(name="team:orders", type="MAINTAINER")]
        self.client.emit(
            DatasetEvent(
                eventTime="2026-03-06T01:00:00Z",
                dataset=Dataset(
                    "postgres://shop.example:5432",
                    f"{self.namespace}.raw.orders",
                    facets={
                        "ownership": ownership_dataset.OwnershipDatasetFacet(owners=owners),
                        "schema": schema("order_id bigint", "customer text", "cents bigint", "note text"),
                    },
                ),
            )
        )
        self.client.emit(
            JobEvent(
                eventTime="2026-03-06T01:00:01Z",
                job=Job(
                    self.namespace,
                    "load_orders",
                    facets={
                        "ownership": ownership_job.OwnershipJobFacet(
                            owners=[ownership_job.Owner(name="team:orders", type="MAINTAINER")]
                        ),
                        "documentation": documentation_job.DocumentationJobFacet(
                            description="Orders of the day, as the warehouse has them", contentType="text/plain"
                        ),
                    },
                ),
            )
        )

    def load_orders(self) -> None:
        """One run in three events, each adding to the one before, as the specification has it."""
        run = {
            "nominalTime": nominal_time_run.NominalTimeRunFacet(
                nominalStartTime="2026-03-06T02:00:00Z", nominalEndTime="2026-03-07T02:00:00Z"
            ),
            "whence_codeVersion": CodeVersion(
                gitCommit="5f3c1e0a9b7d4c6e8f2a1b3c5d7e9f0a1b2c3d4e",
                imageDigest="sha256:" + "ab" * 32,
            ),
            "whence_campaignContext": CampaignContext(campaignId="spring-sale-2026"),
            "shop_anything": Anything(colour="blue – grün", numbers=[1, 2.5, 10**12]),
        }
        job = {
            "sql": sql_job.SQLJobFacet(
                query="select order_id, customer, cents / 100 as euros from raw.orders where cents > 0",
                dialect="postgres",
            ),
            "jobType": job_type_job.JobTypeJobFacet(processingType="BATCH", integration="CRON", jobType="QUERY"),
            "sourceCodeLocation": source_code_location_job.SourceCodeLocationJobFacet(
                type="git",
                url="https://git.example/shop/pipelines/blob/main/load_orders.sql",
                version="5f3c1e0a9b7d4c6e8f2a1b3c5d7e9f0a1b2c3d4e",
            ),
            "tags": tags_job.TagsJobFacet(
                tags=[tags_job.TagsJobFacetFields(key="tier", value="gold", source="SHOP")]
            ),
        }
        self.emit(RunState.START, "02:00:10", self.load, "load_orders", run, job, inputs=[self.raw()])
        self.emit(
            RunState.RUNNING,
            "02:03:00",
            self.load,
            "load_orders",
            inputs=[self.raw(inputFacets={"inputStatistics": statistics_in(1000)})],
        )
        self.emit(
            RunState.COMPLETE, "02:04:00", self.load, "load_orders", inputs=[self.raw()], outputs=[self.orders()]
        )

    def refresh_report(self) -> None:
        """Reads what was loaded, and fails: it writes nothing."""
        inputs = [
            InputDataset(
                "s3://shop-warehouse",
                f"{self.namespace}/orders",
                inputFacets={"dataQualityAssertions": assertions(("euros", True), ("customer", False))},
            )
        ]
        self.emit(RunState.START, "02:05:00", self.report, "refresh_report", inputs=inputs)
        error = error_message_run.ErrorMessageRunFacet(
            message="customer holds nulls", programmingLanguage="PYTHON", stackTrace="in refresh_report\n  line 3"
        )
        self.emit(
            RunState.FAIL, "02:06:00", self.report, "refresh_report", {"errorMessage": error}, inputs=inputs
        )

    def raw(self, **more) -> InputDataset:
        version = dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion="2026-03-05T24")
        name = f"{self.namespace}.raw.orders"
        return InputDataset("postgres://shop.example:5432", name, facets={"version": version}, **more)

    def orders(self) -> OutputDataset:
        source = ("postgres://shop.example:5432", f"{self.namespace}.raw.orders")

        def of(field: str, kind: str, subtype: str, masking: bool = False) -> column_lineage_dataset.InputField:
            change = column_lineage_dataset.Transformation(type=kind, subtype=subtype, masking=masking)
            return column_lineage_dataset.InputField(*source, field, transformations=[change])

        columns = {
            "order_id": column_lineage_dataset.Fields([of("order_id", "DIRECT", "IDENTITY")]),
            "customer": column_lineage_dataset.Fields([of("customer", "DIRECT", "TRANSFORMATION", masking=True)]),
            "euros": column_lineage_dataset.Fields([of("cents", "DIRECT", "TRANSFORMATION")]),
        }
        return OutputDataset(
            "s3://shop-warehouse",
            f"{self.namespace}/orders",
            facets={
                "schema": schema("order_id bigint", "customer text", "euros double"),
                "version": dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion="snapshot-77"),
                "columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet(
                    fields=columns, dataset=[of("cents", "INDIRECT", "FILTER")]
                ),
                "symlinks": symlinks_dataset.SymlinksDatasetFacet(
                    identifiers=[
                        symlinks_dataset.Identifier("glue://eu", f"{self.namespace}.shop.orders", "TABLE")
                    ]
                ),
                "lifecycleStateChange": lifecycle_state_change_dataset.LifecycleStateChangeDatasetFacet(
                    lifecycleStateChange=lifecycle_state_change_dataset.LifecycleStateChange.OVERWRITE
                ),
            },
            outputFacets={
                "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
                    rowCount=993, size=65536
                )
            },
        )

    def emit(self, state, clock, run, job, run_facets=None, job_facets=None, inputs=(), outputs=()) -> None:
        facets = dict(run_facets or {})
        if run != self.nightly:
            facets["parent"] = parent_run.ParentRunFacet(
                run=parent_run.Run(runId=self.nightly), job=parent_run.Job(self.namespace, "nightly")
            )
        self.client.emit(
            RunEvent(
                eventType=state,
                eventTime=f"2026-03-06T{clock}.123456+01:00",
                run=Run(run, facets=facets),
                job=Job(self.namespace, job, facets=job_facets or {}),
                inputs=list(inputs),
                outputs=list(outputs),
            )
        )


def schema(*columns: str) -> schema_dataset.SchemaDatasetFacet:
    fields = [schema_dataset.SchemaDatasetFacetFields(*column.split(" ")) for column in columns]
    return schema_dataset.SchemaDatasetFacet(fields=fields)


def statistics_in(rows: int) -> input_statistics_input_dataset.InputStatisticsInputDatasetFacet:
    return input_statistics_input_dataset.InputStatisticsInputDatasetFacet(rowCount=rows)


def assertions(*columns: tuple) -> data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet:
    return data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
        assertions=[
            data_quality_assertions_dataset.Assertion(assertion="not_null", success=success, column=column)
            for column, success in columns
        ]
    )


def main() -> None:
    args = arguments()
    logging.disable(logging.CRITICAL)
    set_producer("https://git.example/shop/pipelines")
    client = client_of(args)
    pipeline = Pipeline(client, args.namespace)
    if args.once:
        try:
            pipeline.emit(RunState.START, "02:00:00", pipeline.nightly, "nightly")
        except Exception as error:
            response = getattr(error, "response", None)
            print(json.dumps({"raised": type(error).__name__, "status": getattr(response, "status_code", None)}))
        else:
            print(json.dumps({"raised": None}))
        return
    runs = pipeline.run()
    delivered = client.close(timeout=60)
    stats = getattr(client.transport, "get_stats", dict)()
    print(json.dumps({"runs": runs, "delivered": delivered, "stats": stats}))


main()
