"""The gateway: one way through for every exchange. Start reading at `gateway.core.pipeline.ORDER`."""

__version__ = "0.1.0"
