from pathlib import Path

from customer_segmentation.schema.dictionary import markdown

PAGE = Path(__file__).parents[2] / "docs" / "data_dictionary.md"


def test_the_page_in_docs_is_current() -> None:
    assert PAGE.read_text() == markdown(), "run make docs"
