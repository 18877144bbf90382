"""orch: pipelines in a small declarative language, compiled into a plan, run by a hardened runtime."""

__version__ = "0.1.0"
