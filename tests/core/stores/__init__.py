import pytest

for _suite in ("", "change_log_", "edit_", "load_", "query_", "record_"):
    pytest.register_assert_rewrite(f"{__name__}.{_suite}compliance")
