"""Figures: each names what it shows and can be drawn."""

import io

import numpy as np
import pandas as pd
import pytest

from customer_segmentation.pipelines.eda.measures import relate_features
from customer_segmentation.pipelines.eda.parameters import EdaParameters
from customer_segmentation.pipelines.eda.plots import plot_correlation, plot_distributions
from customer_segmentation.pipelines.eda.sample import draw_eda_sample
from tests.marketing import with_segment_features

SCHEMA = with_segment_features("income", "spend_total")
EDA = EdaParameters(
    sample_rows=1000,
    seed=1,
    hopkins_probes=10,
    hopkins_repeats=2,
    top_features=3,
    heat_map_features=5,
)


def customers() -> pd.DataFrame:
    random = np.random.default_rng(0)
    income = random.uniform(1e4, 9e4, 200)
    return pd.DataFrame(
        {
            "customer_id": [f"{row:04d}" for row in range(200)],
            "sample_key": range(200),
            "income": income,
            "recency_days": random.integers(0, 100, 200).astype(float),
            "complained": 0.0,
            "responded": random.integers(0, 2, 200).astype(float),
            "spend_total": income / 50.0,
            "deal_share": random.uniform(0.0, 1.0, 200),
        }
    )


def figures_of(frame):
    sample = draw_eda_sample(frame, SCHEMA, EDA)
    relations = relate_features(sample)
    return {
        "correlation": plot_correlation(sample, relations, EDA),
        "distributions": plot_distributions(sample, 0.95),
    }


def drawn(figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["correlation", "distributions"])
def test_every_panel_has_a_title_and_names_its_axes(name):
    figure = figures_of(customers())[name]
    panels = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    assert panels
    for axes in panels:
        assert axes.get_title() or axes.get_title(loc="left")
        assert axes.get_xlabel()
        assert axes.get_ylabel()


def test_the_same_customers_in_another_order_give_the_same_pictures():
    mixed = figures_of(customers().sample(frac=1.0, random_state=1))
    for name, figure in figures_of(customers()).items():
        assert drawn(mixed[name]) == drawn(figure)


def test_a_constant_column_is_not_on_the_heat_map():
    axes = figures_of(customers())["correlation"].axes[0]
    assert "complained" not in [label.get_text() for label in axes.get_yticklabels()]


def test_a_base_without_targets_or_selected_features_can_be_drawn():
    for figure in figures_of(customers()[["customer_id", "sample_key", "recency_days"]]).values():
        assert drawn(figure)
