import pytest

pytest.register_assert_rewrite("tests.core.stores.compliance")
