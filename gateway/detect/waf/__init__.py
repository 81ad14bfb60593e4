"""The engines behind the attack stage: views, patterns, grammars, limits and a small model. Knows no stage and no exchange."""
