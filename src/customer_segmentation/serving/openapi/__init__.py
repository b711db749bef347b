"""The OpenAPI document of the bundle in use, and a page to read it."""
