"""Walking windows over real HTTP."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from reports_api_helpers import HOUR, NOW, QuickClient, activity, at, line, many, qualifiers, told

from lakehouse.errors import TerminalError, TransientError

MakeClient = Callable[..., QuickClient]
REAL_NOW = dt.datetime(2022, 8, 16, tzinfo=dt.UTC)


@pytest.mark.parametrize("page_size", [7, 50, 1000])
def test_the_real_recording_comes_through_real_http_byte_for_byte(serve: Any, client_of: MakeClient, recording: Any, page_size: int) -> None:
    server = serve(recording, clock=REAL_NOW)
    client = client_of(server, now=REAL_NOW, page_size=page_size)
    count = 0
    for application in ("admin", "calendar", "drive", "groups_enterprise"):
        text = (recording / f"{application}.json").read_bytes()
        lines = client.read(application, REAL_NOW - dt.timedelta(days=180), REAL_NOW)
        assert all(found in text for found in lines)
        assert [json.loads(found) for found in lines] == json.loads(text)["activities"]
        count += len(lines)
    assert count == 248
    assert client.counters["records"] == 248
    assert client.counters["order_violations"] == 0
    assert client.counters["malformed_pages"] == 0


def test_a_pretty_printed_recording_comes_as_one_line_per_record(serve: Any, client_of: MakeClient, recording: Any) -> None:
    server = serve(recording, clock=REAL_NOW, pretty=True)
    lines = client_of(server, now=REAL_NOW).read("admin", REAL_NOW - dt.timedelta(days=180), REAL_NOW)
    assert [json.loads(found) for found in lines] == json.loads((recording / "admin.json").read_bytes())["activities"]
    assert not any(b"\n" in found for found in lines)


def test_gzip_is_asked_for_and_unpacked(serve: Any, client_of: MakeClient) -> None:
    records = many(300)
    server = serve(told(*records))
    client = client_of(server, compress=True)
    assert sorted(client.read()) == sorted(line(record) for record in records)
    assert server.requests[0].headers["Accept-Encoding"] == "gzip"
    assert "gzip" in server.requests[0].headers["User-Agent"]


def test_the_window_is_frozen_over_its_pages(serve: Any, client_of: MakeClient) -> None:
    server = serve(told(*many(25)))
    client_of(server, page_size=10).read()
    queries = [seen.query for seen in server.requests]
    assert [(q["startTime"], q["endTime"], q["maxResults"], q["prettyPrint"]) for q in queries] == [
        ("2026-11-20T13:00:00.000Z", "2026-11-20T14:00:00.000Z", "10", "false")
    ] * 3
    assert ["pageToken" in q for q in queries] == [False, True, True]
    assert server.requests[0].path == "/admin/reports/v1/activity/users/all/applications/token"


def test_pages_come_newest_first_and_one_is_asked_for_ahead(serve: Any, client_of: MakeClient) -> None:
    server = serve(told(*many(25)))
    walk = client_of(server, page_size=10).window("token", at(0), at(60))
    assert server.requests == []
    assert qualifiers(next(walk)) == list(range(24, 14, -1))
    assert len(server.requests) <= 2
    assert [len(page) for page in walk] == [10, 5]
    assert len(server.requests) == 3


def test_several_records_of_one_millisecond_survive_a_page_boundary(serve: Any, client_of: MakeClient) -> None:
    records = [activity(at(5), number) for number in range(9)]
    assert sorted(qualifiers(client_of(serve(told(*records)), page_size=2).read())) == list(range(9))


def test_records_that_share_their_full_id_all_come(serve: Any, client_of: MakeClient) -> None:
    twins = [activity(at(5), 7, events=[{"name": name}]) for name in ("login_success", "login_verification")]
    assert client_of(serve(told(*twins)), page_size=1).read() == [line(twin) for twin in twins]


def test_a_record_on_the_boundary_comes_with_both_windows(serve: Any, client_of: MakeClient) -> None:
    client = client_of(serve(told(activity(at(60), 1))))
    assert qualifiers(client.read(start=at(0), end=at(60))) == [1]
    assert qualifiers(client.read(start=at(60), end=at(119))) == [1]


def test_a_late_event_comes_only_with_a_later_walk(serve: Any, client_of: MakeClient) -> None:
    server = serve([(at(1), at(1), activity(at(1), 1)), (at(2), NOW + dt.timedelta(hours=1), activity(at(2), 2))])
    client = client_of(server)
    assert qualifiers(client.read()) == [1]
    server.set_clock(NOW + dt.timedelta(hours=2))
    assert qualifiers(client.read()) == [2, 1]


def test_an_event_that_becomes_visible_between_pages_is_missed_by_that_walk_only(serve: Any, client_of: MakeClient) -> None:
    server = serve([*told(*many(4, step=1)), (at(50), NOW + dt.timedelta(minutes=1), activity(at(50), 99))])
    client = client_of(server, page_size=2)
    walk = client.window("token", at(0), at(60))
    first = next(walk)
    server.set_clock(NOW + dt.timedelta(minutes=2))
    assert qualifiers([*first, *(record for page in walk for record in page)]) == [3, 2, 1, 0]
    assert qualifiers(client.read()) == [99, 3, 2, 1, 0]


def test_an_empty_window_is_one_request_and_one_empty_page(serve: Any, client_of: MakeClient) -> None:
    server = serve(told(activity(at(200), 1)), clock=at(300))
    walk = client_of(server, now=at(300)).window("token", at(0), at(60))
    assert list(walk) == [[]]
    assert walk.counters["requests"] == 1


def test_each_walk_counts_for_itself_and_for_its_client(serve: Any, client_of: MakeClient) -> None:
    client = client_of(serve(told(*many(5))), page_size=2)
    first, second = client.window("token", at(0), at(60)), client.window("token", at(0), at(60))
    assert (len(list(first)), len(list(second))) == (3, 3)
    assert first.counters["records"] == second.counters["records"] == 5
    assert (client.counters["pages"], client.counters["records"]) == (6, 10)
    assert first.counters["bytes"] == second.counters["bytes"] > 1000


def test_four_windows_are_read_side_by_side_by_one_client(serve: Any, client_of: MakeClient) -> None:
    hours = [HOUR - dt.timedelta(hours=back) for back in range(4)]
    records = [activity(hour + dt.timedelta(seconds=second), second) for hour in hours for second in range(1, 121)]
    server = serve(told(*records), faults=[{"status": 503, "times": 5}, {"status": 403, "reason": "rateLimitExceeded", "times": 3, "after": 6}])
    client = client_of(server, page_size=25, attempts=12)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda hour: client.read(start=hour), hours))
    assert [qualifiers(lines) for lines in found] == [list(range(120, 0, -1))] * 4
    assert client.counters["records"] == 480
    assert client.counters["retries"] == {"http_503": 5, "rate_limit": 3}


def test_times_that_go_up_are_counted_and_nothing_is_lost(serve: Any, client_of: MakeClient) -> None:
    # The server's own time orders the answers; what the records tell is another matter.
    records = [(at(minute), at(minute), activity(at(says), minute)) for minute, says in ((1, 1), (2, 9), (3, 3), (4, 4))]
    walk = client_of(serve(records), page_size=2).window("token", at(0), at(60))
    assert sum(len(page) for page in walk) == 4
    assert walk.counters["order_violations"] == 1


@pytest.mark.parametrize(
    ("times", "violations"),
    [
        (["2026-11-20T13:09:00.000+00:00", "2026-11-20T14:08:00.000+01:00"], 0),
        (["2026-11-20T13:09:00Z", "2026-11-20T13:08:59.999Z"], 0),
        (["2026-11-20T13:09:00Z", "2026-11-20T13:09:00.001Z"], 1),
        (["2026-11-20T13:09:00Z", "yesterday", "2026-11-20T13:10:00Z"], 1),
    ],
)
def test_order_is_judged_by_moments_not_by_text(serve: Any, client_of: MakeClient, times: list[str], violations: int) -> None:
    records = []
    for index, time in enumerate(times):
        record = activity(at(), index)
        record["id"]["time"] = time
        records.append((at(30 - index), at(30 - index), record))
    walk = client_of(serve(records)).window("token", at(0), at(60))
    assert sum(len(page) for page in walk) == len(times)
    assert walk.counters["order_violations"] == violations


def test_a_record_with_five_events_and_unknown_fields_comes_verbatim(serve: Any, client_of: MakeClient) -> None:
    record = activity(at(1), events=[{"name": f"e{n}", "parameters": [{"name": "x", "intValue": n, "newValue": {"deep": [1.0]}}]} for n in range(5)])
    assert client_of(serve(told(record))).read() == [line(record)]


def test_a_malformed_item_comes_verbatim_among_the_others(serve: Any, client_of: MakeClient) -> None:
    bad = b'{"id":{"time":"2026-11-20T13:01:00.000Z"},"n":NaN}'
    client = client_of(serve([(at(1), at(1), bad), *told(*many(2))]))
    assert bad in client.read()
    assert (client.counters["records"], client.counters["malformed_pages"]) == (3, 1)


def test_another_download_shows_another_etag_of_the_same_event(serve: Any, client_of: MakeClient) -> None:
    client = client_of(serve(told(activity(at(1))), rotate_etags=True))
    first, second = json.loads(client.read()[0]), json.loads(client.read()[0])
    assert first.pop("etag") != second.pop("etag")
    assert first == second


def test_what_lies_between_milliseconds_is_rounded_to_the_outside(serve: Any, client_of: MakeClient) -> None:
    server = serve(told(activity(at(1))))
    client_of(server).read(start=at(0) + dt.timedelta(microseconds=1500), end=at(60) - dt.timedelta(microseconds=1))
    assert (server.requests[0].query["startTime"], server.requests[0].query["endTime"]) == ("2026-11-20T13:00:00.001Z", "2026-11-20T14:00:00.000Z")


def test_times_of_other_zones_are_asked_in_utc(serve: Any, client_of: MakeClient) -> None:
    server = serve(told(activity(at(1))))
    berlin = dt.timezone(dt.timedelta(hours=1))
    assert len(client_of(server).read(start=at(0).astimezone(berlin), end=at(60).astimezone(berlin))) == 1
    assert server.requests[0].query["startTime"] == "2026-11-20T13:00:00.000Z"


def test_a_window_older_than_180_days_is_refused_without_asking(serve: Any, client_of: MakeClient) -> None:
    server = serve(told(activity(at(1))))
    client = client_of(server)
    with pytest.raises(TerminalError, match=r"keeps 180 days.*can no longer be fetched"):
        client.window("token", NOW - dt.timedelta(days=181), NOW - dt.timedelta(days=180))
    assert server.requests == []


def test_a_window_that_begins_before_180_days_begins_where_the_api_does(serve: Any, client_of: MakeClient) -> None:
    edge = NOW - dt.timedelta(days=180)
    server = serve(told(activity(edge + dt.timedelta(minutes=5), 5), activity(edge - dt.timedelta(minutes=5), 4)))
    client = client_of(server)
    walk = client.window("token", edge - dt.timedelta(hours=1), edge + dt.timedelta(hours=1))
    assert (walk.start, walk.end) == (edge, edge + dt.timedelta(hours=1))
    assert qualifiers([record for page in walk for record in page]) == [5]
    assert client.window("token", edge, NOW).start == edge


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        (at(60), at(0), "start < end"),
        (at(0), at(0), "start < end"),
        (at(0).replace(tzinfo=None), at(60), "time zones"),
        (NOW, NOW + dt.timedelta(hours=1), "future"),
    ],
)
def test_a_window_that_makes_no_sense_is_refused(serve: Any, client_of: MakeClient, start: dt.datetime, end: dt.datetime, says: str) -> None:
    with pytest.raises(TerminalError, match=says):
        client_of(serve(told(activity(at(1))))).window("token", start, end)


def test_the_newest_record_is_one_request(serve: Any, client_of: MakeClient) -> None:
    server = serve(told(*many(30)))
    client = client_of(server)
    assert qualifiers([client.newest("token") or b""]) == [29]
    assert len(server.requests) == 1


def test_a_walk_that_never_ends_is_stopped(serve: Any, client_of: MakeClient) -> None:
    client = client_of(serve(told(*many(5))), page_size=1, max_pages=3)
    with pytest.raises(TerminalError, match="did not end after 3 pages"):
        client.read()


def test_a_repeated_page_token_stops_the_walk(serve: Any, client_of: MakeClient) -> None:
    client = client_of(serve(told(*many(9)), faults=[{"page": 2, "repeat_token": True}]), page_size=2)
    with pytest.raises(TransientError, match="same page token twice"):
        client.read()


def test_an_empty_page_with_a_token_does_not_end_the_walk(serve: Any, client_of: MakeClient) -> None:
    server = serve(told(*many(6)), faults=[{"page": 1, "empty_page": True}, {"page": 3, "empty_page": True, "times": 1}])
    pages = list(client_of(server, page_size=2).window("token", at(0), at(60)))
    assert [qualifiers(page) for page in pages] == [[], [5, 4], [], [3, 2], [1, 0]]
