"""Feature groups of Amazon SageMaker, one a view.

There is no switch from one snapshot to the next: readers see customers change one after the other.
A record keeps the event time at which its values became true; the tag `as_of` of the group says up
to which day they still are, once a write has ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from time import monotonic, sleep
from typing import Any
from urllib.parse import parse_qs, urlsplit

import narwhals as nw
from narwhals.typing import IntoFrame

from customer_segmentation.errors import UserError
from customer_segmentation.feature_store.aws import answering
from customer_segmentation.feature_store.definitions import VIEWS, FeatureSet
from customer_segmentation.feature_store.online import StoreDownError
from customer_segmentation.feature_store.targets.target import (
    Values,
    Written,
    described,
    names_of,
    plain,
    require_same,
    table_name,
    text_columns,
)
from customer_segmentation.schema.parts import KEY
from customer_segmentation.tables.schemas import ARTIFACT_VERSION, EVENT_TIME

# Of one call of BatchGetRecord.
_CHUNK = 100
_THREADS = 16
# Each waits longer than the one before, up to 20 seconds.
_TRIES = 8
_SECONDS = 300.0
_DESCRIPTION, _GROUP_DESCRIPTION = 255, 128
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_FeatureDefinition.html
_NAME = re.compile(r"[a-zA-Z0-9]([-_]*[a-zA-Z0-9]){0,63}")
_HASH, _VERSION, _DAY = "hash", "version", "as_of"


class SageMakerTarget:
    """Feature groups with an online store; region, credentials and endpoint are botocore's own.

    Args:
        url: `sagemaker://PREFIX`, which the groups' names begin with; and for an offline store
            `sagemaker://PREFIX?offline=s3://BUCKET/FOLDER&role=ARN`, where the role may write.
        features: What is kept.

    Raises:
        UserError: An offline store without a role, or a name that SageMaker does not take.
    """

    def __init__(self, url: str, features: FeatureSet) -> None:
        parts = urlsplit(url)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.name = f"sagemaker://{parts.netloc}"
        self._features = features
        self._session: Any = None
        self._groups = {view: f"{parts.netloc}_{table_name(features, view)}" for view in VIEWS}
        self._offline = asked.get("offline"), asked.get("role")
        if asked.keys() - {"offline", "role"} or (asked and not all(self._offline)):
            raise UserError(
                f"{self.name}: for an offline store give both, and nothing else: "
                "?offline=s3://BUCKET/FOLDER&role=ARN"
            )
        names = [*self._groups.values(), *(one.name for one in features.features)]
        if wrong := [name for name in names if not _NAME.fullmatch(name)]:
            raise UserError(
                f"{self.name}: SageMaker takes no name such as {wrong[0]}: up to 64 letters, "
                "digits, - and _, with a letter or digit at both ends"
            )

    def create(self) -> None:
        """Make the feature groups that are not there yet, and say what each feature is."""
        with self._client("sagemaker") as client, ThreadPoolExecutor(_THREADS) as pool:
            for view, group in self._groups.items():
                self._make(client, view)
                for _ in pool.map(
                    lambda one, group=group: client.update_feature_metadata(
                        FeatureGroupName=group,
                        FeatureName=one.name,
                        Description=described(one)[:_DESCRIPTION],
                        ParameterAdditions=[
                            {"Key": name, "Value": value}
                            for name, value in (("unit", plain(one.unit)), ("role", one.role))
                            if value
                        ],
                    ),
                    self._features.view(view),
                ):
                    pass

    def write(self, table: IntoFrame, as_of: date) -> list[Written]:
        """Put the records of customers whose values changed, delete those who are not there."""
        rows = nw.from_native(table).lazy().collect("pyarrow")
        customers = [str(customer) for customer in rows[KEY].to_list()]
        done = []
        self._tag(as_of)
        with self._client("sagemaker-featurestore-runtime") as client:
            for view, group in self._groups.items():
                numbers = [name for name in names_of(self._features, view) if name in rows.columns]
                chunks = (
                    (customers[start : start + _CHUNK], rows[start : start + _CHUNK, numbers])
                    for start in range(0, len(rows), _CHUNK)
                )
                put = partial(self._put, client, view, as_of)
                delete = partial(self._delete, client, group)
                pages = client.get_paginator("list_records").paginate(FeatureGroupName=group)
                kept = {customer for page in pages for customer in page["RecordIdentifiers"]}
                with ThreadPoolExecutor(_THREADS) as pool:
                    removed = sum(pool.map(delete, kept - set(customers)))
                    changed = sum(pool.map(lambda chunk, put=put: put(*chunk), chunks))
                done.append(Written(group, changed, removed))
        return done

    def read(self, customer: str) -> dict[str, Values]:
        """View -> a customer's values there, by GetRecord."""
        found = dict[str, Values]()
        with self._client("sagemaker-featurestore-runtime") as client:
            for view, group in self._groups.items():
                if record := _record(client, group, customer):
                    # What is null is left out of a record.
                    absent: dict[str, Any] = dict.fromkeys(names_of(self._features, view))
                    found[view] = {**absent, **self._values(view, record)}
        return found

    def forget(self, customer: str) -> None:
        """Remove a customer from the online stores; an offline store keeps what it was sent."""
        with self._client("sagemaker-featurestore-runtime") as client:
            for group in self._groups.values():
                self._delete(client, group, customer)

    def _make(self, client: Any, view: str) -> None:  # noqa: ANN401 - botocore has no types
        group, features = self._groups[view], self._features
        texts = (KEY, EVENT_TIME, *text_columns(view))
        definitions = [
            *({"FeatureName": name, "FeatureType": "String"} for name in texts),
            *({"FeatureName": n, "FeatureType": "Fractional"} for n in names_of(features, view)),
        ]
        place, role = self._offline
        offline = {"OfflineStoreConfig": {"S3StorageConfig": {"S3Uri": place}}, "RoleArn": role}
        told = {_VERSION: str(features.version), _HASH: features.hashes[view]}
        told |= {"owner": features.owner} if features.owner else {}
        try:
            client.create_feature_group(
                FeatureGroupName=group,
                RecordIdentifierFeatureName=KEY,
                EventTimeFeatureName=EVENT_TIME,
                FeatureDefinitions=definitions,
                OnlineStoreConfig={"EnableOnlineStore": True},
                Description=VIEWS[view][:_GROUP_DESCRIPTION],
                Tags=_tags(told),
                **(offline if place else {}),
            )
        except client.exceptions.ResourceInUse:
            found = _told(client, group).get(_HASH)
            require_same(f"{self.name}: {group}", features, view, found)
        self._wait(client, group)

    def _tag(self, as_of: date) -> None:
        """Say what is written, before it is: what is older than that is refused from then on."""
        told = {ARTIFACT_VERSION: self._features.artifact_version, _DAY: as_of.isoformat()}
        with self._client("sagemaker") as client:
            for group in self._groups.values():
                if (last := _told(client, group).get(_DAY, "")) > told[_DAY]:
                    raise UserError(
                        f"{self.name}: {group} holds values of {last}, and what is to be written "
                        f"is of {as_of}: publish the newest snapshot"
                    )
                client.add_tags(ResourceArn=_arn(client, group), Tags=_tags(told))

    def _wait(self, client: Any, group: str) -> None:  # noqa: ANN401 - as above
        end = monotonic() + _SECONDS
        while (found := client.describe_feature_group(FeatureGroupName=group))[
            "FeatureGroupStatus"
        ] == "Creating":
            if monotonic() > end:
                raise StoreDownError(f"{self.name}: {group} is still being made: try later")
            sleep(1)
        if (status := found["FeatureGroupStatus"]) != "Created":
            why = found.get("FailureReason", "SageMaker does not say why")
            raise UserError(f"{self.name}: {group} is {status}: {why}. Delete it, and try again")

    def _put(
        self,
        client: Any,  # noqa: ANN401 - as above
        view: str,
        as_of: date,
        customers: Sequence[str],
        rows: nw.DataFrame[Any],
    ) -> int:
        """Put the records of some customers that differ; how many did."""
        group, changed = self._groups[view], 0
        texts = dict.fromkeys(text_columns(view), self._features.artifact_version)
        stored = self._stored(client, group, customers)
        for customer, row in zip(customers, rows.iter_rows(named=True), strict=True):
            # A number that is missing in pandas is no number.
            numbers = {name: x for name, x in row.items() if x is not None and x == x}  # noqa: PLR0124
            now, before = {**numbers, **texts}, stored.get(customer)
            if before and self._values(view, before) == now:
                continue
            moment = _next_moment(before, as_of)
            values = {KEY: customer, EVENT_TIME: moment}
            values |= {name: x if isinstance(x, str) else repr(float(x)) for name, x in now.items()}
            record = [{"FeatureName": name, "ValueAsString": x} for name, x in values.items()]
            client.put_record(FeatureGroupName=group, Record=record)
            changed += 1
        return changed

    def _stored(
        self,
        client: Any,  # noqa: ANN401 - as above
        group: str,
        customers: Sequence[str],
    ) -> dict[str, dict[str, str]]:
        """The records of some customers."""
        found = {}
        asked = [{"FeatureGroupName": group, "RecordIdentifiersValueAsString": [*customers]}]
        for attempt in range(_TRIES):
            answer = client.batch_get_record(Identifiers=asked)
            for each in answer["Records"]:
                found[each["RecordIdentifierValueAsString"]] = _texts(each["Record"])
            if answer["Errors"]:
                message = answer["Errors"][0]["ErrorMessage"]
                raise StoreDownError(f"{self.name}: {group} cannot be read: {message}")
            if not (asked := answer["UnprocessedIdentifiers"]):
                return found
            sleep(0.05 * 2**attempt)
        raise StoreDownError(f"{self.name} takes no more requests: try later")

    def _delete(self, client: Any, group: str, customer: str) -> int:  # noqa: ANN401 - as above
        """Remove a customer's record whole; how many were there."""
        if not (record := _record(client, group, customer)):
            return 0
        client.delete_record(
            FeatureGroupName=group,
            RecordIdentifierValueAsString=customer,
            # One that is not later deletes nothing.
            EventTime=_after(_moment(record)),
            # What is deleted softly keeps its key.
            DeletionMode="HardDelete",
        )
        return 1

    def _values(self, view: str, record: Mapping[str, str]) -> Values:
        texts = text_columns(view)
        return {
            name: text if name in texts else float(text)
            for name, text in record.items()
            if name not in (KEY, EVENT_TIME)
        }

    @contextmanager
    def _client(self, service: str) -> Iterator[Any]:
        with answering(self.name) as new_session:
            from botocore.config import Config  # noqa: PLC0415 - of an extra

            retries = {"mode": "standard", "total_max_attempts": _TRIES}
            config = Config(max_pool_connections=_THREADS, retries=retries)
            # It reads the description of a service once, for a second.
            self._session = self._session or new_session()
            client = self._session.create_client(service, config=config)
            try:
                yield client
            finally:
                client.close()


def _record(client: Any, group: str, customer: str) -> dict[str, str]:  # noqa: ANN401 - botocore has no types
    answer = client.get_record(FeatureGroupName=group, RecordIdentifierValueAsString=customer)
    return _texts(answer.get("Record", ()))


def _texts(record: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {each["FeatureName"]: each["ValueAsString"] for each in record}


def _arn(client: Any, group: str) -> str:  # noqa: ANN401 - as above
    return str(client.describe_feature_group(FeatureGroupName=group)["FeatureGroupArn"])


def _told(client: Any, group: str) -> dict[str, str]:  # noqa: ANN401 - as above
    """The tags of a group."""
    tags = client.list_tags(ResourceArn=_arn(client, group))["Tags"]
    return {tag["Key"]: tag["Value"] for tag in tags}


def _tags(told: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": name, "Value": plain(value)} for name, value in told.items()]


def _moment(record: Mapping[str, str]) -> datetime:
    return datetime.fromisoformat(record[EVENT_TIME])


def _next_moment(before: Mapping[str, str] | None, as_of: date) -> str:
    """An event time that SageMaker takes: it drops a record that is not after the one before."""
    moment = datetime(as_of.year, as_of.month, as_of.day, tzinfo=UTC)
    last = _moment(before) if before else None
    return _after(last) if last and last >= moment else _text(moment)


def _after(moment: datetime) -> str:
    return _text(moment + timedelta(milliseconds=1))


def _text(moment: datetime) -> str:
    """As `2014-06-30T00:00:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
