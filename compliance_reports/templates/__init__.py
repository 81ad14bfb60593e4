"""Templates and the style sheet. Files only."""
