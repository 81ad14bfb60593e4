"""The vocabulary and the order. Standard library only: no I/O, no clock, no chance, no third party."""
