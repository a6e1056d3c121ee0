"""Helpers for tests; pytest is needed to import them, and nothing else of Spine imports them."""

import pytest

pytest.register_assert_rewrite("spine.testing.contract")
