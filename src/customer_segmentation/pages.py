"""Pages of HTML that need nothing else, in the report's style."""

from __future__ import annotations

from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

# Style and macros are the report's.
_SHARED = "reporting"


def render(pipeline: str, template: str, **values: Any) -> str:  # noqa: ANN401 - what it shows
    """A template of a pipeline, filled in.

    Args:
        pipeline: Its folder.
        template: The file's name.
        values: What the template shows.
    """
    folders = (f"customer_segmentation.pipelines.{name}" for name in (pipeline, _SHARED))
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(folder) for folder in folders]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(values)
