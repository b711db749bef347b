"""The artifact behind an HTTP API, a page and asynchronous batches; nothing of Kedro."""
