"""Requests and answers, by subject."""
