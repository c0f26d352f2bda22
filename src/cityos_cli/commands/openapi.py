"""The document of the HTTP API."""

import typer

from cityos_cli.session import Session

app = typer.Typer(help="Print the OpenAPI document.")


@app.callback(invoke_without_command=True)
def openapi(ctx: typer.Context) -> None:
    """Print the OpenAPI 3.1 document of the HTTP API, as JSON: `cityos openapi > openapi.json`."""
    import json

    from cityos_http.document import document
    from cityos_http.routes import ENDPOINTS

    session = Session.of(ctx)
    session.output.stream.write(json.dumps(document(ENDPOINTS), indent=2, ensure_ascii=False) + "\n")
