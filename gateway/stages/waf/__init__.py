"""Is it an attack? Each text is judged by who will read it: a name by its grammar, a URL by its host, language by language rules.

No rule about SQL, HTML or shells ever looks at prose: developers ask about those all day, and the model runs none of them.
"""

from __future__ import annotations

from gateway.stages.waf.stage import Waf

__all__ = ["Waf"]
