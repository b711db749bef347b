"""Events into answers: read, kept in the state, scored and sent, each once.

The state is kept before Kafka's transaction ends, with what it was before. Each transaction is told
the number of the state's change. So whatever is killed, the next start sees whether the last change
lasted in Kafka, and takes it back if not.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

import onnx
import polars as pl

from customer_segmentation.bundles.bundle import SEGMENTER
from customer_segmentation.customers.rules import REASONS
from customer_segmentation.errors import UserError
from customer_segmentation.schema.parts import KEY
from customer_segmentation.scoring.metadata import VERSION, metadata_of
from customer_segmentation.sources.messages.offsets import take
from customer_segmentation.streaming.counting import StreamCounts
from customer_segmentation.streaming.decoding import Decoder
from customer_segmentation.streaming.online import OnlineWriter
from customer_segmentation.streaming.places import Stream
from customer_segmentation.streaming.progress import Progress
from customer_segmentation.streaming.scoring import answers_of, moves_of
from customer_segmentation.streaming.sinks.messages import letters, place_of, removals
from customer_segmentation.streaming.state import CustomerState
from customer_segmentation.streaming.step import IS_CHANGED
from customer_segmentation.streaming.transaction import AbortedError, Transactions
from customer_segmentation.tables.schemas import ARTIFACT_VERSION

if TYPE_CHECKING:
    from confluent_kafka import Message

    from customer_segmentation.streaming.step import Step

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_WAIT, _LOOK_SECONDS = 0.2, 2.0
_SAME = ("segment", "segment_name", ARTIFACT_VERSION)


class Answering:
    """The process that answers.

    Args:
        stream: The environment's.
        progress: What is told of it.

    Raises:
        UserError: There is no champion, or state and Kafka do not belong together.

    Attributes:
        at: How far the events are read, by partition.
    """

    def __init__(self, stream: Stream, progress: Progress) -> None:
        self._stream, self._progress = stream, progress
        settings = stream.settings
        self._topics = settings.topics
        self._bundles = stream.bundles
        self._promotion, self._looked = "", 0.0
        self._counts = StreamCounts(stream.tables, stream.schema)
        self._artifact, self._version = self._champion()
        self._decoder = Decoder(stream.settings, has_lines=bool(stream.schema.orders))
        self._kafka = Transactions(settings.clients, self._topics.events, settings.group)
        self._state = CustomerState(stream.state_file, stream.schema, self._day())
        # Who cannot go on keeps nobody else from it.
        self._agree(self._kafka.committed_so_far(), is_last=False)
        self._kafka.begin()
        self._agree(self._kafka.committed(), is_last=True)
        self.at = self._kafka.read_from(self._state.positions)
        self._online = self._opened()
        if self.at != self._state.positions:
            # A first start, or partitions that are new.
            with self._state.batch(pl.DataFrame(), self.at):
                pass
        # From now on Kafka is told of every change of the state.
        self._tell()
        if self._state.is_rebuilt or self._state.is_rebuilt_in_part:
            self._answer_anew()
        self._answer_by_champion()
        if self._online and not self._online.is_at(self._state.number):
            self._put_all()

    def run(self, is_stopped: Callable[[], bool]) -> None:
        """Answer until told to stop.

        Raises:
            UserError: It cannot go on; all that was answered lasts.
        """
        while not is_stopped():
            self._look()
            messages = take(self._kafka.consumer, 1, _WAIT)
            if messages:
                messages += take(
                    self._kafka.consumer, self._stream.settings.events_a_batch - 1, 0.0
                )
                self.answer(messages)
            if self._progress.tell():
                self._progress.lag(self.lag())

    def close(self) -> None:
        """Let go of Kafka and of the state."""
        self._kafka.close()
        self._state.close()
        if self._online:
            self._online.close()
        self._counts.end()

    def answer(self, messages: Sequence[Message]) -> None:
        """Take these events, in one transaction."""
        begun = monotonic()
        positions = dict(self.at)
        for message in messages:
            place = place_of(str(message.topic()), int(message.partition() or 0))
            positions[place] = int(message.offset() or 0) + 1
        taken = self._in_transaction(partial(self._take_in, messages, positions))
        if taken is None:
            return
        step, answers, rejected = taken
        self.at = positions
        self._put(step)
        self._counts.answered(step.customers, answers, step.rejected[REASONS])
        self._progress.batch(
            len(messages),
            monotonic() - begun,
            rejected=rejected,
            positions=positions,
            apart={"repeats": step.repeats, "replaced": step.replaced, "waiting": step.waiting},
        )

    def _take_in(
        self, messages: Sequence[Message], positions: Mapping[str, int]
    ) -> tuple[Step, pl.DataFrame, int]:
        """Change the state and send what comes of it.

        Returns:
            The change, its answers, and how many are dead letters.
        """
        decoded = self._decoder.decode(messages)
        with self._state.batch(decoded.events, positions) as step:
            dead = self._decoder.dead_letters(messages, decoded, step.rejected)
            self._kafka.send(self._topics.dead_letters, dead)
            answers = self._send(step, positions)
        for note in step.notes:
            _log.warning("%s", note)
        return step, answers, len(dead)

    def _send(self, step: Step, positions: Mapping[str, int]) -> pl.DataFrame:
        """Answers and moves of a change of the state; the answers."""
        answers = answers_of(step.customers, self._artifact)
        moves = moves_of(step.before, answers, self._state.as_of)
        self._kafka.send(self._topics.answers, letters(answers, _changed(step.before, answers)))
        known = set(step.before[KEY].to_list()) if len(step.before) else set()
        gone = [customer for customer in step.gone if customer in known]
        day = self._state.as_of.isoformat()
        self._kafka.send(self._topics.answers, removals(gone, day, self._version))
        self._kafka.send(self._topics.movers, letters(moves))
        self._kafka.send_positions(positions, str(step.number))
        step.set_answers(answers)
        return answers

    def _in_transaction(self, work: Callable[[], _T]) -> _T | None:
        """Do a change of the state and its messages together; None if they do not last."""
        try:
            self._kafka.open()
            done = work()
            self._kafka.commit()
        except AbortedError as error:
            _log.warning("the transaction was taken back (%s): trying again", error)
            self._go_back()
            return None
        except BaseException:
            # The next start takes the state back, if it is ahead.
            with suppress(UserError, AbortedError):
                self._kafka.abort()
            raise
        return done

    def _go_back(self) -> None:
        """Go on after the last transaction that lasts."""
        self._kafka.abort()
        offsets, told = self._kafka.committed()
        if told:
            self._state.undo_to(offsets, int(told))
        else:
            # Kafka was told nothing yet.
            self._state.undo_to(self.at)
        self.at = self._kafka.read_from(self._state.positions)
        if self._online and not self._online.is_at(self._state.number):
            self._put_all()

    def _agree(self, committed: tuple[dict[str, int], str], *, is_last: bool) -> None:
        """See that the state is what Kafka was told of last."""
        offsets, told = committed
        # Without a word, it is the first start, or the first after another `group` was set.
        ahead = self._state.number - int(told) if told else 0
        if not told or (not ahead and self._state.positions == offsets):
            return
        if ahead == 1 and not is_last:
            # Whether that change lasts is seen once what is open has ended.
            return
        if ahead == 1:
            with suppress(UserError):
                self._state.undo_to(offsets, int(told))
                return
        if not self._state.is_rebuilt:
            raise UserError(
                f"{self._stream.state}: the state of customers is not the one that Kafka was told "
                f"of last (change {told}, and it is at {self._state.number}): run kedro stream "
                "rebuild, or start where that state is"
            )

    def _look(self) -> None:
        """Take up another champion, another day and another filling of the online store."""
        if monotonic() - self._looked < _LOOK_SECONDS:
            return
        self._looked = monotonic()
        if self._bundles.last() != self._promotion:
            self._artifact, self._version = self._champion()
            self._sweep(self._state.again())
            self._answer_by_champion()
        elif self._day() > self._state.as_of or self._state.is_between_days:
            self._sweep(self._state.advance(self._day()))
        if self._online and not self._online.is_current():
            # Else, until the next event, readers would see what the run knew.
            self._put_all()

    def _answer_by_champion(self) -> None:
        """Answer for all customers while any has an answer by an earlier model.

        Another was promoted while nothing ran, or a kill came before the first step.
        """
        while self._state.has_answers_but_by(self._version):
            self._sweep(self._state.again())

    def _sweep(self, steps: Iterable[Step]) -> None:
        """Answer for all customers: as of another day, or by another model."""
        is_swept = False
        for step in steps:
            self._in_transaction(partial(self._answer_step, step))
            is_swept = True
        # The end of a sweep is a change of the state, too.
        self._tell()
        if is_swept and self._online:
            self._put_all()

    def _tell(self) -> None:
        """Tell Kafka the number of the state's last change, without any message."""
        while self._in_transaction(self._send_number) is None:
            pass

    def _send_number(self) -> int:
        self._kafka.send_positions(self.at, str(self._state.number))
        return self._state.number

    def _answer_anew(self) -> None:
        """Answer for all customers of a state that was made anew.

        Who moved is told by the table, which has the answers that were given before, but for whom
        an attempt that was killed has answered. Who is a customer in the table alone, for instance
        since the day is another, leaves.
        """
        before = self._stream.sinks().segments.answers()
        before = before.with_columns(pl.lit(value=True).alias(IS_CHANGED))
        while (seen := self._sweep_anew(before)) is None:
            pass
        left = before.filter(~pl.col(KEY).is_in(seen)) if seen else before.clear()
        while len(left) and self._in_transaction(partial(self._let_leave, left)) is None:
            pass
        self._tell()

    def _sweep_anew(self, before: pl.DataFrame) -> set[str] | None:
        """The keys of all customers of the state, once answered; None if it must begin again."""
        seen: set[str] = set()
        for step in self._state.again(anew=True):
            keys = {*step.customers[KEY], *step.gone}
            known = before.filter(pl.col(KEY).is_in(keys - {*step.before[KEY]}))
            if len(known):
                step.before = pl.concat([step.before, known], how="vertical_relaxed")
            if self._in_transaction(partial(self._answer_step, step)) is None and not seen:
                return None
            seen |= keys
        return seen

    def _let_leave(self, customers: pl.DataFrame) -> int:
        step = self._state.batch(pl.DataFrame(), self.at)
        step.before, step.gone = customers, customers[KEY].to_list()
        return self._answer_step(step)

    def _answer_step(self, step: Step) -> int:
        with step:
            self._send(step, self.at)
        return step.number

    def _opened(self) -> OnlineWriter | None:
        """The online store, if there is one."""
        online = self._stream.online()
        return OnlineWriter(online, self._stream.settings.group) if online else None

    def _put(self, step: Step) -> None:
        """Write the features of a change that lasts; if it is killed before, all at the start."""
        if self._online and self._online.put(
            step.customers, step.gone, self._artifact, step.number
        ):
            self._put_all()

    def _put_all(self) -> None:
        if self._online:
            day = self._state.as_of.isoformat()
            self._online.put_all(self._state.customers(), self._artifact, day, self._state.number)

    def _champion(self) -> tuple[onnx.ModelProto, str]:
        self._promotion = self._bundles.last()
        bundle = self._bundles.champion()
        if bundle is None:
            raise UserError(
                f"{self._stream.environment} has no champion yet: run kedro run with the same --env"
            )
        artifact = onnx.load_from_string(bundle.files[SEGMENTER])
        version = str(metadata_of(artifact)[VERSION])
        self._counts.use(bundle, version)
        return artifact, version

    def _day(self) -> date:
        is_today = self._stream.settings.as_of == "today"
        return datetime.now(UTC).date() if is_today else self._stream.schema.as_of

    def lag(self) -> dict[str, int]:
        """How many offsets are to be read, by partition, as far as the consumer knows."""
        ends = self._kafka.ends()
        return {place: max(0, ends.get(place, at) - at) for place, at in self.at.items()}


def _changed(before: pl.DataFrame, answers: pl.DataFrame) -> set[str]:
    """Whose segment or model is another than in the last answer."""
    if answers.is_empty():
        return set()
    last: dict[str, tuple[Any, ...]] = {}
    if len(before):
        last = {row[0]: row[1:] for row in before.select(KEY, *_SAME).iter_rows()}
    return {
        row[0] for row in answers.select(KEY, *_SAME).iter_rows() if last.get(row[0]) != row[1:]
    }
