"""A backend's routes and shapes: strict requests → passages → canonical requests; replies → events → replies afresh.

The only room that knows what TGI's and OpenAI's JSON look like. Opens no sockets: that is `tgi.client`.
"""

from tgi.wire.routes import OpenAIWire, TgiWire
from tgi.wire.strict import Limits
from tgi.wire.thinking import Shown, Thinking

__all__ = ["Limits", "OpenAIWire", "Shown", "TgiWire", "Thinking"]
