"""Records of anything at all: the books close."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from kernel_lines import Kernel

from lakehouse.contracts.grain import Grain

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "value", "parameter", "parameters", "u", "event"]), inner, max_size=3)
    ),
    max_leaves=8,
)

items = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["client_id", "scope", "scope_data", "num_response_bytes", "is_suspicious", "login_challenge_method", "x"]) | values,
        "value": st.text(max_size=3) | values,
        "intValue": st.integers(-(2**65), 2**65).map(str) | values,
        "boolValue": st.booleans() | values,
        "multiValue": st.lists(st.text(max_size=2), max_size=2) | values,
        "multiMessageValue": st.lists(
            st.none()
            | st.fixed_dictionaries(
                {},
                optional={
                    "parameter": st.lists(
                        st.fixed_dictionaries(
                            {},
                            optional={
                                "name": st.sampled_from(["scope_name", "product_bucket", "y"]),
                                "value": st.text(max_size=2),
                                "multiValue": st.lists(st.text(max_size=2), max_size=2),
                                "z": values,
                            },
                        ),
                        max_size=3,
                    )
                },
            ),
            max_size=2,
        ),
        "w": values,
    },
)

events = st.lists(
    st.fixed_dictionaries(
        {"name": st.text(max_size=3)}, optional={"type": st.text(max_size=2), "parameters": st.lists(items, max_size=3), "status": values}
    ),
    max_size=3,
)

activities = st.fixed_dictionaries(
    {
        "id": st.fixed_dictionaries(
            {
                "time": st.sampled_from(["2026-11-17T09:00:00Z", "2026-11-17T09:59:59.999Z", "x"]),
                "uniqueQualifier": st.integers() | st.text(max_size=3),
            }
            | {n: st.just("a") for n in ("applicationName", "customerId")},
            optional={"v": values},
        ),
        "events": events | values,
    },
    optional={"actor": st.fixed_dictionaries({}, optional={"email": st.text(max_size=5), "key": values}), "networkInfo": values, "u": values},
)

IDENTITY = {"time": "2026-11-17T09:00:00Z", "uniqueQualifier": "1", "applicationName": "a", "customerId": "a"}


@settings(max_examples=30, deadline=None)
@example([{"id": IDENTITY, "events": [{"name": "a"}], "u": [None, None]}])
@example([{"id": IDENTITY, "events": [{"name": "a", "status": [[None, None]]}]}, {"id": IDENTITY, "events": [{"name": "a", "status": [[1]]}]}])
@example([{"id": IDENTITY, "events": [{"name": "a", "status": 2**70, "parameters": [None, {"multiMessageValue": [None, {}]}]}]}])
@given(st.lists(activities, min_size=1, max_size=4))
def test_whatever_is_in_a_record_the_books_close(records: list[dict[str, Any]]) -> None:
    result = Kernel().run(*records, grain=Grain.parse("2026-11-17T09"))
    assert result.books.lines == len(records)
    for text in result.rows["_extra"].drop_nulls():
        assert isinstance(json.loads(text), dict)
