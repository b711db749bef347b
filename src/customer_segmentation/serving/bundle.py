"""The bundle that is promoted and served: artifacts that belong together."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import fsspec
import numpy as np
from numpy.typing import NDArray

from customer_segmentation.bundles.bundle import (
    ALWAYS,
    BASELINE,
    COLD_START,
    MODELS,
    RESPONSE,
    SEGMENTER,
    StoredBundle,
    sha256,
)
from customer_segmentation.bundles.store import BUNDLES, BundleStore
from customer_segmentation.errors import UserError
from customer_segmentation.monitoring.stored import baseline_of
from customer_segmentation.scoring.artifact_file import MAX_BYTES, WrongArtifactError
from customer_segmentation.scoring.metadata import P_RESPONSE, has_model
from customer_segmentation.scoring.scorer import Scorer, providers_of
from customer_segmentation.scoring.verify import verified
from customer_segmentation.serving.answers import Answer, Predictor
from customer_segmentation.serving.records import Reader
from customer_segmentation.serving.validation import Contract, ReadCustomer, matrix_of

logger = logging.getLogger(__name__)


class BrokenBundleError(UserError):
    """The files are no bundle: absent, damaged, or of different runs."""


class Watcher(Protocol):
    """Is told what a bundle answers; it never waits, and raises nothing."""

    def answered(
        self, bundle: Bundle, matrix: NDArray[np.float64], outputs: Mapping[str, NDArray[Any]]
    ) -> None:
        """The segmenter has answered customers: their inputs and `Bundle.score` of them."""

    def answered_cold(self, bundle: Bundle, customers: int) -> None:
        """The cold-start model has answered so many."""


class Bundle:
    """A segmenter and the models beside it: cold start, and answers to campaigns.

    Args:
        segmenter: The segmenter's file.
        cold_start: The cold-start model's file, or the one that says why there is none.
        response: The same of the response model; None in a bundle that is older than that.
        device: `cpu` or `cuda`.
        baseline: What they learned from, in counts; None in a bundle that is older than that.

    Attributes:
        id: Twelve hexadecimal digits that name the models, as the store has them.
        columns: What the segmenter and the response model read.
        baseline: What answers are compared with; None where `unmonitored` says why there is none.
        watcher: Is told what is answered; None unless set.

    Raises:
        BrokenBundleError: A file is invalid, or they do not belong together.
    """

    def __init__(
        self,
        segmenter: bytes,
        cold_start: bytes,
        response: bytes | None = None,
        device: str = "cpu",
        baseline: bytes | None = None,
    ) -> None:
        models = {SEGMENTER: segmenter, COLD_START: cold_start, RESPONSE: response}
        self.id = StoredBundle({name: file for name, file in models.items() if file}).id
        self.watcher: Watcher | None = None
        self.segmenter = _opened(segmenter, "segmenter", device)
        self.version = self.segmenter.version
        self.baseline, self.unmonitored = baseline_of(baseline, self.version)
        # Answer that it does not give, or `cold_start` -> why.
        self.left_out: dict[str, str] = dict(self.segmenter.metadata["left_out"])
        self.cold_start = self._beside(cold_start, "cold_start", "cold_start", device)
        self.response: Scorer | None = None
        if response is None:
            self.left_out[P_RESPONSE] = "the bundle is older than the response model"
        else:
            self.response = self._beside(response, "response", P_RESPONSE, device)
        self.contract = Contract(
            self.segmenter.metadata,
            self.cold_start.metadata if self.cold_start else None,
            self.response.metadata if self.response else None,
        )
        self.reader = Reader(self.contract)
        # By whether the customer is cold.
        self._predictors = {False: Predictor(self.segmenter)}
        if self.cold_start:
            self._predictors[True] = Predictor(self.cold_start)
        for predictor in self._predictors.values():
            # A file that loads may still fail to score.
            predictor.in_words(["tried"], predictor.score(np.zeros((1, predictor.width))))
        # What the models read, in the order of `answer_matrix`.
        self.columns = (*self.contract.columns, *self.contract.others)
        self._places = [self.columns.index(name) for name in self.contract.response_columns]
        # The segments' keys, in the order of their ids.
        self.keys = self._predictors[False].keys

    def answer_matrix(self, ids: Sequence[str | None], matrix: NDArray[np.float64]) -> list[Answer]:
        """One answer of the segmenter's per row, with the chance of an answer where it is known.

        Args:
            ids: Of the customers.
            matrix: (customers x `columns`).
        """
        outputs = self.score(matrix)
        if self.watcher:
            self.watcher.answered(self, matrix, outputs)
        chances = outputs.get(P_RESPONSE)
        if chances is None:
            return self._predictors[False].in_words(ids, outputs)
        # JSON has no NaN.
        told = [None if p != p else p for p in chances.tolist()]  # noqa: PLR0124 - NaN
        return self._predictors[False].in_words(ids, outputs, told)

    def score(self, matrix: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
        """The segmenter's outputs, and `p_response` where it is known of anybody, else NaN.

        Args:
            matrix: (customers x `columns`).
        """
        predictor = self._predictors[False]
        if not self.response:
            return predictor.score(matrix)
        outputs = predictor.score(np.ascontiguousarray(matrix[:, : predictor.width]))
        inputs = matrix[:, self._places]
        # Most callers give nothing but what the segmenter needs.
        if not np.isnan(inputs).any(axis=1).all():
            outputs |= self.response.score(np.ascontiguousarray(inputs))
        return outputs

    def _beside(self, content: bytes, kind: str, answer: str, device: str) -> Scorer | None:
        """A model that was made for the segmenter; None where its file says why there is none.

        Raises:
            BrokenBundleError: It is invalid, or was made for another segmenter.
        """
        # Metadata first; the model is not loaded yet.
        with _refusing(kind):
            stated = verified(content)
        scorer = None
        if has_model(stated):
            scorer = _opened(content, kind, device)
        elif stated["kind"] != f"no_{kind}":
            raise _misnamed(kind, stated["kind"])
        else:
            self.left_out[answer] = stated["reason"]
        made_for = stated["segmenter_version"]
        if made_for != self.version:
            raise BrokenBundleError(
                f"{kind}.onnx was made for the segmenter {made_for}, and segmenter.onnx is "
                f"{self.version}: promote the two together"
            )
        for key in ("segments", "customers"):
            if key in stated and stated[key] != self.segmenter.metadata[key]:
                raise BrokenBundleError(
                    f"{kind}.onnx states other {key} than segmenter.onnx: promote the files that "
                    "one kedro run wrote"
                )
        return scorer

    def answer(self, customers: Sequence[ReadCustomer]) -> list[Answer]:
        """One answer per customer, in order, each by the model that fits its columns."""
        answers: dict[bool, Iterator[Answer]] = {}
        for is_cold, predictor in self._predictors.items():
            chosen = [customer for customer in customers if customer.is_cold is is_cold]
            if chosen:
                ids = [customer.customer_id for customer in chosen]
                matrix = matrix_of(chosen)
                if is_cold:
                    answers[is_cold] = iter(predictor.in_words(ids, predictor.score(matrix)))
                    if self.watcher:
                        self.watcher.answered_cold(self, len(chosen))
                else:
                    answers[is_cold] = iter(self.answer_matrix(ids, matrix))
        return [next(answers[customer.is_cold]) for customer in customers]


class Champion:
    """The bundle that is served, reloaded when it changes.

    Args:
        folder: An environment's folder of models, whose log of promotions names the bundle, or a
            folder that holds the files of one: a path, or a URL that fsspec reads.
        device: `cpu` or `cuda`.
        watcher: Is told what the bundle answers.

    Raises:
        BrokenBundleError: There is no bundle, or it is invalid.
    """

    def __init__(self, folder: str, device: str = "cpu", watcher: Watcher | None = None) -> None:
        self._files, root = fsspec.core.url_to_fs(folder)
        self._root = root.rstrip("/")
        is_bundle = self._files.exists(f"{self._root}/{SEGMENTER}")
        self._store = None if is_bundle else BundleStore(folder)
        self._device, self._watcher = device, watcher
        self._seen = self._signature()
        self.current = self._load()
        self._last_error = ""

    def refresh(self) -> bool:
        """Load a new bundle, if any; a broken one is logged once, and the old one stays."""
        try:
            signature = self._signature()
            if signature == self._seen:
                self._last_error = ""
                return False
            loaded = self._load()
        except Exception as error:  # noqa: BLE001 - a store may raise anything
            if str(error) != self._last_error:
                logger.error("the new bundle is refused, the old one stays: %s", error)  # noqa: TRY400 - its cause says no more
            self._last_error = str(error)
            return False
        self._seen, self._last_error = signature, ""
        if loaded.version == self.current.version:
            return False
        logger.info("artifact %s replaces %s", loaded.version, self.current.version)
        self.current = loaded
        return True

    def _signature(self) -> tuple[str, ...]:
        if self._store:
            return (self._store.last(),)
        self._files.invalidate_cache()
        return tuple(
            file_state(self._info(f"{self._root}/{name}")) for name in self._models(self._root)
        )

    def _models(self, folder: str) -> list[str]:
        """The files of the bundle in a folder: those that every bundle has, and others there."""
        return [n for n in MODELS if n in ALWAYS or self._files.exists(f"{folder}/{n}")]

    def _info(self, path: str) -> dict[str, Any]:
        try:
            return self._files.info(path)
        except FileNotFoundError as error:
            message = f"no bundle: {path} is not there. Make one with kedro run"
            raise BrokenBundleError(message) from error

    def _load(self) -> Bundle:
        folder, promoted = self._root, None
        if self._store:
            promoted = self._store.live()
            if promoted is None:
                raise BrokenBundleError(
                    f"no bundle: nothing was promoted in {self._root}, and {SEGMENTER} is not "
                    "there. Make one with kedro run"
                )
            folder = f"{folder}/{BUNDLES}/{promoted.bundle}"
        names = self._models(folder)
        if promoted:
            names = [n for n in MODELS if n in ALWAYS or n in promoted.files]
        # All of them before one is read.
        for name in names:
            self._require_readable(f"{folder}/{name}", name)
        found = {name: self._content(f"{folder}/{name}") for name in names}
        for name, content in found.items():
            if promoted and sha256(content) != promoted.files.get(name):
                raise BrokenBundleError(
                    f"{folder}/{name} is not the file that was promoted: restore it, or roll back"
                )
        baseline = self._baseline(folder, promoted.files if promoted else {})
        models = found[SEGMENTER], found[COLD_START], found.get(RESPONSE)
        bundle = Bundle(*models, self._device, baseline)
        bundle.watcher = self._watcher
        return bundle

    def _require_readable(self, path: str, name: str) -> None:
        """Refuse what is no file, or too large a one."""
        # From the store's metadata, so that nothing large is read.
        info = self._info(path)
        if info["type"] != "file":
            # Such as a pipe, which would block.
            raise BrokenBundleError(f"{path} is not a file. Promote the file that kedro run wrote")
        if (size := info["size"]) > MAX_BYTES:
            raise BrokenBundleError(
                f"{name} is too large: {size} bytes of at most {MAX_BYTES}. Promote the "
                "file that kedro run wrote"
            )

    def _content(self, path: str) -> bytes:
        # The file may have grown since it was looked at.
        content: bytes = self._files.cat_file(path, start=0, end=MAX_BYTES + 1)
        return content

    def _baseline(self, folder: str, promoted: Mapping[str, str]) -> bytes | None:
        """The file of the baseline, if there is one; no answer depends on it.

        Args:
            folder: Of the bundle.
            promoted: The SHA-256 of each file that was promoted; empty where nothing says.
        """
        path = f"{folder}/{BASELINE}"
        try:
            is_there = BASELINE in promoted if promoted else self._files.exists(path)
            if not is_there:
                return None
            self._require_readable(path, BASELINE)
            content = self._content(path)
        except Exception as error:  # noqa: BLE001 - a store may raise anything
            logger.warning("%s cannot be read: %s", path, error)
            return b""
        is_changed = bool(promoted) and sha256(content) != promoted[BASELINE]
        return b"" if is_changed else content


def file_state(info: Mapping[str, Any]) -> str:
    """A text that changes when a file does, from fsspec's information on it."""
    return "-".join(str(info[key]) for key in ("ETag", "mtime", "ino", "size") if key in info)


@contextmanager
def _refusing(kind: str) -> Iterator[None]:
    """Turn the errors of a `with` block into those of a bundle's file."""
    try:
        yield
    except WrongArtifactError as error:
        raise BrokenBundleError(f"{kind}.onnx is refused: {error}") from error
    # Protobuf detects some damage only when a field is read.
    except Exception as error:
        raise BrokenBundleError(f"{kind}.onnx is no ONNX file that can be run: {error}") from error


def _opened(content: bytes, kind: str, device: str) -> Scorer:
    with _refusing(kind):
        scorer = Scorer(content, providers=providers_of(device))
    if scorer.metadata["kind"] != kind:
        raise _misnamed(kind, scorer.metadata["kind"])
    return scorer


def _misnamed(kind: str, stated: str) -> BrokenBundleError:
    return BrokenBundleError(f"{kind}.onnx is a {stated}: promote each file under its name")
