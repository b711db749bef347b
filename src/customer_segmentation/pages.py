"""Pages of HTML that need nothing else, in the report's style."""

from __future__ import annotations

from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

# Style and macros are the report's.
_PIPELINES, _SHARED = "customer_segmentation.pipelines", "reporting"


def render(pipeline: str, template: str, **values: Any) -> str:  # noqa: ANN401 - what it shows
    """A template of a pipeline, filled in.

    Args:
        pipeline: Its folder.
        template: The file's name.
        values: What the template shows.
    """
    return environment(f"{_PIPELINES}.{pipeline}").get_template(template).render(values)


def environment(package: str) -> Environment:
    """Templates of a package's folder `templates`, beside the report's."""
    packages = (package, f"{_PIPELINES}.{_SHARED}")
    return Environment(
        loader=ChoiceLoader([PackageLoader(one) for one in packages]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
