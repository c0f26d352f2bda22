"""Subscriptions: plans, recurring billing that bills every cycle once, changes in the middle of one, and dunning."""
