"""The HTTP API: routes by resource, JSON in and out as pydantic models."""
