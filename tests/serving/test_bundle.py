"""The champion: taken up when it is replaced, kept when what replaces it is broken."""

from __future__ import annotations

import json
import logging
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep

import httpx
import msgspec
import numpy as np
import polars as pl
import pytest

from customer_segmentation.bundles.bundle import MODELS
from customer_segmentation.errors import UserError
from customer_segmentation.scoring.cold_start import build_no_cold_start
from customer_segmentation.scoring.graph import build_segmenter
from customer_segmentation.scoring.metadata import metadata_of
from customer_segmentation.scoring.mlflow_model import example_customer
from customer_segmentation.scoring.response import build_no_response
from customer_segmentation.scoring.scorer import providers_of
from customer_segmentation.scoring.verify import verified
from customer_segmentation.serving.bundle import BrokenBundleError, Bundle, Champion
from customer_segmentation.serving.description import describe_bundle
from customer_segmentation.serving.jobs.scoring import FileScorer
from customer_segmentation.serving.openapi.customer import customer_schemas
from customer_segmentation.serving.openapi.examples import examples_of
from tests.marketing import DECISIONS
from tests.scoring.example import make_segmenter
from tests.serving.example import a_customer, a_new_customer, who_may_answer, write_bundle
from tests.serving.process import ServerProcess, serving

FILES = MODELS
OLDER = {"p_response": "the bundle is older than the response model"}


def copy(source: Path, target: Path) -> None:
    """As a promotion does: each file whole, one after the other."""
    for name in FILES:
        beside = target / f".{name}"
        shutil.copy(source / name, beside)
        beside.replace(target / name)


@pytest.fixture
def folder(bundle: Path, tmp_path: Path) -> Path:
    copied = tmp_path / "champion"
    shutil.copytree(bundle, copied)
    return copied


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("other"), segments=4)


def test_a_new_champion_is_taken_up(folder: Path, other: Path) -> None:
    champion = Champion(str(folder))
    before = champion.current.version
    assert champion.refresh() is False
    copy(other, folder)
    assert champion.refresh() is True
    assert champion.current.version != before
    assert len(champion.current.keys) == 4


def without_cold_start(folder: Path) -> Bundle:
    segmenter = (folder / "segmenter.onnx").read_bytes()
    said = build_no_cold_start("the source has no income", verified(segmenter))
    return Bundle(segmenter, said.SerializeToString(deterministic=True))


def test_a_bundle_without_a_cold_start_model_answers_customers_and_says_why_not_others(
    folder: Path,
) -> None:
    found = without_cold_start(folder)
    (customer,) = found.reader.careful(json.dumps(a_customer()).encode(), 1)
    (answer,) = found.answer([customer])
    assert (answer.model, answer.segment in found.keys) == ("segmenter", True)
    (problems,) = found.reader.careful(json.dumps(a_new_customer()).encode(), 1)
    assert {problem.problem for problem in problems} == {"missing"}
    assert found.left_out == {"cold_start": "the source has no income"} | OLDER
    described = describe_bundle(found, None)
    assert described.left_out == found.left_out
    assert not any(field.needed_at_sign_up for field in described.fields)
    assert {*customer_schemas(found.contract)} == {"Customer", "Changes"}
    assert "at_sign_up" not in examples_of(found)["customers"]


def test_an_answer_that_the_segmenter_does_not_give_is_null_and_the_bundle_says_why() -> None:
    why = {"offer": "out-of-fold R2 of -0.01", "likely_to_spend": "out-of-fold R2 of -0.01"}
    decisions = tuple(n for n in DECISIONS if n not in {*why, "expected_spend"})
    segmenter = build_segmenter(replace(make_segmenter(), decisions=decisions, left_out=why))
    said = build_no_cold_start("no use", metadata_of(segmenter))
    models = (model.SerializeToString(deterministic=True) for model in (segmenter, said))
    found = Bundle(*models)
    assert found.left_out == why | {"cold_start": "no use"} | OLDER
    for answers in (
        found.answer(found.reader.careful(json.dumps(a_customer()).encode(), 1)),
        found.answer_matrix(["one"], np.array([list(example_customer(found.segmenter).values())])),
    ):
        told = msgspec.to_builtins(answers[0])
        assert {name: told[name] for name in why} == dict.fromkeys(why)
        assert told["product"] is not None


def test_a_file_that_says_there_is_no_model_is_held_to_its_segmenter(
    folder: Path, other: Path
) -> None:
    said = build_no_cold_start("none", verified((other / "segmenter.onnx").read_bytes()))
    content = said.SerializeToString(deterministic=True)
    segmenter = (folder / "segmenter.onnx").read_bytes()
    with pytest.raises(BrokenBundleError, match="promote the two together"):
        Bundle(segmenter, content)
    with pytest.raises(BrokenBundleError, match=r"segmenter.onnx is refused: .* holds no model"):
        Bundle(content, content)


def test_a_file_of_customers_at_sign_up_is_refused_with_why_there_is_no_model(
    folder: Path,
) -> None:
    headers = ["customer_id", *a_new_customer()]
    with pytest.raises(UserError, match="there is no cold-start model: the source has no income"):
        FileScorer(headers, without_cold_start(folder), lambda *_: iter(()))


def test_a_network_answers_new_customers_alone_listed_and_in_a_file_alike(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path, quantised=True)
    found = Bundle(*((folder / name).read_bytes() for name in FILES))
    records = [
        a_new_customer() | {"customer_id": f"c{n}", "income": 9_000 * n, "year_birth": born}
        for n, born in enumerate(range(1992, 1932, -5))
    ]
    customers = [found.reader.careful(json.dumps(one).encode(), 1)[0] for one in records]
    answers = found.answer(customers)
    assert {answer.model for answer in answers} == {"cold_start"}
    assert len({answer.segment for answer in answers}) > 1
    assert [found.answer([customer])[0] for customer in customers] == answers
    sent = pl.DataFrame(records).cast(pl.String).with_row_index("row_number", 1)
    scorer = FileScorer(sent.columns[1:], found, lambda *_: iter(()))
    of_file = scorer.answers(scorer.check(sent.lazy()).collect())
    assert of_file["segment"].to_list() == [answer.segment for answer in answers]
    for key in found.keys:
        shares = [answer.probabilities[key] for answer in answers]
        assert of_file[f"probability_{key}"].to_list() == pytest.approx(shares, abs=1e-15)


def text(folder: Path) -> None:
    (folder / "segmenter.onnx").write_text("no model")


def cut(folder: Path) -> None:
    content = (folder / "segmenter.onnx").read_bytes()
    (folder / "segmenter.onnx").write_bytes(content[: len(content) // 2])


def exchanged(folder: Path) -> None:
    shutil.copy(folder / "cold_start.onnx", folder / "segmenter.onnx")


def gone(folder: Path) -> None:
    (folder / "cold_start.onnx").unlink()


@pytest.mark.parametrize("broken", [text, cut, exchanged, gone])
def test_a_broken_champion_is_refused_and_the_old_one_stays(
    folder: Path, broken: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    champion = Champion(str(folder))
    kept = champion.current
    broken(folder)
    with caplog.at_level(logging.ERROR):
        assert champion.refresh() is False
        assert champion.refresh() is False
    assert champion.current is kept
    assert [r.message for r in caplog.records if "the old one stays" in r.message]
    with pytest.raises(BrokenBundleError):
        Champion(str(folder))


def test_half_of_a_promotion_is_waited_out(folder: Path, other: Path) -> None:
    champion = Champion(str(folder))
    shutil.copy(other / "segmenter.onnx", folder)
    assert champion.refresh() is False
    shutil.copy(other / "cold_start.onnx", folder)
    assert champion.refresh() is False
    shutil.copy(other / "response.onnx", folder)
    assert champion.refresh() is True


def test_a_broken_champion_that_is_mended_is_taken_up(folder: Path, other: Path) -> None:
    champion = Champion(str(folder))
    text(folder)
    champion.refresh()
    copy(other, folder)
    assert champion.refresh() is True


def test_two_models_that_are_not_of_one_another_are_refused(bundle: Path, other: Path) -> None:
    with pytest.raises(BrokenBundleError, match="promote the two together"):
        Bundle((bundle / FILES[0]).read_bytes(), (other / FILES[1]).read_bytes())


def test_a_response_model_of_another_segmenter_or_name_is_refused(
    bundle: Path, other: Path
) -> None:
    own = [(bundle / name).read_bytes() for name in FILES]
    with pytest.raises(BrokenBundleError, match=r"response\.onnx was made for the segmenter"):
        Bundle(own[0], own[1], (other / FILES[2]).read_bytes())
    with pytest.raises(BrokenBundleError, match=r"response\.onnx is a cold_start"):
        Bundle(own[0], own[1], own[1])


def test_a_bundle_that_is_older_than_the_response_model_answers_all_else(folder: Path) -> None:
    (folder / "response.onnx").unlink()
    found = Champion(str(folder)).current
    assert found.left_out == OLDER
    (read,) = found.reader.careful(json.dumps(who_may_answer()).encode(), 1)
    assert not isinstance(read, list)
    (answer,) = found.answer([read])
    assert (answer.p_response, answer.model) == (None, "segmenter")


def test_a_bundle_says_why_it_has_no_response_model(bundle: Path) -> None:
    segmenter, cold_start = ((bundle / name).read_bytes() for name in FILES[:2])
    said = build_no_response("nobody was asked", verified(segmenter))
    found = Bundle(segmenter, cold_start, said.SerializeToString(deterministic=True))
    assert found.left_out["p_response"] == "nobody was asked"
    assert found.contract.others == ()


def test_without_a_gpu_it_says_so_once_and_uses_the_cpu(
    bundle: Path, caplog: pytest.LogCaptureFixture
) -> None:
    providers_of.cache_clear()
    with caplog.at_level(logging.WARNING):
        champions = [Champion(str(bundle), device="cuda") for _ in range(2)]
    assert champions[0].current.version == champions[1].current.version
    assert [r.message for r in caplog.records if "no CUDA provider" in r.message] == [
        "onnxruntime has no CUDA provider here (pip install onnxruntime-gpu): CPU used"
    ]


def test_champions_swap_under_load_without_a_failed_request(
    folder: Path, bundle: Path, other: Path, tmp_path: Path
) -> None:
    found: list[tuple[int, str, str]] = []
    stop = threading.Event()

    def ask(url: str) -> None:
        with httpx.Client(base_url=url, timeout=30.0) as client:
            while not stop.is_set():
                answer = client.post("/v1/segments", json=a_customer())
                version = answer.json().get("artifact_version", "")
                found.append((answer.status_code, answer.headers["artifact-version"], version))

    with serving(folder, tmp_path, "--look-seconds", "0.05", "--job-workers", "0") as server:
        threads = [threading.Thread(target=ask, args=(server.url,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for swap in range(10):
            copy(other if swap % 2 == 0 else bundle, folder)
            sleep(0.3)
        stop.set()
        for thread in threads:
            thread.join()
    assert {status for status, _, _ in found} == {200}
    assert {version for _, _, version in found} == {
        Champion(str(path)).current.version for path in (bundle, other)
    }
    assert all(header == version for _, header, version in found)


def test_a_running_server_answers_with_the_new_champion_within_seconds(
    folder: Path, other: Path, tmp_path: Path
) -> None:
    wanted = Champion(str(other)).current.version
    with serving(folder, tmp_path, "--job-workers", "0") as server:
        copy(other, folder)
        until = monotonic() + 60.0
        while monotonic() < until:
            answer = httpx.post(f"{server.url}/v1/segments", json=a_customer())
            if answer.headers["artifact-version"] == wanted:
                break
            sleep(0.2)
        assert answer.json()["artifact_version"] == wanted


def test_metrics_name_the_new_champion_and_no_more_the_old_one(
    folder: Path, other: Path, tmp_path: Path
) -> None:
    old, new = (Champion(str(path)).current.version for path in (folder, other))
    with serving(folder, tmp_path, "--look-seconds", "0.05", "--job-workers", "0") as server:
        assert f'segmentation_artifact{{version="{old}"}} 1.0' in metrics(server)
        copy(other, folder)
        until = monotonic() + 60.0
        while f'version="{new}"}} 1.0' not in metrics(server) and monotonic() < until:
            sleep(0.05)
        told = metrics(server)
    assert f'segmentation_artifact{{version="{new}"}} 1.0' in told
    assert f'segmentation_artifact{{version="{old}"}} 0.0' in told


def metrics(server: ServerProcess) -> str:
    return httpx.get(f"{server.url}/metrics").text
