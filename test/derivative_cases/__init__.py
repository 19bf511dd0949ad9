"""The parts of test/derivatives_table.py: which functions are differentiated, on which numbers, and against what."""
