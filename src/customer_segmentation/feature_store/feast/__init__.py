"""The feature store as Feast sees it: definitions, the online store, and the history."""

import os
from contextlib import suppress

# Feast has the metrics of its process, and of all that it starts, written to files that they share.
# A server of this project that is started there would count into them: prometheus_client settles
# where it counts when it is imported, so it is imported first, and Feast's setting is taken back.
import prometheus_client  # noqa: F401 - as above

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_given = os.environ.get(_FOLDER)
# Whoever needs it says that it is not there.
with suppress(ImportError):
    import feast  # noqa: F401 - as above
if _given is None:
    os.environ.pop(_FOLDER, None)
