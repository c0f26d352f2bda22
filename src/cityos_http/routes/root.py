"""Whether this process lives, whether the city can work, and which version it is."""

from importlib.metadata import version

from attrs import frozen

from cityos_http.asking import Asked
from cityos_http.endpoint import Needs, Routes

routes = Routes("", tag="Health")


@frozen(kw_only=True)
class Health:
    """That something is as it should be."""

    status: str


@frozen(kw_only=True)
class Version:
    """What runs here."""

    version: str


@routes.get("/livez", action="", needs=Needs.NOTHING)
def get_liveness(asked: Asked) -> Health:
    """Tell that this process answers."""
    del asked
    return Health(status="ok")


@routes.get("/readyz", action="", needs=Needs.NOTHING)
def get_readiness(asked: Asked) -> Health:
    """Tell that the database answers; 503 if it does not."""
    asked.city.ready()
    return Health(status="ok")


@routes.get("/version", action="", needs=Needs.NOTHING)
def get_version(asked: Asked) -> Version:
    """Tell which version runs."""
    del asked
    return Version(version=version("cityos"))
