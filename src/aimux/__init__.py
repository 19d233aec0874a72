"""AIMux: a security-focused service mesh for networks of AI agents."""

__version__ = "0.1.0"
