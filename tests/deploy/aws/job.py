"""The job's script, which lies outside of packages, as a module."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location

from tests.runs.project import CHECKOUT

SCRIPT = CHECKOUT / "deploy" / "aws" / "jobs" / "segmentation.py"
_spec = spec_from_file_location("segmentation_job", SCRIPT)
assert _spec
assert _spec.loader
job = module_from_spec(_spec)
_spec.loader.exec_module(job)
