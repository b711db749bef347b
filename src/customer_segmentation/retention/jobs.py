"""Remove jobs of the API whose upload or results hold a customer, row and files."""

from __future__ import annotations

from pathlib import Path

from customer_segmentation.errors import UserError
from customer_segmentation.mendable import explain


def erase_job(folder: Path, jobs: Path) -> None:
    """Remove a job, or a file that is being uploaded; an unfinished job is cancelled first.

    Whole: its counts are of all rows that were sent, and the file can be sent again without the
    customer.

    Args:
        folder: The job's, or the file.
        jobs: That of all jobs.

    Raises:
        UserError: The server's packages are not installed.
    """
    if folder.is_file():
        folder.unlink()
        return
    try:
        from customer_segmentation.serving.jobs.files import (  # noqa: PLC0415 - of an extra
            JobFiles,
        )
        from customer_segmentation.serving.jobs.table import JobTable  # noqa: PLC0415 - as above
        from customer_segmentation.serving.settings import (  # noqa: PLC0415 - as above
            read_settings,
        )
    except ModuleNotFoundError as error:
        raise UserError(explain(error) or str(error)) from error
    settings = read_settings({"jobs": str(jobs)})
    table = JobTable(settings.database_url, settings.jobs_kept)
    table.cancel(folder.name)
    table.remove(folder.name)
    table.engine.dispose()
    JobFiles(jobs).remove(folder.name)
