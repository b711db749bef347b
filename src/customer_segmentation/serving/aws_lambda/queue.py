"""Messages of SQS: each has an answer in the results, or comes again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

import msgspec

from customer_segmentation.errors import UserError
from customer_segmentation.serving.answering import FLAGS
from customer_segmentation.serving.aws_lambda.reply import Body, Replies
from customer_segmentation.serving.aws_lambda.response import Reply
from customer_segmentation.serving.problems import RefusedError

logger = logging.getLogger(__name__)

RESULTS = "SEGMENTATION_RESULTS"
# What every queue takes, unless it is told to take less.
LONGEST_MESSAGE = 262_144
Put = Callable[[str, bytes], None]


def reply_to_messages(event: Mapping[str, Any], replies: Replies, put: Put) -> dict[str, Any]:
    """Reply to each message of a batch.

    A message that is refused has its answer: it says what is wrong with it. One that cannot be
    answered, or whose answer cannot be kept, is left to the queue, which gives it again and then
    moves it to its dead-letter queue.

    Args:
        event: SQS's.
        replies: Answers.
        put: Keeps the answer to a message, by the message's id.

    Returns:
        `batchItemFailures`, as the setting `ReportBatchItemFailures` of the event source wants it.
    """
    failed = []
    for record in event["Records"]:
        message_id = record["messageId"]
        reply = replies.reply(partial(_body, record), message_id)
        if reply.is_fault or not _is_kept(put, message_id, reply):
            failed.append(message_id)
    return {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}


def _is_kept(put: Put, message_id: str, reply: Reply) -> bool:
    try:
        put(message_id, _told(message_id, reply))
    except Exception:
        logger.exception("the answer to message %s cannot be kept", message_id)
        return False
    return True


def results_at(place: str) -> Put:
    """What keeps answers.

    Args:
        place: `s3://bucket/prefix`, where the answer to a message is `prefix/<its id>.json`, or the
            URL of a queue.

    Raises:
        UserError: It is neither.
    """
    import boto3  # noqa: PLC0415 - Lambda's runtime has it; only queues need it

    if place.startswith("s3://"):
        bucket, _, prefix = place.removeprefix("s3://").strip("/").partition("/")
        s3 = boto3.client("s3")

        def put(message_id: str, told: bytes) -> None:
            key = "/".join(part for part in (prefix, f"{message_id}.json") if part)
            s3.put_object(Bucket=bucket, Key=key, Body=told, ContentType="application/json")

        return put
    if place.startswith(("https://", "http://")):
        sqs = boto3.client("sqs")

        def send(message_id: str, told: bytes) -> None:
            if len(told) > LONGEST_MESSAGE:
                told = _document(message_id, 413, problem=_too_long(len(told)))
            sqs.send_message(QueueUrl=place, MessageBody=told.decode())

        return send
    raise UserError(
        f"{RESULTS} says where answers to messages go, and is {place or 'not set'}: set it to "
        "s3://bucket/prefix or to the URL of a queue"
    )


def _body(record: Mapping[str, Any]) -> Body:
    """A message's body; attributes are its flags, but for those that others read."""
    attributes = record.get("messageAttributes") or {}
    given = {n: attributes[n].get("stringValue") or "" for n in FLAGS if n in attributes}
    return Body(record["body"].encode(), urlencode(given))


def _told(message_id: str, reply: Reply) -> bytes:
    kind = "problem" if "problem" in reply.headers["content-type"] else "answer"
    version = reply.headers.get("artifact-version")
    said = {"artifact_version": version, kind: msgspec.Raw(reply.body)}
    return _document(message_id, reply.status, **said)


def _document(message_id: str, status: int, **said: object) -> bytes:
    return msgspec.json.encode({"message_id": message_id, "status": status, **said})


def _too_long(size: int) -> msgspec.Raw:
    detail = (
        f"the answer has {size} bytes, and a queue takes {LONGEST_MESSAGE}: send fewer customers "
        f"in a message, or set {RESULTS} to a folder on S3"
    )
    return msgspec.Raw(RefusedError(413, detail).body)
