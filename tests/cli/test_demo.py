"""The demonstration and the simulation from the command line."""

from decimal import Decimal
from pathlib import Path

from cli.shell import Cityos, read


def test_demo_tells_its_story_and_leaves_a_database(cityos: Cityos, tmp_path: Path) -> None:
    """It prints who earned what and why, the batches, who subscribes, and the checks; what it says to try next works."""
    result = cityos("demo", "--days", "9").succeeded()
    for title in (
        "What each party earned", "Why one commission was", "The last payout batches", "The ledger",
        "Who subscribes to what", "What subscribers were invoiced", "Payments that failed", "Monthly recurring revenue",
        "Billing, certified", "What of it is earned",
    ):  # fmt: skip
        assert title in result.out
    assert "balances" in result.out
    assert "DOES NOT" not in result.out
    commands = [line.split()[1:] for line in result.err.splitlines() if line.strip().startswith("cityos --tenant")]
    assert len(commands) == 7
    for command in commands:
        cityos("--database-url", f"sqlite:///{tmp_path / 'cityos-demo.db'}", *command).succeeded()


def test_demo_gives_the_same_figures_for_the_same_seed(cityos: Cityos) -> None:
    """Two demos of one seed print the same document, though the second replaces the first's database."""
    first = cityos("demo", "--days", "4", "--output", "json").succeeded()
    assert cityos("demo", "--days", "4", "--output", "json").succeeded().out == first.out
    assert cityos("demo", "--days", "4", "--seed", "8", "--output", "json").succeeded().out != first.out
    party = [row for row in read(first)["what_each_party_earned"] if row["tenant"] == "north"]
    assert {"buyers paid", "vendors, net", "revenue, commission"} <= {row["party"] for row in party}


def test_demo_sums_up_what_it_shows(cityos: Cityos, tmp_path: Path) -> None:
    """What buyers paid is what the parties got of it, subscribers apart; of those every figure agrees with the others."""
    told = read(cityos("demo", "--days", "9", "--output", "json").succeeded())
    for tenant in ("north", "alpine"):
        paid, *parts = (Decimal(row["amount"]) for row in told["what_each_party_earned"] if row["tenant"] == tenant)
        assert paid == sum(parts) > 0
    (bridge,), (runs,) = told["monthly_recurring_revenue"], told["billing_certified"]
    moved = ("a_year_ago", "new", "expansion", "contraction", "churn", "reactivation")
    assert Decimal(bridge["now"]) == sum(Decimal(bridge[part]) for part in moved) > 0
    assert runs["certificate"] == "ties"
    assert runs["due"] == runs["billed"] > 10
    plans, invoices = told["who_subscribes_to_what"], told["what_subscribers_were_invoiced"]
    assert {row["plan"] for row in plans} == {"membership", "year", "team", "courier"}
    assert sum(row["active"] for row in plans) > 10
    assert {"open", "paid"} <= {row["status"] for row in invoices}
    assert any(row["subscription"] == "past_due" for row in told["payments_that_failed_and_what_became_of_them"])
    database = f"sqlite:///{tmp_path / 'cityos-demo.db'}"
    revenue = read(cityos("--database-url", database, "--tenant", "north", "billing", "mrr", "--output", "json"))
    assert [row["revenue"] for row in revenue] == [bridge["now"]]


def test_demo_never_overwrites_what_it_did_not_make(cityos: Cityos, tmp_path: Path) -> None:
    """A file that is not a demo's is left alone."""
    (tmp_path / "precious.db").write_bytes(b"our books")
    result = cityos("demo", "--file", "precious.db")
    assert result.code == 7
    assert "name another file with --file" in result.err
    assert (tmp_path / "precious.db").read_bytes() == b"our books"


def test_simulate_proves_a_month(cityos: Cityos) -> None:
    """It reports what happened and how to live the same month again."""
    result = read(cityos("simulate", "--seed", "3", "--months", "1", "--faults", "--output", "json").succeeded())
    assert result["result"] == "every law holds"
    assert result["crashes"] > 10
    assert result["cycles_billed"]
    assert result["again"] == "cityos simulate --seed 3 --months 1 --faults"


def test_simulate_refuses_nonsense(cityos: Cityos) -> None:
    """Months are at least one."""
    assert cityos("simulate", "--months", "0").code == 2
