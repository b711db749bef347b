"""What the cards and sections say."""

import pandas as pd
import pytest

from customer_segmentation.pipelines.reporting import phrases
from customer_segmentation.pipelines.reporting.cards import (
    discount_advice,
    lead_channel,
    lead_product,
    make_card,
    spending,
    waiting,
)
from customer_segmentation.pipelines.reporting.choice import (
    choice_rows,
    clearness,
    explain_choice,
    steadiness,
)
from customer_segmentation.pipelines.reporting.cleaning import explain_cleaning
from customer_segmentation.pipelines.reporting.models import explain_cold_start
from customer_segmentation.pipelines.reporting.profiles import read_profiles
from customer_segmentation.pipelines.reporting.relations import explain_relations
from tests.marketing import SCHEMA


def plain(text):
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.fixture
def profile(segment, frame_of):
    """Means that differ from the average -> the profile of a segment with 300 of 1,000."""

    def read(**means):
        rows = segment(0, "Some", 0.3, **means)
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        return read_profiles(SCHEMA, frame_of(columns)).segments[0]

    return read


def test_a_card_tells_size_spend_and_waiting_in_sentences(profile):
    card = make_card(profile(spend_total=1200.0, waits_for_offers__yes=0.1))
    assert card.name == "Some"
    assert plain(card.size) == "300 customers, 30 % of all"
    spend, waits = map(plain, card.lead)
    assert spend == (
        "They spend 1,200 each in two years, 2.0 times the average of 600, and bring in 60 % of "
        "all spend."
    )
    assert waits == "10 % wait for offers, less than the average (20 %)."


def test_who_they_are_stands_beside_all_customers(profile):
    facts = {fact.label: (fact.here, fact.overall) for fact in make_card(profile(age=50.2)).who}
    assert facts["Yearly income"] == ("52,000", "52,000")
    assert facts["Age"] == ("50", "45")
    assert "Children at home" not in facts


@pytest.mark.parametrize(
    ("share", "advice"),
    [
        (0.0, "Send a discount? No: nobody here needs one to buy."),
        (0.004, "Send a discount? No: hardly anybody here needs one to buy (under 1 %)."),
        (0.1, "Send a discount? To a few only, not to the whole segment (10 %, against "),
        (0.4, "Send a discount? To those who wait for one (40 %, against 20 % of all "),
        (0.6, "Send a discount? Yes, to most of them (60 %, against 20 % of all customers)."),
    ],
)
def test_whether_to_send_a_discount_follows_from_who_is_offered_one(profile, share, advice):
    assert plain(discount_advice(profile(offer__discount=share))).startswith(advice)


def test_the_offer_mix_fills_the_bar(profile):
    parts = make_card(profile()).offers
    assert [part.label for part in parts] == ["Preview of new products", "Discount", "Newsletter"]
    assert [(part.start, part.length) for part in parts] == [(0, 25), (25, 20), (45, 55)]


def test_a_second_product_is_named_only_when_it_is_not_far_behind(profile):
    near = profile(product__wines=0.55, product__gold=0.45)
    assert plain(lead_product(near)) == (
        "Lead with wines, the standout product for 55 % of them, then gold products (45 %)."
    )
    far = profile(product__wines=0.9, product__gold=0.1)
    assert plain(lead_product(far)) == "Lead with wines, the standout product for 90 % of them."


def test_the_channel_that_stands_out_most_is_named(profile):
    shares = {"channel__web": 0.1, "channel__catalog": 0.7, "channel__store": 0.2}
    assert plain(lead_channel(profile(**shares))) == (
        "Reach them through the catalogue, the standout channel for 70 % of them."
    )


def test_products_are_bars_with_a_mark_at_the_average_customer(profile):
    wines, gold = make_card(profile(spend_wines=600.0, spend_gold=25.0)).products
    assert (wines.label, wines.text, wines.length, wines.mark, wines.note) == (
        ("Wines", "600", 100.0, 50.0, "200")
    )
    assert (gold.label, gold.text, gold.note) == ("Gold products", "25.0", "50")


def test_a_segment_that_spends_nothing_has_no_bars_and_an_empty_base_no_index(profile, segment):
    rows = [row | {"mean": 0.0, "base_mean": 0.0, "index": None} for row in segment(0, "None", 1.0)]
    card = make_card(profile()), make_card(read_profiles(SCHEMA, pd.DataFrame(rows)).segments[0])
    assert card[0].products
    assert card[1].products == ()
    assert card[1].lead == (
        "They spend 0.0 each in two years; the average is 0.0.",
        "Nobody here waits for offers (0\N{NO-BREAK SPACE}% of all customers do).",
    )


def test_measures_without_a_value_are_left_out(profile):
    found = profile(income=float("nan"), spend_total=None, waits_for_offers__yes=None)
    assert "income" not in found.means
    assert spending(found) == ""
    assert waiting(profile(waits_for_offers__yes=None, waits_for_offers__no=None)) == ""


@pytest.mark.parametrize(
    ("index", "said"),
    [
        (None, ""),
        (203.0, "2.0 times the average"),
        (140.0, "40 % above the average"),
        (101.0, "about the average"),
        (19.0, "81 % below the average"),
    ],
)
def test_an_index_is_told_against_the_average(index, said):
    assert plain(phrases.against_average(index)) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.0, "0 %"), (0.004, "under 1 %"), (0.33, "33 %"), (0.996, "over 99 %"), (1.0, "100 %")],
)
def test_a_share_is_never_rounded_to_none_or_all(share, said):
    assert plain(phrases.percent(share)) == said


def test_indices_that_disagree_are_said_to(inputs):
    agreement = explain_choice(inputs["clustering"])[1]
    assert "the best silhouette of all is at 2, the elbow of the inertia at 5" in agreement
    rows = choice_rows(inputs["clustering"], inputs["choice_of_k"].to_dict("records"))
    remarks = {row["k"]: row["remark"] for row in rows}
    assert (remarks[2], remarks[3], remarks[4], remarks[5]) == (
        ("best silhouette", "chosen", "", "elbow")
    )


@pytest.mark.parametrize(
    ("k", "silhouette", "elbow", "said"),
    [
        (4, 4, 4, "both say 4 too"),
        (4, 3, 3, "both say 3; the rule chose 4"),
        (4, 2, 4, "the rule agrees with the elbow"),
        (4, 4, 5, "the rule agrees with the silhouette"),
        (4, 2, 5, "the rule settles on 4"),
    ],
)
def test_agreement_is_told_as_it_is(inputs, k, silhouette, elbow, said):
    changes = {"k": k, "best_silhouette_k": silhouette, "elbow_k": elbow}
    assert said in explain_choice(inputs["clustering"] | changes)[1]


def test_firmness_is_told_in_words():
    assert "clearly apart" in clearness(0.75)
    assert "weak structure" in clearness(0.32)
    assert "hardly any structure" in clearness(0.1)
    assert "come out almost the same" in steadiness(0.96)
    assert "do not rely on them" in steadiness(0.3)


def test_rows_with_several_reasons_are_explained(inputs):
    whole = inputs["accounting"] | {"lost_values": {}, "warnings": []}
    once = explain_cleaning(SCHEMA, whole, 0)
    assert once.note == ""
    twice = explain_cleaning(SCHEMA, whole | {"quarantined": 30}, 0)
    assert twice.note == "A row that breaks several rules is counted under each."


def test_order_lines_are_told_from_the_customers_they_make(inputs):
    whole = inputs["accounting"] | {"rows_in": 1000, "lines": 900, "customers": 30}
    found = explain_cleaning(SCHEMA, whole, 0)
    assert "900 are used as order lines of 30 customers (90 %)" in plain(found.lead)
    assert found.ends[0][:2] == ("Used order lines", "900")


def test_the_cold_start_tells_what_it_sees_and_whom_it_mistakes(inputs):
    section = inputs["supervised"]["cold_start"] | {
        "confusion": [[9, 1, 0], [0, 10, 0], [5, 5, 10]]
    }
    found = explain_cold_start(SCHEMA, section, {"key_0": "High", "key_1": "Middle"})
    asked = "year of birth, education, small children at home and teenagers at home"
    assert f"the segment from {asked}. It recognises" in found.lead
    told = [tuple(map(plain, row)) for row in found.recognised]
    assert told == [
        ("High", "90 %", "Middle (10 %)"),
        ("Middle", "100 %", ""),
        ("key 2", "50 %", "High (25 %)"),
    ]


def test_relations_are_told_with_their_direction(inputs):
    told = explain_relations(SCHEMA, inputs["eda"])
    assert [*told] == ["spend in two years", "response to the last campaign"]
    spend = told["spend in two years"]
    assert [bar.note for bar in spend] == [
        "rises with it (+0.85)",
        "falls with it (\N{MINUS SIGN}0.68)",
        "no clear direction (+0.10)",
    ]
    assert spend[0].length == 100.0
