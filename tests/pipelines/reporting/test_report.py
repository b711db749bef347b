"""The page: whole, self-contained, the same every time, and safe with any name."""

import html as entities
import itertools
import re
from html.parser import HTMLParser

import polars as pl
import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.pipelines.reporting.nodes import build_report

VOID = {"meta", "br"}


class Elements(HTMLParser):
    """Every element with its attributes; fails where one is closed that is not open."""

    def __init__(self, page: str):
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"


def text_of(page):
    visible = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return " ".join(entities.unescape(re.sub(r"<[^>]+>", " ", visible)).split())


def test_every_element_is_closed_where_it_should_be(page, inputs):
    assert Elements(page(inputs)).open == []


def test_the_page_loads_nothing_and_runs_nothing(page, inputs):
    html = page(inputs)
    for tag, attributes in Elements(html).found:
        assert tag not in {"script", "link", "iframe", "object", "img", "base", "form"}
        assert not {name for name in attributes if name.startswith("on") or name == "src"}
        assert attributes.get("href", "#").startswith("#")
    assert "http" not in html
    assert "url(" not in html
    assert "@import" not in html


def test_the_same_results_give_the_same_bytes(page, inputs_for):
    names = ["High-value", "Low-spend"]
    assert page(inputs_for(names)).encode() == page(inputs_for(names)).encode()


def test_a_polars_table_gives_the_same_page_as_a_pandas_one(page, inputs):
    converted = {
        name: pl.DataFrame(inputs[name].to_dict("list")) for name in ("profiles", "choice_of_k")
    }
    assert page(inputs | converted) == page(inputs)


@pytest.mark.parametrize("k", range(2, 11))
def test_any_number_of_segments_has_a_card_each(page, inputs_for, k):
    names = [f"Segment of a long name, {n} of {k} by web visits and purchases" for n in range(k)]
    html = page(inputs_for(names))
    assert html.count('<article class="card"') == k
    assert Elements(html).open == []
    assert all(name in html for name in names)


def test_a_hostile_name_is_shown_and_not_run(page, inputs_for):
    hostile = '<script>alert("x")</script>&'
    inputs = inputs_for([hostile, 'a" onload="b'])
    inputs["accounting"] |= {"source_name": hostile, "reasons": {f"{hostile}: missing": 1}}
    html = page(inputs)
    elements = Elements(html)
    assert elements.open == []
    assert "script" not in {tag for tag, _ in elements.found}
    assert not any("onload" in attributes for _, attributes in elements.found)
    assert hostile in text_of(html)


def test_every_link_leads_to_a_part_of_the_page_and_every_label_is_there(page, inputs):
    found = Elements(page(inputs)).found
    ids = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for tag, a in found if tag == "a"} <= set(ids)
    assert {a["aria-labelledby"] for _, a in found if "aria-labelledby" in a} <= set(ids)


def test_every_table_has_a_caption_and_every_heading_cell_a_scope(page, inputs):
    found = Elements(page(inputs)).found
    tags = [tag for tag, _ in found]
    assert tags.count("caption") == tags.count("table")
    assert all("scope" in attributes for tag, attributes in found if tag == "th")


def test_every_drawing_is_told_in_words_or_is_beside_its_number(page, inputs):
    for tag, attributes in Elements(page(inputs)).found:
        if tag == "svg":
            assert attributes.get("aria-hidden") == "true" or attributes["aria-label"]


def test_headings_do_not_skip_a_level(page, inputs):
    levels = [int(tag[1]) for tag, _ in Elements(page(inputs)).found if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(later <= earlier + 1 for earlier, later in itertools.pairwise(levels))


def test_the_page_says_where_it_comes_from_and_not_when_it_was_made(page, inputs):
    text = text_of(page(inputs))
    version = inputs["supervised"]["cold_start"]["segmenter_version"]
    for told in ("customers.csv", "cd0affa36b1b...", "2014-06-30", version, "2fc9fb7d1c71"):
        assert told in text
    assert not re.search(r"\d\d:\d\d", text)


def test_the_rows_are_accounted_for_with_every_reason(page, inputs):
    text = text_of(page(inputs))
    assert "Of 1,040 rows in customers.csv, 1,000 are customers (96 %)." in text
    assert "Quarantined: broke a rule 35 3 %" in text
    assert "that is not needed: Days since the last purchase: missing (3)." in text
    assert "Please check: income may be in thousands." in text
    assert "Left out: repeated another row 5 " in text
    assert "Yearly income: missing 24" in text
    assert "Year of birth: age outside 18 to 100 11" in text


def test_the_thresholds_that_the_artifact_learned_are_told(page, inputs):
    text = text_of(page(inputs))
    assert "modest below 51,373, comfortable from there, affluent from 71,819" in text
    assert "At least 33.3 % of a customer's purchases, and at least 3 of them" in text
    assert "from percentile 75 of likely to spend" in text


def test_the_cold_start_comes_before_the_demonstration(page, inputs):
    text = text_of(page(inputs))
    cold_start = text.index("It recognises 77 % of a segment's customers on average")
    assert cold_start < text.index("A demonstration, not a forecast")
    assert "a baseline that knows only the segments' sizes, 33 %" in text
    assert "Validated on tenured customers." in text


def test_the_candidates_for_the_cold_start_stand_beside_each_other(page, inputs):
    text = text_of(page(inputs))
    assert (
        "The logistic regression is in use, chosen by this rule: the smallest of those that are "
        "good enough. The full model is the better of two kinds of trees, here gradient boosting"
    ) in text
    table = text[text.index("Light models beside the full one") :]
    # Equal data make equal reports: times are elsewhere, and the report says where.
    assert not re.search(r"\d (\N{MICRO SIGN}s|ms)\b", text)
    assert "MLflow has what this run measured (one_row_us, thousand_rows_ms)" in text
    for row in (
        "Logistic regression (used) Quantised network Gradient boosting (full)",
        "File 25.6 kB 27.9 kB 69.4 kB",
        "AUC 0.926 0.926 0.926",
        "Answers that differ 7.4 % 7.3 % 0.0 %",
    ):
        assert row in table


def test_a_cold_start_model_that_somebody_named_is_told_as_such(page, inputs):
    named = {"exported": "quantised_network", "chosen_by": ""}
    named["models"] = inputs["supervised"]["cold_start"]["models"] | {
        "quantised_network": inputs["supervised"]["cold_start"]["models"]["logistic_regression"]
    }
    inputs["supervised"]["cold_start"] |= named
    text = text_of(page(inputs))
    assert "quantised network is in use, named by supervised_training.exported." in text
    assert "Quantised network (used)" in text


def test_what_the_source_does_not_allow_is_left_out(page, inputs_for, segment):
    inputs = inputs_for(["High-value", "Low-spend"], outputs=("waits_for_offers",))
    measures = ["responded", "likely_to_spend", "spend_total", "spend_wines", "spend_gold"]
    labels = ["channel__web", "channel__catalog", "channel__store", "product__wines"]
    offers = ["product__gold", "offer__newsletter", "offer__discount", "offer__preview"]
    left_out = dict.fromkeys([*measures, *labels, *offers])
    rows = [*segment(0, "High-value", 0.4, **left_out), *segment(1, "Low-spend", 0.6, **left_out)]
    inputs["profiles"] = pl.DataFrame(rows)
    inputs["clustering"]["expected_spend_r2"] = None
    inputs["eda"]["hopkins"]["value"] = None
    inputs["eda"]["top_features"] = {}
    inputs["supervised"]["response"] = {"version": "9bfc3e23fd8e", "left_out": "no answers"}
    html = page(inputs)
    text = text_of(html)
    assert Elements(html).open == []
    for absent in (
        "last campaign",
        "Reach them",
        "What to offer",
        "frequent offer",
        "Share of all spend",
        "Hopkins",
    ):
        assert absent not in text
    assert "Waits for offers" in text


def test_customers_without_a_segment_are_told_and_have_no_card(page, inputs, segment):
    rows = [
        *segment(-1, "unsegmented", 0.1),
        *(row for n in range(3) for row in segment(n, inputs["clustering"]["segments"][n], 0.3)),
    ]
    html = page(inputs | {"profiles": pl.DataFrame(rows)})
    assert html.count('<article class="card"') == 3
    assert "100 customers lack a value that a segment needs" in text_of(html)


def test_results_of_different_runs_are_refused(inputs):
    inputs["supervised"]["cold_start"]["segmenter_version"] = "another"
    inputs["clustering"]["segments"] = ["Another"]
    with pytest.raises(UserError, match="--pipelines=clustering,supervised_training,reporting"):
        build_report(**inputs)


def test_who_answers_a_campaign_is_told_with_what_it_brings_and_what_it_is_not(page, inputs):
    text = text_of(page(inputs))
    assert "15 % of 2,198 customers answered the last campaign" in text
    assert "answers to earlier campaigns among it" in text
    assert (
        "For the offer winter voucher a contact costs 3 and an answer brings 11 monetary units, so "
        "that it pays to contact whoever answers with a probability above 27 %. That names 361 "
        "customers, of whom 225 answered: a profit of 1,392 monetary units, in 95 of 100 such "
        "customer bases between 1,131 and 1,653." in text
    )
    assert "Where the model says 27 %, 27 % answer (between 24 % and 31 %)" in text
    assert "Those whom the model names 1,647 1,392 1,117" in text
    assert "Everybody -1,645 -2,964 -4,283" in text
    assert "is not the effect of contacting" in text


def test_an_offer_that_costs_what_an_answer_brings_is_worth_nobody(page, inputs):
    inputs["supervised"]["response"] |= {"cost": 11.0}
    text = text_of(page(inputs))
    assert "a contact costs 11 and an answer brings 11 monetary units: nobody is worth" in text
    assert "Where the model says" not in text


def test_without_a_response_model_there_is_no_section_and_a_note_says_why(page, inputs):
    inputs["supervised"]["response"] = {"version": "9bfc3e23fd8e", "left_out": "nobody was asked"}
    html = page(inputs)
    assert 'id="answers"' not in html
    assert "Left out: the response model: nobody was asked." in text_of(html)
