"""The response model from outcomes: right about a market that turned, and judged by later ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml
from scipy.special import expit

from customer_segmentation.bundles.bundle import RESPONSE, SEGMENTER, StoredBundle
from customer_segmentation.bundles.challenger import Challenger, Compared
from customer_segmentation.pipelines.promotion.nodes import judge_trial
from customer_segmentation.promotion.chosen import Chosen
from customer_segmentation.retraining.comparing import compare_on_outcomes, compare_out_of_fold
from customer_segmentation.retraining.outcomes import (
    LEARNED_UNTIL,
    KnownOutcomes,
    contacts_since,
    learn_response_from,
)
from customer_segmentation.retraining.trial import Shadows
from customer_segmentation.scoring.artifact_file import read_model
from customer_segmentation.scoring.metadata import P_RESPONSE, metadata_of
from customer_segmentation.scoring.response import checked_response
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.segmentation.answers import LearnedAnswers
from customer_segmentation.segmentation.labelled import LeftOut
from customer_segmentation.segmentation.training_parameters import TrainingParameters
from tests.campaigns.made import campaign
from tests.promotion.example import a_bundle
from tests.retraining.test_due import parameters
from tests.security.turned import model_of, turned_round, with_regression

CONFIGURED = Path(__file__).parents[2] / "conf/base/parameters_supervised_training.yml"
TRAINING = TrainingParameters(**yaml.safe_load(CONFIGURED.read_text())["supervised_training"])
UNTIL = "2015-06-30"
KINDS = (SEGMENTER, RESPONSE)


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> StoredBundle:
    return a_bundle(tmp_path_factory.mktemp("champion"))


def contacts(
    champion: StoredBundle, *, sign: float, until: str = UNTIL, rows: int = 1_500, seed: int = 0
) -> pa.Table:
    """Contacts of the last weeks, who answer the more, or the less, the more they spend."""
    draw = np.random.default_rng(seed)
    columns = {name for one in KINDS for name in Scorer(champion.files[one]).columns}
    known = {name: draw.integers(0, 2, rows).astype(float) for name in sorted(columns)}
    spend = draw.lognormal(5.0, 1.0, rows)
    known |= {
        "income": draw.uniform(20_000, 90_000, rows).round(),
        "year_birth": draw.integers(1950, 1990, rows).astype(float),
        "spend_wines": spend.round(),
        "enrolled_year": np.full(rows, 2013.0),
        "enrolled_day": draw.integers(1, 365, rows).astype(float),
        "as_of_year": np.full(rows, 2014.0),
        "as_of_day": np.full(rows, 181.0),
    }
    known = {name: values for name, values in known.items() if name in columns}
    chances = expit(sign * 1.5 * (np.log(spend) - 5.0) - 1.0)
    last = date.fromisoformat(until)
    days = [(last - timedelta(days=int(n))).isoformat() for n in draw.integers(0, 60, rows)]
    told = {
        "customer_id": [f"c{n}" for n in range(rows)],
        "campaign": ["spring"] * rows,
        "day": days,
        "offer": ["voucher"] * rows,
        "answered": (draw.random(rows) < chances).astype(float),
        "weight": np.ones(rows),
        "p_response": np.full(rows, 0.2),
        "response_version": ["r1"] * rows,
    }
    return pa.table({**told, **known})


def learned(
    champion: StoredBundle, training: pa.Table, *, since: str = "", **changes: Any
) -> LearnedAnswers | LeftOut:
    given, segmenter = parameters(**changes), champion.files[SEGMENTER]
    return learn_response_from(training, segmenter, TRAINING, given, UNTIL, since=since)


def file_of(champion: StoredBundle, found: LearnedAnswers | LeftOut) -> bytes:
    assert isinstance(found, LearnedAnswers), found
    segmenter = metadata_of(read_model(champion.files[SEGMENTER]))
    return bytes(checked_response(found, segmenter).SerializeToString(deterministic=True))


@pytest.fixture(scope="module")
def good(champion: StoredBundle) -> bytes:
    """What is learned from a market in which those who spend more answer less."""
    return file_of(champion, learned(champion, contacts(champion, sign=-1.0)))


def test_it_foretells_the_market_that_its_outcomes_are_of(
    champion: StoredBundle, good: bytes
) -> None:
    later = contacts(champion, sign=-1.0, until="2015-12-31", seed=5)
    scorer = Scorer(good)
    matrix = np.column_stack([later[name].to_numpy() for name in scorer.columns])
    p = scorer.score(np.ascontiguousarray(matrix))[P_RESPONSE]
    came = later["answered"].to_numpy()
    assert p[came == 1.0].mean() > p[came == 0.0].mean() + 0.1
    assert abs(p.mean() - came.mean()) < 0.05


def test_the_file_says_what_it_was_learned_from(good: bytes) -> None:
    told = metadata_of(read_model(good))["metrics"]
    assert told["from"] == "outcomes"
    assert told[LEARNED_UNTIL] == UNTIL
    assert told["last"] == UNTIL


def test_with_too_few_answers_nothing_is_learned_of_outcomes(champion: StoredBundle) -> None:
    found = learned(champion, contacts(champion, sign=-1.0, rows=150))
    assert isinstance(found, LeftOut)
    assert "fewer than 100 (`retraining.min_answers`)" in found.reason


def test_outcomes_that_tell_nothing_make_no_model(champion: StoredBundle) -> None:
    found = learned(champion, contacts(champion, sign=0.0))
    assert isinstance(found, LeftOut)
    assert "no better than the share" in found.reason


def test_the_order_of_contacts_changes_nothing(champion: StoredBundle, good: bytes) -> None:
    rows = contacts(champion, sign=-1.0)
    backwards = pa.array(range(len(rows) - 1, -1, -1))
    assert file_of(champion, learned(champion, rows.take(backwards))) == good


def test_what_is_old_counts_less(champion: StoredBundle) -> None:
    old = contacts(champion, sign=1.0, until="2014-12-31", seed=2, rows=3_000)
    rows = pa.concat_tables([old, contacts(champion, sign=-1.0)])
    forgetting = learned(champion, rows, half_life_days=20)
    assert isinstance(forgetting, LearnedAnswers)
    p = expit(forgetting.odds)
    spend = forgetting.customers.columns(["spend_wines"])[:, 0]
    assert np.corrcoef(np.log(spend), p)[0, 1] < 0.0
    always = learned(champion, rows, half_life_days=None)
    assert isinstance(always, LearnedAnswers)
    assert np.corrcoef(np.log(spend), expit(always.odds))[0, 1] > 0.0


def test_one_customer_of_many_campaigns_is_in_one_fold(champion: StoredBundle) -> None:
    rows = contacts(champion, sign=-1.0)
    other = rows.set_column(1, "campaign", pa.array(["summer"] * len(rows)))
    found = learned(champion, pa.concat_tables([rows, other]))
    assert isinstance(found, LearnedAnswers)
    folds = found.folds.reshape(-1, 2)
    assert (folds[:, 0] == folds[:, 1]).all()


def gates(
    champion: StoredBundle,
    response: bytes,
    tmp_path: Path,
    later: pa.Table,
    own: Compared | None = None,
) -> dict[str, Any]:
    """The gate `response` of a bundle with another response model."""
    bundle = StoredBundle({**champion.files, RESPONSE: response})
    tried = Challenger(bundle=bundle.id, champion=champion.id, promotion=1, compared=own)
    chosen = Chosen(bundle, bundle.id, "dev", None, champion, (), tried)
    outcomes = KnownOutcomes(later, "2015-12-31")
    found = judge_trial(chosen, [], Shadows(str(tmp_path)), outcomes, parameters(), campaign())
    return {one.name: one.passed for one in found if one.gate == "response"}


def test_a_good_challenger_passes_and_bad_ones_are_refused_by_later_outcomes(
    champion: StoredBundle, good: bytes, tmp_path: Path
) -> None:
    later = contacts(champion, sign=-1.0, until="2015-12-31", seed=5)
    assert gates(champion, good, tmp_path, later) == {
        "unknown": True,
        "log_loss": True,
        "profit": True,
    }
    right = StoredBundle({**champion.files, RESPONSE: good})
    model = model_of(metadata_of(read_model(good))).regression
    drawn = np.random.default_rng(1).normal(0.0, 3.0, len(model.weights))
    for bad in (
        turned_round(good),
        with_regression(good, replace(model, weights=drawn, intercept=0.0)),
        champion.files[RESPONSE],
    ):
        assert not gates(right, bad, tmp_path, later)["log_loss"]


def test_only_contacts_that_came_later_count(champion: StoredBundle, good: bytes) -> None:
    offers, same = campaign().offers, contacts(champion, sign=-1.0)
    assert compare_on_outcomes(same, champion.files[RESPONSE], good, offers) is None
    later = contacts(champion, sign=-1.0, until="2015-07-20", seed=5)
    found = compare_on_outcomes(later, champion.files[RESPONSE], good, offers)
    assert found
    assert not found.is_out_of_fold
    assert found.contacts == sum(day > UNTIL for day in later["day"].to_pylist()) < len(later)
    assert compare_on_outcomes(later, None, good, offers) is None


def out_of_fold(
    champion: StoredBundle, training: pa.Table, response: bytes | None, since: str = ""
) -> Compared | None:
    found = learned(champion, training, since=since)
    assert isinstance(found, LearnedAnswers), found
    file, rows = file_of(champion, found), contacts_since(training, since)
    return compare_out_of_fold(rows, found, response, file, campaign().offers)


def test_out_of_fold_it_is_as_good_as_on_contacts_that_come_later(
    champion: StoredBundle, good: bytes
) -> None:
    own = out_of_fold(champion, contacts(champion, sign=-1.0), champion.files[RESPONSE])
    later = contacts(champion, sign=-1.0, until="2015-12-31", seed=5)
    fresh = compare_on_outcomes(later, champion.files[RESPONSE], good, campaign().offers)
    assert own
    assert fresh
    assert own.is_out_of_fold
    assert own.contacts == 1_500
    assert own.loss < -3.0 * own.loss_error
    assert own.loss == pytest.approx(fresh.loss, abs=3.0 * own.loss_error)
    assert own.loss_error == pytest.approx(fresh.loss_error, rel=0.3)


def test_beside_a_champion_that_is_right_it_gains_nothing_out_of_fold(
    champion: StoredBundle, good: bytes
) -> None:
    """On the contacts that it learned from, the file itself would seem the better one."""
    fresh = contacts(champion, sign=-1.0, until="2015-12-31", seed=6, rows=600)
    own = out_of_fold(champion, fresh, good)
    assert own
    assert abs(own.loss) < 3.0 * own.loss_error


def test_contacts_that_the_champion_was_learned_from_do_not_count(
    champion: StoredBundle, good: bytes
) -> None:
    old = contacts(champion, sign=-1.0)
    assert out_of_fold(champion, old, good) is None
    assert out_of_fold(champion, old, None) is None
    new = contacts(champion, sign=-1.0, until="2015-07-20", seed=5)
    found = out_of_fold(champion, new, good)
    assert found
    assert found.contacts == sum(day > UNTIL for day in new["day"].to_pylist())


def test_each_contact_is_held_against_its_own_answer_and_who_is_unknown_to_it_is_told(
    champion: StoredBundle,
) -> None:
    training = contacts(champion, sign=-1.0)
    spend = training["spend_wines"].to_numpy().copy()
    absent = np.arange(len(spend)) % 40 == 7
    spend[absent] = np.nan
    place = training.column_names.index("spend_wines")
    training = training.set_column(place, "spend_wines", pa.array(spend))
    found = learned(champion, training)
    assert isinstance(found, LearnedAnswers)
    rows = contacts_since(training, "")
    assert (~found.kept).sum() == absent.sum() > 30
    file = file_of(champion, found)
    compared = compare_out_of_fold(rows, found, file, file, campaign().offers)
    assert compared is None
    offers = campaign().offers
    compared = compare_out_of_fold(rows, found, champion.files[RESPONSE], file, offers)
    assert compared
    scorer = Scorer(champion.files[RESPONSE])
    table = rows.to_arrow()
    matrix = np.column_stack([table[name].to_numpy() for name in scorer.columns])
    old = scorer.score(np.ascontiguousarray(matrix))[P_RESPONSE]
    both = found.kept & np.isfinite(old)
    answered, new = table["answered"].to_numpy()[both], expit(found.odds[both[found.kept]])
    gained = np.log(np.where(answered == 1.0, old[both], 1.0 - old[both]))
    gained -= np.log(np.where(answered == 1.0, new, 1.0 - new))
    assert compared.loss == pytest.approx(gained.mean())
    assert compared.unknown == (np.isfinite(old) & ~found.kept).sum()


def test_its_own_outcomes_judge_it_and_later_ones_too_once_there_are_enough(
    champion: StoredBundle, good: bytes, tmp_path: Path
) -> None:
    own = out_of_fold(champion, contacts(champion, sign=-1.0), champion.files[RESPONSE])
    few = contacts(champion, sign=-1.0, until="2015-12-31", seed=5, rows=60)
    assert gates(champion, good, tmp_path, few) == {}
    names = [f"{name}_out_of_fold" for name in ("unknown", "log_loss", "profit")]
    assert gates(champion, good, tmp_path, few, own) == dict.fromkeys(names, True)
    right = StoredBundle({**champion.files, RESPONSE: good})
    later = contacts(champion, sign=-1.0, until="2015-12-31", seed=5)
    found = gates(right, turned_round(good), tmp_path, later, own)
    assert found["log_loss_out_of_fold"]
    assert not found["log_loss"]


def test_one_that_is_worse_out_of_fold_is_refused(
    champion: StoredBundle, good: bytes, tmp_path: Path
) -> None:
    worse = Compared(900, 300, 0, 0.1, 0.01, 0.5, 0.1, is_out_of_fold=True)
    later = contacts(champion, sign=-1.0, until="2015-12-31", seed=5, rows=300)
    found = gates(champion, good, tmp_path, later, worse)
    assert {name for name, passed in found.items() if not passed} == {
        "log_loss_out_of_fold",
        "profit_out_of_fold",
    }
