"""Traces by OpenTelemetry, where they are asked for: nothing here is imported otherwise."""
