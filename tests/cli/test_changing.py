"""Changing subscriptions from the command line: previewed, and done exactly as it was previewed."""

import pytest

from cli.club import Club


def test_a_change_comes_to_what_was_previewed(club: Club) -> None:
    """A preview shows the invoice to the cent; the change with its token makes that one, and nothing else."""
    club.sell_team()
    ada = club.begin("team", "ada", "--quantity", "seats=3")
    club.wait(days=14)
    seen = club.json("subscriptions", "preview", "change", ada["id"], "--quantity", "seats=5")
    assert (seen["invoice"]["total"], seen["subscription"]["quantities"]) == ("10.00", {"seats": 5})
    assert seen["expires_at"] == "2026-02-14T12:30:00Z"
    assert len(club.invoices(ada)) == 1
    other = club("subscriptions", "change", ada["id"], "--quantity", "seats=6", "--token", seen["token"])
    assert (other.code, "preview_outdated" in other.err) == (7, True)
    club.wait(minutes=5)
    done = club.json("subscriptions", "change", ada["id"], "--quantity", "seats=5", "--token", seen["token"])
    assert (done["quantities"], done["invoice"]["total"]) == ({"seats": 5}, "10.00")
    assert done["invoice"]["lines"] == seen["invoice"]["lines"]
    again = club("subscriptions", "change", ada["id"], "--quantity", "seats=5", "--token", seen["token"])
    assert again.code == 7
    assert club("subscriptions", "change", ada["id"], "--quantity", "seats=5", "--token", "none").code == 8
    club.wait(hours=1)
    late = club("subscriptions", "pause", ada["id"], "--token", seen["token"])
    assert (late.code, "preview_expired" in late.err) == (7, True)


def test_a_change_at_the_periods_end(club: Club) -> None:
    """A change may wait for the period's end, be seen until then, and be taken back."""
    club.sell()
    big = club.sell("big", "--interval", "year")
    ada = club.begin()
    later = club.json("subscriptions", "change", ada["id"], "--plan", big["id"], "--when", "period_end")
    assert (later["plan"], later["scheduled"]["plan"], later["invoice"]) == ("basic", "big", None)
    assert club.json("subscriptions", "undo", ada["id"])["scheduled"] is None
    assert club("subscriptions", "undo", ada["id"]).code == 7
    now = club.json("subscriptions", "change", ada["id"], "--plan", "big")
    assert (now["plan"], now["anchor"]["interval"]) == ("big", "year")
    assert [(one["kind"], one["total"]) for one in now["invoice"]["lines"]] == [
        ("credit", "-30.00"),
        ("recurring", "30.00"),
    ]
    nothing = club("subscriptions", "change", ada["id"])
    assert (nothing.code, "nothing_to_change" in nothing.err) == (8, True)


def test_a_pause(club: Club) -> None:
    """Paused, the rest of the period becomes credit, which pays for what is left of it afterwards."""
    club.sell()
    ada = club.begin()
    club.wait(days=7)
    dry = club.json("subscriptions", "pause", ada["id"], "--dry-run")
    assert (dry["invoice"]["to_credit"], dry["subscription"]["status"]) == ("22.50", "paused")
    paused = club.json("subscriptions", "pause", ada["id"], "--token", dry["token"])
    assert (paused["status"], paused["due_at"], paused["invoice"]["total"]) == ("paused", None, "-22.50")
    club.wait(days=7)
    resumed = club.json("subscriptions", "resume", ada["id"])
    assert (resumed["status"], resumed["invoice"]["total"], resumed["invoice"]["from_credit"]) == (
        "active",
        "15.00",
        "15.00",
    )
    refused = club("subscriptions", "resume", ada["id"])
    assert (refused.code, "it can change, pause" in refused.err) == (7, True)


def test_a_cancellation(club: Club) -> None:
    """Canceled with its period it can be undone; canceled at once somebody has to agree, for that cannot."""
    club.sell()
    ada = club.begin()
    club.wait(days=14)
    later = club.json("subscriptions", "cancel", ada["id"], "--reason", "moved")
    assert (later["status"], later["ends_at"]) == ("active", "2026-02-28T12:00:00Z")
    assert later["cancellation"]["reason"] == "moved"
    assert club.json("subscriptions", "undo", ada["id"])["cancellation"] is None
    now = ("subscriptions", "cancel", ada["id"], "--reason", "moved", "--when", "now", "--give-back")
    assert club(*now).code == 2
    assert club.json(*now, "--dry-run")["invoice"]["to_credit"] == "15.00"
    ended = club.json(*now, "--yes")
    assert (ended["status"], ended["invoice"]["total"], ended["ended_at"]) == (
        "canceled",
        "-15.00",
        "2026-02-14T12:00:00Z",
    )


def test_a_trial(club: Club) -> None:
    """A trial is made longer or shorter, and ended early: then the first period is charged."""
    club.sell("basic", "--trial-days", "14")
    ada = club.begin()
    assert (ada["status"], ada["invoice"], ada["trial_ends_at"]) == ("trialing", None, "2026-02-14T12:00:00Z")
    longer = club.json("subscriptions", "trial", ada["id"], "--ends", "2026-03-01T09:00:00+01:00")
    assert longer["trial_ends_at"] == "2026-03-01T08:00:00Z"
    naive = club("subscriptions", "trial", ada["id"], "--ends", "2026-03-01T09:00:00")
    assert (naive.code, "no time zone" in naive.err) == (8, True)
    assert club("subscriptions", "trial", ada["id"], "--ends", "2020-01-01").code == 7
    assert club("subscriptions", "convert", ada["id"]).code == 2
    converted = club.json("subscriptions", "convert", ada["id"], "--yes")
    assert (converted["status"], converted["invoice"]["total"]) == ("active", "30.00")


def test_a_payment_that_is_declined_ends_with_3(club: Club) -> None:
    """A step that is carried out but whose payment is declined ends with 3, and shows what it came to."""
    club.sell("basic", "--trial-days", "14")
    ada = club.begin("basic", "ada", "--payment-method", "declined")
    converted = club.json("subscriptions", "convert", ada["id"], "--yes", code=3)
    assert (converted["status"], converted["invoice"]["due"]) == ("past_due", "30.00")
    later = club("subscriptions", "cancel", ada["id"], "--reason", "no money")
    assert later.code == 0


def test_every_change_can_be_previewed(club: Club) -> None:
    """Whatever can be done with a subscription that runs can be looked at first; nothing comes of that."""
    club.sell("basic", "--trial-days", "14")
    ada = club.begin()
    looks = {
        ("change", "--plan", "basic"): "trialing",
        ("change", "--quantity", "base=1"): 8,
        ("cancel", "--reason", "moved"): "trialing",
        ("cancel", "--reason", "moved", "--when", "now"): "canceled",
        ("trial", "--ends", "2026-02-07"): "trialing",
        ("convert",): "active",
        ("pause",): 7,
        ("resume",): 7,
        ("undo",): 7,
    }
    for (action, *words), came in looks.items():
        ask = ("subscriptions", "preview", action, ada["id"], *words)
        if isinstance(came, int):
            assert club(*ask).code == came
        else:
            assert club.json(*ask)["subscription"]["status"] == came
    dry = {
        ("convert",): 0,
        ("change", "--plan", "basic"): 0,
        ("cancel", "--reason", "moved"): 0,
        ("pause",): 7,
        ("resume",): 7,
    }
    for (action, *words), code in dry.items():
        assert club("subscriptions", action, ada["id"], *words, "--dry-run").code == code
    assert club.get(ada) == {name: value for name, value in ada.items() if name != "invoice"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("preview", "pause", "--plan", "basic"), "--plan says nothing about `pause`"),
        (("preview", "change", "--plan", "basic", "--give-back", "--ends", "2026-02-07"), "--ends, --give-back"),
        (("preview", "cancel"), "--reason"),
        (("preview", "cancel", "--reason", "x", "--give-back"), "--when now"),
        (("preview", "trial"), "--ends"),
        (("preview", "dance"), "dance"),
        (("cancel",), "--reason"),
        (("cancel", "--reason", "x", "--give-back"), "--when now"),
        (("trial",), "--ends"),
        (("change", "--when", "tomorrow"), "tomorrow"),
        (("method",), "--default"),
        (("method", "visa", "--default"), "--default"),
    ],
)
def test_wishes_that_say_too_much_or_too_little(club: Club, words: tuple[str, ...], says: str) -> None:
    """A wish is said completely, and nothing beside it."""
    club.sell()
    ada = club.begin()
    at = 2 if words[0] == "preview" else 1
    result = club("subscriptions", *words[:at], ada["id"], *words[at:])
    assert (result.code, says in result.err, result.err.count("\n")) == (2, True, 1)


@pytest.mark.parametrize("output", ["table", "csv", "jsonl"])
def test_previews_in_every_form(club: Club, output: str) -> None:
    """A preview has its token in all forms; a table has the lines below."""
    club.sell()
    ada = club.begin()
    shown = club("subscriptions", "preview", "pause", ada["id"], "--output", output).succeeded().out
    assert ("token" in shown, "-30.00" in shown) == (True, True)
    assert ("\nThe invoice\n" in shown) == (output == "table")
