"""The parts of test/opinfo.py: PyTorch's operations as expressions of the language."""
