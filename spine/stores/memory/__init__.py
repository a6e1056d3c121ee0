"""A store that ends with the process, for tests."""

from spine.stores.memory.store import MemoryStore

__all__ = ["MemoryStore"]
