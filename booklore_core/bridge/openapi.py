"""What `/openapi.json` says of the spool's lines: they are taken one by one and leniently, so no call declares them."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from booklore_core.bridge.models import HandOff
from booklore_core.events import SPOOLED, Event
from booklore_core.pipeline.spool import SPOOL_VERSION

WHERE = "#/components/schemas/{model}"
TORN = {"type": "string", "description": "a line that is no whole JSON object, as it stands in the spool"}


def document(app: FastAPI) -> dict[str, Any]:
    """The document of an application, made at the first call."""
    if app.openapi_schema is None:
        told = get_openapi(title=app.title, version=app.version, routes=app.routes)
        _, described = models_json_schema([(event, "validation") for event in SPOOLED], ref_template=WHERE)
        schemas = told["components"]["schemas"]
        schemas |= described["$defs"]
        for event in SPOOLED:
            describe(schemas[event.__name__], event)
        lines = [{"$ref": WHERE.format(model=event.__name__)} for event in SPOOLED]
        schemas[HandOff.__name__]["properties"]["lines"]["items"] = {"anyOf": [*lines, TORN]}
        app.openapi_schema = told
    return app.openapi_schema


def describe(schema: dict[str, Any], event: type[Event]) -> None:
    """Adds what every line begins with, and takes out what only the core fills in."""
    schema["properties"] = {
        "v": {"const": SPOOL_VERSION},
        "event": {"const": event.name},
        **{name: about for name, about in schema["properties"].items() if name != "former_id"},
    }
    schema["required"] = ["v", "event", *schema["required"]]
