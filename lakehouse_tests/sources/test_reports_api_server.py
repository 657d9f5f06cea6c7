"""The simulated API speaks the recorded contract: asked here by a plain HTTP client, not by ours."""

from __future__ import annotations

import datetime as dt
import json
from http.client import HTTPConnection
from typing import Any

import numpy as np
import pytest
import requests
from reports_api_helpers import HOUR, NOW, activity, at, line, many, told, write_hours

from lakehouse.errors import ConfigurationError
from lakehouse.sources.reports_api.server import SimulatedReportsApi


def ask(server: SimulatedReportsApi, application: str = "token", user: str = "all", **query: Any) -> requests.Response:
    """One plain request."""
    path = f"{server.url}/admin/reports/v1/activity/users/{user}/applications/{application}"
    return requests.get(path, params={"prettyPrint": "false", **query}, timeout=10)


def numbers(answer: requests.Response) -> list[int]:
    """Qualifiers of the items of an answer."""
    return [int(item["id"]["uniqueQualifier"]) for item in answer.json().get("items", [])]


def error(answer: requests.Response) -> tuple[int, str]:
    """Code and first reason of an error, checked against the status."""
    body = answer.json()["error"]
    assert body["code"] == answer.status_code
    assert body["errors"][0]["message"] == body["message"]
    return answer.status_code, body["errors"][0]["reason"]


def test_a_page_has_the_form_of_the_api(serve: Any) -> None:
    body = ask(serve(told(*many(3))), maxResults=2).json()
    assert list(body) == ["kind", "etag", "nextPageToken", "items"]
    assert body["kind"] == "admin#reports#activities"
    assert [item["kind"] for item in body["items"]] == ["admin#reports#activity"] * 2


def test_items_and_token_are_absent_when_there_are_none(serve: Any) -> None:
    assert set(ask(serve(told(*many(3))), startTime="2026-11-20T14:00:00Z").json()) == {"kind", "etag"}


def test_a_page_token_is_a_place_in_the_recorded_form(serve: Any) -> None:
    server = serve(told(*many(3, step=1)))
    token = ask(server, maxResults=1).json()["nextPageToken"]
    time_us = int(at(2).timestamp()) * 1_000_000
    assert token == f"A:{time_us}:2:151219070090:C01abcdef"
    assert numbers(ask(server, maxResults=1, pageToken=token)) == [1]


def test_the_last_page_has_no_token(serve: Any) -> None:
    server = serve(told(*many(4)))
    assert "nextPageToken" not in ask(server, maxResults=4).json()
    assert "nextPageToken" in ask(server, maxResults=3).json()


def test_a_walk_meets_every_record_once_whatever_the_page_size(serve: Any) -> None:
    rng = np.random.default_rng(7)
    records = [activity(at(float(minute)), index) for index, minute in enumerate(rng.integers(-90, 59, 200))]
    server = serve(told(*records))
    expected = sorted(range(200), key=lambda index: (records[index]["id"]["time"], -index), reverse=True)
    for size in (7, 199, 200, 1000):
        found: list[int] = []
        query: dict[str, Any] | None = {"maxResults": size}
        while query is not None:
            answer = ask(server, **query)
            found += numbers(answer)
            token = answer.json().get("nextPageToken")
            query = {"maxResults": size, "pageToken": token} if token else None
        assert found == expected


def test_both_ends_of_a_window_are_inclusive(serve: Any) -> None:
    server = serve(told(*[activity(at(minute), minute) for minute in (0, 1, 2, 3)]))
    assert numbers(ask(server, startTime="2026-11-20T13:01:00Z", endTime="2026-11-20T13:02:00.000Z")) == [2, 1]
    assert numbers(ask(server, startTime="2026-11-20T14:01:00.001+01:00", endTime="2026-11-20T13:02:59.999Z")) == [2]


def test_an_event_is_told_from_its_visible_time_on(serve: Any) -> None:
    server = serve([(at(1), at(100), activity(at(1), 1)), (at(2), at(2), activity(at(2), 2))], clock=at(99))
    assert numbers(ask(server)) == [2]
    server.set_clock(at(100))
    assert numbers(ask(server)) == [2, 1]


def test_newly_visible_records_do_not_shift_older_pages(serve: Any) -> None:
    server = serve([*told(*many(4, step=1)), (at(50), at(110), activity(at(50), 50)), (at(0.5), at(110), activity(at(0.5), 5))], clock=at(100))
    first = ask(server, maxResults=2).json()
    server.set_clock(at(120))
    assert numbers(ask(server, maxResults=3, pageToken=first["nextPageToken"])) == [1, 5, 0]


def test_the_future_is_not_told_even_when_it_is_asked_for(serve: Any, recording: Any) -> None:
    clock = dt.datetime(2022, 8, 10, tzinfo=dt.UTC)
    body = ask(serve(recording, clock=clock), "drive", endTime="2023-01-01T00:00:00Z").json()
    assert all(item["id"]["time"] < "2022-08-10" for item in body["items"])
    assert 0 < len(body["items"]) < 30


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"maxResults": 0}, (400, "invalidParameter")),
        ({"maxResults": 1001}, (400, "invalidParameter")),
        ({"maxResults": "many"}, (400, "invalidParameter")),
        ({"startTime": "2026-11-20T14:00:00Z", "endTime": "2026-11-20T13:00:00Z"}, (400, "invalid")),
        ({"startTime": "2026-11-20T13:00:00Z", "endTime": "2026-11-20T13:00:00Z"}, (400, "invalid")),
        ({"startTime": "2026-11-21T13:00:00Z", "endTime": "2026-11-21T14:00:00Z"}, (400, "invalid")),
        ({"startTime": "2026-05-01T00:00:00Z", "endTime": "2026-05-02T00:00:00Z"}, (400, "invalid")),
        ({"startTime": "yesterday"}, (400, "invalidParameter")),
        ({"startTime": "2026-11-20T13:00:00"}, (400, "invalidParameter")),
        ({"pageToken": "rubbish"}, (400, "invalidParameter")),
        ({"pageToken": "A:1763645940000000:3:207535951991:C01abcdef"}, (400, "invalidParameter")),
        ({"filters": "client_id==7"}, (400, "invalidParameter")),
        ({"application": "nonsense"}, (404, "notFound")),
        ({"user": "ada@example.com"}, (400, "invalidParameter")),
    ],
)
def test_what_the_api_refuses_is_refused_in_its_form(serve: Any, query: dict[str, Any], expected: tuple[int, str]) -> None:
    assert error(ask(serve(told(*many(3))), **query)) == expected


def test_a_window_wholly_older_than_180_days_fails_with_googles_sentence(serve: Any) -> None:
    answer = ask(serve(told(*many(3))), startTime="2026-05-01T00:00:00Z", endTime="2026-05-02T00:00:00Z")
    assert answer.json()["error"]["message"] == "Invalid request: Start time is after end time."


def test_records_older_than_180_days_are_gone(serve: Any) -> None:
    server = serve(told(activity(NOW - dt.timedelta(days=179), 1), activity(NOW - dt.timedelta(days=181), 2)))
    assert numbers(ask(server)) == [1]


def test_a_known_application_without_records_is_empty(serve: Any) -> None:
    assert "items" not in ask(serve(told(*many(3))), "vault").json()


def test_upper_case_names_work_as_they_do_in_the_wild(serve: Any) -> None:
    assert len(numbers(ask(serve(told(*many(3))), "TOKEN"))) == 3


def test_of_a_repeated_parameter_the_last_one_wins(serve: Any) -> None:
    assert len(numbers(ask(serve(told(*many(9))), maxResults=["7", "2"]))) == 2


def test_answers_are_indented_unless_asked_otherwise(serve: Any) -> None:
    server = serve(told(*many(2)))
    assert b"\n" in ask(server, prettyPrint="true").content
    assert b"\n" not in ask(server, prettyPrint="false").content
    assert numbers(ask(server, prettyPrint="true")) == [1, 0]


def test_an_answer_is_packed_for_whoever_accepts_it(serve: Any) -> None:
    server = serve(told(*many(100)))
    path = f"{server.url}/admin/reports/v1/activity/users/all/applications/token"
    assert requests.get(path, headers={"Accept-Encoding": "gzip"}, timeout=10).headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in requests.get(path, headers={"Accept-Encoding": "identity"}, timeout=10).headers


def test_etags_change_with_every_answer_when_told_to(serve: Any) -> None:
    server = serve(told(*many(2)), rotate_etags=True)
    first, second = (ask(server).json()["items"] for _ in range(2))
    assert all(a["etag"] != b["etag"] and a["etag"].endswith('/abc"') for a, b in zip(first, second, strict=True))
    assert [item | {"etag": ""} for item in first] == [item | {"etag": ""} for item in second]


def test_one_connection_serves_many_requests(serve: Any) -> None:
    server = serve(told(*many(3)))
    connection = HTTPConnection("127.0.0.1", int(server.url.rsplit(":", 1)[1]), timeout=10)
    sockets = set()
    for _ in range(5):
        connection.request("GET", "/_simulator/state")
        assert connection.getresponse().read()
        sockets.add(connection.sock)
    connection.close()
    assert len(sockets) == 1
    assert None not in sockets


def test_clock_and_faults_are_controlled_over_http(serve: Any) -> None:
    server = serve(told(*many(3)), clock=None)
    assert requests.post(f"{server.url}/_simulator/clock", json={"now": "2026-11-20T15:00:00Z"}, timeout=10).json() == {"now": "2026-11-20T15:00:00Z"}
    assert server.now() == NOW
    assert requests.post(f"{server.url}/_simulator/faults", json=[{"status": 503}, {"reset": True}], timeout=10).json() == {"faults": 2}
    assert ask(server).status_code == 503
    assert requests.get(f"{server.url}/_simulator/state", timeout=10).json()["faults"] == 1
    requests.delete(f"{server.url}/_simulator/faults", timeout=10)
    assert ask(server).status_code == 200
    requests.post(f"{server.url}/_simulator/clock", json={"now": None}, timeout=10)
    assert abs(server.now() - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("clock", {"now": "noon"}),
        ("clock", {"now": "2026-11-20T15:00:00"}),
        ("clock", {}),
        ("faults", [{"stauts": 503}]),
        ("faults", {"status": 503}),
    ],
)
def test_a_control_that_is_misspelt_is_refused(serve: Any, path: str, body: Any) -> None:
    server = serve(told(*many(3)))
    assert error(requests.post(f"{server.url}/_simulator/{path}", json=body, timeout=10)) == (400, "invalid")
    assert server.now() == NOW


def test_a_fault_waits_for_its_application_and_page(serve: Any) -> None:
    server = serve(told(*many(9)), faults=[{"status": 503, "application": "login"}, {"status": 500, "page": 2, "after": 1}])
    first = ask(server, maxResults=2)
    token = first.json()["nextPageToken"]
    assert [ask(server, maxResults=2, pageToken=token).status_code for _ in range(3)] == [200, 500, 200]
    assert ask(server, "login").status_code == 503


def test_an_unknown_path_is_404(serve: Any) -> None:
    server = serve(told(*many(1)))
    for call in (requests.get, requests.post, requests.delete):
        assert call(f"{server.url}/elsewhere", timeout=10).status_code == 404


def test_a_recording_and_generated_hours_are_served_side_by_side(serve: Any, tmp_path: Any) -> None:
    folder = write_hours(tmp_path / "both", "token", told(*many(2)))
    (folder / "login.json").write_bytes(b'{"activities": [' + line(activity(HOUR, 7, application="login")) + b"]}")
    (folder / "truth.json").write_text("{}")
    server = serve(folder)
    assert (numbers(ask(server, "token")), numbers(ask(server, "login"))) == ([1, 0], [7])
    assert server.store.applications() == {"token", "login"}


def test_a_new_hour_is_served_as_soon_as_it_is_there(serve: Any, tmp_path: Any) -> None:
    folder = write_hours(tmp_path / "live", "token", told(activity(at(1), 1)))
    server = serve(folder)
    assert numbers(ask(server)) == [1]
    write_hours(folder, "token", told(activity(at(61), 2)))
    assert numbers(ask(server)) == [2, 1]


def test_little_memory_serves_the_same(serve: Any) -> None:
    records = [activity(at(-60 * hour, hour=HOUR) + dt.timedelta(seconds=n), hour * 10 + n) for hour in range(12) for n in range(3)]
    small, large = serve(told(*records), memory=1), serve(told(*records))
    assert numbers(ask(small)) == numbers(ask(large))
    assert len(numbers(ask(small))) == 36
    assert len(small.store._cache.held) == 1


@pytest.mark.parametrize("damage", ["missing", "short", "outside", "rubbish"])
def test_damaged_activities_are_a_500_that_names_the_file(serve: Any, tmp_path: Any, damage: str) -> None:
    folder = write_hours(tmp_path / "damaged", "token", told(*many(3)))
    times = folder / "token" / "2026-11-20T13.npy"
    if damage == "missing":
        times.unlink()
    elif damage == "rubbish":
        times.write_bytes(b"rubbish")
    else:
        pairs = np.load(times)
        np.save(times, pairs[:2] if damage == "short" else pairs - 3_600_000_000)
    answer = ask(serve(folder))
    assert error(answer) == (500, "simulatorError")
    assert "2026-11-20T13" in answer.json()["error"]["message"]


def test_a_folder_without_activities_is_refused(tmp_path: Any) -> None:
    with pytest.raises(ConfigurationError, match="is none"):
        SimulatedReportsApi(tmp_path / "nowhere")
    with pytest.raises(ConfigurationError, match=r"<application>.json"):
        SimulatedReportsApi(tmp_path)


def test_a_port_that_is_taken_is_named(serve: Any) -> None:
    server = serve(told(*many(1)))
    port = int(server.url.rsplit(":", 1)[1])
    with pytest.raises(ConfigurationError, match=f"Port {port}"):
        SimulatedReportsApi(server.store.folder, port=port)


def test_a_fault_that_is_none_is_refused(serve: Any) -> None:
    with pytest.raises(ConfigurationError, match="Not a fault"):
        serve(told(*many(1)), faults=[{"sttus": 503}])


def test_records_are_served_without_a_line_being_read_as_json(serve: Any) -> None:
    lines = [b'{"n":NaN}', b"{not json}", line(activity(at(3), 3))]
    server = serve([(at(minute), at(minute), text) for minute, text in enumerate(lines)])
    assert ask(server).content.endswith(b'"items":[' + b",".join(reversed(lines)) + b"]}")
    assert json.loads(lines[2]) == many(4, step=1)[3]
