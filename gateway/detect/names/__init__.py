"""People and places: rules that cost nothing, and language models in processes of their own.

Nothing here is imported by a gateway whose policy does not ask for names.
"""
