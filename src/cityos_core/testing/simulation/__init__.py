"""A whole city on a virtual clock: made up from a seed, run by the day, checked against every law as it goes."""
