"""Everything that can be done with commission rules and transactions."""

from typing import Self

from attrs import frozen

from cityos_core.commissions.judging import LintRules, ReplayRules
from cityos_core.commissions.reading import ExplainLine, ExportEntries, ListEntries, ListRules, Report, RuleHistory
from cityos_core.commissions.writing import ChangeRule, ImportRules
from cityos_core.dependencies import Dependencies


@frozen(kw_only=True)
class CommissionUseCases:
    """The commission use cases; ``import_rules``, ``rules``, ``history``, ``retire`` and ``activate`` serve the platform too."""

    import_rules: ImportRules
    rules: ListRules
    history: RuleHistory
    activate: ChangeRule
    retire: ChangeRule
    explain: ExplainLine
    lint: LintRules
    replay: ReplayRules
    report: Report
    entries: ListEntries
    export: ExportEntries

    @classmethod
    def of(cls, dependencies: Dependencies) -> Self:
        """Build the use cases over their ports."""
        unit_of_work, clock = dependencies.unit_of_work, dependencies.clock
        configuration = dependencies.configuration
        return cls(
            import_rules=ImportRules(unit_of_work=unit_of_work, clock=clock, identifiers=dependencies.identifiers),
            rules=ListRules(unit_of_work),
            history=RuleHistory(unit_of_work),
            activate=ChangeRule(unit_of_work=unit_of_work, clock=clock, action="activate"),
            retire=ChangeRule(unit_of_work=unit_of_work, clock=clock, action="retire"),
            explain=ExplainLine(unit_of_work),
            lint=LintRules(unit_of_work=unit_of_work, clock=clock, configuration=configuration),
            replay=ReplayRules(unit_of_work=unit_of_work, configuration=configuration),
            report=Report(unit_of_work),
            entries=ListEntries(unit_of_work),
            export=ExportEntries(unit_of_work),
        )
