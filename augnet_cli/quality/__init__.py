"""Which pictures look wrong: `look.py` reads one, `measures.py` has the numbers, `flags.py` the words."""
