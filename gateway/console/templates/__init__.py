"""The console's pages and their one stylesheet."""
