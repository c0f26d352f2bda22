"""What a TLS proxy asks before it orders a certificate."""

from ipaddress import ip_address

from attrs import field, frozen

from cityos_core.kernel.errors import NotFound
from cityos_http.asking import NOWHERE, Asked
from cityos_http.endpoint import Needs, Routes
from cityos_http.schema import about

routes = Routes("/api/certificates", tag="Machines")


@frozen(kw_only=True)
class CertificateQuery:
    """For which name."""

    domain: str = field(metadata=about("A host name.", example="shop.acme.example", least=1, most=253))


@frozen(kw_only=True)
class PermissionView:
    """That a certificate may be ordered."""

    domain: str


@routes.get("/permission", action="", needs=Needs.NOTHING)
def get_certificate_permission(asked: Asked, query: CertificateQuery) -> PermissionView:
    """Tell whether a certificate may be ordered for a name; 404 if not.

    Only a proxy on the same machine is answered.
    """
    is_near = asked.address is not None and ip_address(asked.address).is_loopback
    if not is_near or not asked.city.domains.may_issue(query.domain):
        raise NotFound("not_found", NOWHERE)
    return PermissionView(domain=query.domain)
