"""The data dictionary in `docs`."""

from pathlib import Path

from customer_segmentation.schema.dictionary import markdown
from tests.marketing import SCHEMA

CHECKOUT = Path(__file__).parents[2]


def test_the_page_in_docs_is_current() -> None:
    page = (CHECKOUT / "docs" / "data_dictionary.md").read_text()
    assert page == markdown(SCHEMA, "conf/schemas/marketing_campaign.yml"), "run make docs"
