"""Must something not leave? Secrets, phrases, active content and the system prompt, looked for while the answer arrives.

Whatever way the answer is cut into pieces, the same text leaves and the same is found.
"""

from __future__ import annotations

from gateway.stages.output.stage import Output

__all__ = ["Output"]
