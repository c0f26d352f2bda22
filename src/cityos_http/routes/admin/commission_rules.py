"""Commission rules, the tenant's and the platform's, and what they charged, for administrators."""

from cityos_core.commissions.lint import Finding
from cityos_http.asking import Asked, Listed
from cityos_http.endpoint import Key, Needs, Routes
from cityos_http.problems import inside
from cityos_http.schemas.commissions import (
    ExplanationQuery,
    ExplanationView,
    FindingView,
    HistoryQuery,
    ImportView,
    LintQuery,
    ReplayRequest,
    ReplayView,
    RuleName,
    RuleQuery,
    RulesRequest,
    StoredRuleView,
    age,
)

routes = Routes("/admin", tag="Commission")


def _place(finding: Finding) -> str:
    return f"{finding.kind}\n{finding.rule}\n{finding.other}\n{finding.detail}"


def _listed(asked: Asked, query: RuleQuery) -> Listed[StoredRuleView]:
    found = asked.city.commissions.rules(asked.any_scope, as_of=query.as_of)
    return asked.part(query, found, age, StoredRuleView.of)


def _imported(asked: Asked, body: RulesRequest) -> ImportView:
    with inside("rules"):
        return ImportView.of(asked.city.commissions.import_rules(asked.any_scope, body.rules, draft=body.draft))


def _versions(asked: Asked, query: HistoryQuery) -> Listed[StoredRuleView]:
    found = asked.city.commissions.history(asked.any_scope, query.name)
    return asked.part(query, found, age, StoredRuleView.of)


@routes.get("/commission-rules", action="commission-rules:list")
def list_commission_rules(asked: Asked, query: RuleQuery) -> Listed[StoredRuleView]:
    """List the rules that hold, oldest first; the platform's with them."""
    return _listed(asked, query)


@routes.post("/commission-rules", action="commission-rules:import")
def import_commission_rules(asked: Asked, body: RulesRequest) -> ImportView:
    """Write rules, all or none; a changed rule becomes a new version, what is not listed stays."""
    return _imported(asked, body)


@routes.get("/commission-rules/history", action="commission-rules:read")
def list_commission_rule_versions(asked: Asked, query: HistoryQuery) -> Listed[StoredRuleView]:
    """List every version of a rule, the first one first."""
    return _versions(asked, query)


@routes.post("/commission-rules/activate", action="commission-rules:activate", status=200)
def activate_commission_rule(asked: Asked, body: RuleName) -> StoredRuleView:
    """Put a draft in force."""
    return StoredRuleView.of(asked.city.commissions.activate(asked.scope, body.name))


@routes.post("/commission-rules/retire", action="commission-rules:retire", status=200)
def retire_commission_rule(asked: Asked, body: RuleName) -> StoredRuleView:
    """Take a rule out of force; what was sold under it stays as it is."""
    return StoredRuleView.of(asked.city.commissions.retire(asked.scope, body.name))


@routes.get("/commission-rules/explain", action="commission-rules:explain")
def explain_commission(asked: Asked, query: ExplanationQuery) -> ExplanationView:
    """Say why a sold line was charged what it was charged, from the record made at the sale."""
    return ExplanationView.of(asked.city.commissions.explain(asked.scope, query.subject))


@routes.get("/commission-rules/lint", action="commission-rules:lint")
def lint_commission_rules(asked: Asked, query: LintQuery) -> Listed[FindingView]:
    """Find rules that never count, rules that compete, and sales that no rule matched."""
    found = asked.city.commissions.lint(asked.scope, since=query.since)
    return asked.part(query, found, _place, FindingView.of)


@routes.post("/commission-rules/replay", action="commission-rules:replay", status=200, key=Key.NONE)
def replay_commission_rules(asked: Asked, body: ReplayRequest) -> ReplayView:
    """Charge past sales by other rules, and tell the difference; nothing is written."""
    with inside("rules"):
        report = asked.city.commissions.replay(
            asked.scope, body.rules, since=body.since, until=body.until, vendor=body.vendor
        )
    return ReplayView.of(report)


@routes.get("/tree/commission-rules", action="commission-rules:list", needs=Needs.PLATFORM)
def list_platform_commission_rules(asked: Asked, query: RuleQuery) -> Listed[StoredRuleView]:
    """List the platform's rules that hold, oldest first."""
    return _listed(asked, query)


@routes.post("/tree/commission-rules", action="commission-rules:import", needs=Needs.PLATFORM)
def import_platform_commission_rules(asked: Asked, body: RulesRequest) -> ImportView:
    """Write rules of the platform, which hold in every tenant."""
    return _imported(asked, body)


@routes.get("/tree/commission-rules/history", action="commission-rules:read", needs=Needs.PLATFORM)
def list_platform_commission_rule_versions(asked: Asked, query: HistoryQuery) -> Listed[StoredRuleView]:
    """List every version of one of the platform's rules, the first one first."""
    return _versions(asked, query)


@routes.post("/tree/commission-rules/activate", action="commission-rules:activate", status=200, needs=Needs.PLATFORM)
def activate_platform_commission_rule(asked: Asked, body: RuleName) -> StoredRuleView:
    """Put a draft of the platform in force."""
    return StoredRuleView.of(asked.city.commissions.activate(asked.any_scope, body.name))


@routes.post("/tree/commission-rules/retire", action="commission-rules:retire", status=200, needs=Needs.PLATFORM)
def retire_platform_commission_rule(asked: Asked, body: RuleName) -> StoredRuleView:
    """Take one of the platform's rules out of force."""
    return StoredRuleView.of(asked.city.commissions.retire(asked.any_scope, body.name))
