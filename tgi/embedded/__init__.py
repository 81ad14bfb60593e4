"""A real TGI-compatible server for machines without a GPU: a small model on the CPU behind TGI 3.3.7's HTTP API.

It is the backend of the demo and of the end-to-end tests. It is not TGI: no batching across GPUs, no images, no
adapters, and a model too small to be right about much. `docs/how-to/embedded-backend.md` lists every difference.
"""

from tgi.embedded.serving import serve

__all__ = ["serve"]
