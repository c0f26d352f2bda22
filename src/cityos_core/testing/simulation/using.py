"""What subscribers use in a simulated city, and when it is reported: at once, weeks later, or twice."""

from datetime import timedelta
from typing import Final

from attrs import define, field

from cityos_core.subscriptions.plans import Plan
from cityos_core.subscriptions.recording_usage import Report
from cityos_core.testing.simulation.membership import Member, Membership

MOST: Final = 30
"""How much is reported at a time at most; whoever reports often comes beyond the last band of a closed meter."""


@define
class Use:
    """Reports what the subscribers of one tenant used."""

    those: Membership
    _reported: int = field(default=0, init=False)
    _last: tuple[Member, list[Report]] | None = field(default=None, init=False)

    def use(self) -> None:
        """Let somebody report what was used, or report the same as last time."""
        those = self.those
        if not those.members:
            return
        if self._last is None or those.random.randrange(5):
            member = those.random.choice(those.members)
            self._last = member, self._reports(member)
        member, reports = self._last
        metered = {item.key for item in self._plan(member).metered}
        known = [one for one in reports if one[1] in metered]
        record = those.app.subscriptions.record_usage
        if known:
            those.chance.allowed("reports of usage", lambda: record(those.scope, member.subscription_id, known))

    def _reports(self, member: Member) -> list[Report]:
        those = self.those
        since = those.app.subscriptions.get(those.scope, member.subscription_id).created_at
        now, days = those.clock.now(), 45 if not those.random.randrange(4) else 2
        found: list[Report] = []
        for item in self._plan(member).metered:
            for _ in range(those.random.randint(1, 3)):
                self._reported += 1
                used_at = max(now - timedelta(minutes=those.random.randint(0, days * 24 * 60)), since)
                found.append((f"report-{self._reported}", item.key, those.random.randint(0, MOST), used_at))
        return found

    def _plan(self, member: Member) -> Plan:
        subscription = self.those.app.subscriptions.get(self.those.scope, member.subscription_id)
        return self.those.app.plans.get(self.those.scope, subscription.plan_id)
