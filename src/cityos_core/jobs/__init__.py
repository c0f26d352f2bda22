"""Work that is done later: rows that say what is due, taken by whichever worker is free."""
