"""Tables read by the rooms above: facts about scripts and words, no code."""
