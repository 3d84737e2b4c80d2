import pytest

for _suite in ("compliance", "record_compliance", "edit_compliance", "query_compliance", "load_compliance"):
    pytest.register_assert_rewrite(f"{__name__}.{_suite}")
