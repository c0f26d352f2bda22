"""From the wish to sell to the first sale, for the vendor."""

from cityos_http.asking import Asked
from cityos_http.endpoint import Routes
from cityos_http.schemas.team import DashboardView, OnboardingView, PayoutAccountRequest, SubmissionRequest

routes = Routes("/vendor", tag="Vendor portal")


def _shown(asked: Asked) -> OnboardingView:
    return OnboardingView.of(asked.city.vendors.get(asked.scope, asked.vendor))


@routes.get("/dashboard", action="dashboard:read")
def get_dashboard(asked: Asked) -> DashboardView:
    """Read how the vendor stands."""
    return DashboardView.of(asked.city.payouts.dashboard(asked.scope, asked.vendor))


@routes.get("/onboarding", action="onboarding:read")
def get_onboarding(asked: Asked) -> OnboardingView:
    """Read how far the vendor has come."""
    return _shown(asked)


@routes.post("/onboarding/requirements/{key}/submit", action="onboarding:submit", status=200)
def submit_requirement(asked: Asked, key: str, body: SubmissionRequest) -> OnboardingView:
    """Hand in an item that was asked for."""
    asked.city.vendors.requirement(asked.scope, asked.vendor, key, "submit", reference=body.reference)
    return _shown(asked)


@routes.post("/onboarding/submit", action="onboarding:submit", status=200)
def submit_onboarding(asked: Asked) -> OnboardingView:
    """Ask for the decision."""
    asked.city.vendors.submit(asked.scope, asked.vendor)
    return _shown(asked)


@routes.put("/onboarding/payout-account", action="payout-account:change")
def change_own_payout_account(asked: Asked, body: PayoutAccountRequest) -> OnboardingView:
    """Say where payouts go; nothing is paid there until it is verified."""
    asked.city.vendors.set_payout_account(
        asked.scope, asked.vendor, method=body.method, reference=body.reference, holder=body.holder
    )
    return _shown(asked)
