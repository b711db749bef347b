"""The HTTP API, the page and batch jobs for a promoted bundle; independent of Kedro."""
