"""The page of a dataset: every section, the numbers of the lake, and nothing that a stranger's text could do in it."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from build_lakes import DAY, BuildLake, event, whole

from lakehouse.datasets.model import Trend
from lakehouse.datasets.registry import all_datasets, find_dataset
from lakehouse.marts.specs import mart_specs
from lakehouse.operations.report import ADDRESS, DAYS, Day, Reason, Report, Top, TrendLines, report_of, shown, top_columns, trends_of
from lakehouse.pictures.page import render
from lakehouse.steps.query import connect

SECTIONS = ("days", "lateness", "quarantine", "duplicates", "top", "trends")
NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
EMPTY = Report("plays", "Plays", "Who played what.", NOW, (), (), {}, (), ())


class Page(HTMLParser):
    """What a browser makes of a page: its tags, the tables by caption, the pictures, its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.text = ""
        self._open: list[str] = []
        self._caption = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open.append(tag)
        if tag == "caption":
            self._caption = ""
        if tag == "tr":
            self.tables.setdefault(self._caption, []).append([])
        if tag in ("td", "th"):
            self.tables[self._caption][-1].append("")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._open[-1:] == ["caption"]:
            self._caption += data
        elif self._open[-1:] in (["td"], ["th"]):
            self.tables[self._caption][-1][-1] += data

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def page(published_lake: Any) -> Page:
    return Page(render(report_of(published_lake.lake, published_lake.dataset)))


def asked(small: Any, sql: str) -> list[list[str]]:
    """The answer of the lake, as the page writes it."""
    with connect(small.lake, [small.dataset]) as con:
        return [[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in con.execute(sql).fetchall()]


def test_every_section_is_there_with_pictures_that_say_what_is_in_them(page: Page) -> None:
    assert tuple(a["id"] for a in page.all("section")) == SECTIONS
    assert [a["href"] for a in page.all("a")] == [f"#{name}" for name in SECTIONS]
    pictures = page.all("img")
    assert len(pictures) == len(page.tables)
    assert all((p["src"] or "").startswith("data:image/svg+xml;base64,") and len(p["alt"] or "") > 20 for p in pictures)
    assert page.all("html") == [{"lang": "en"}]
    assert all(a["scope"] in ("col", "row") for a in page.all("th"))


def test_its_days_are_those_of_the_lake(page: Page, published_lake: Any) -> None:
    header, *rows = page.tables["Rows per day"]
    assert header == ["day", "kept", "duplicates", "quarantined", "complete"]
    told = asked(
        published_lake,
        "SELECT day, sum(kept)::BIGINT, sum(duplicates)::BIGINT, sum(quarantined)::BIGINT, CASE WHEN bool_and(complete) THEN 'yes' ELSE 'no' END "
        "FROM ops.builds GROUP BY day ORDER BY day DESC",
    )
    assert len(told) == 2
    assert rows == told
    clean = asked(published_lake, "SELECT count(*) FROM clean.workspace_audit")[0][0]
    assert f"kept{clean}" in page.text.replace("\n", "")


def test_its_reasons_lateness_and_duplicates_are_those_of_the_lake(page: Page, published_lake: Any) -> None:
    reasons = asked(published_lake, "SELECT rule, level, count(*) AS n FROM quarantine.workspace_audit GROUP BY ALL ORDER BY n DESC, rule")
    assert len(reasons) >= 4
    assert page.tables["By rule"][1:] == reasons
    late = asked(published_lake, "SELECT sum(rows)::BIGINT FROM ops.lateness GROUP BY seconds ORDER BY seconds")
    assert [[row[1]] for row in page.tables["From event to landing"][1:]] == late
    assert page.tables["From event to landing"][-1][2] == "100.0%"
    duplicates = asked(
        published_lake,
        "SELECT day, sum(duplicate)::BIGINT, sum(rows + unreadable)::BIGINT FROM ops.books GROUP BY day ORDER BY day DESC",
    )
    assert [row[:3] for row in page.tables["Duplicates per day"][1:]] == duplicates


def test_its_top_values_and_trends_are_those_of_the_lake(page: Page, published_lake: Any) -> None:
    for column in ("application", "event_name", "actor_email"):
        told = asked(
            published_lake,
            f"SELECT {column}, count(*) AS n FROM clean.workspace_audit WHERE {column} IS NOT NULL GROUP BY ALL ORDER BY n DESC, {column}",
        )
        assert page.tables[column][1:] == told[:10], column
    trend = asked(
        published_lake,
        "SELECT mart_date, sum(events) FILTER (application = 'login')::BIGINT FROM marts.audit_daily_trend WHERE includes_collector "
        "GROUP BY ALL ORDER BY ALL DESC",
    )
    header, *rows = page.tables["Events by application"]
    assert [[row[0], row[header.index("login")]] for row in rows] == trend


def test_nobody_is_on_it_in_clear_and_nothing_is_loaded(page: Page, published_lake: Any) -> None:
    html = render(report_of(published_lake.lake, published_lake.dataset))
    assert "@example.com" not in html
    assert str(published_lake.folder) not in html
    assert not re.search(r"https?://|//\w|url\(|@import", re.sub(r"base64,[^\"]+", "", html))
    assert not {"script", "link", "iframe", "object", "form"} & {tag for tag, _ in page.tags}
    policy = next(a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_what_a_producer_wrote_stays_text() -> None:
    day = Day(DAY, 1, 0, 0, 0, 0, complete=True)
    hostile = replace(
        EMPTY,
        title=HOSTILE,
        description=HOSTILE,
        days=(day,),
        reasons=(Reason(HOSTILE, "row", 1),),
        lateness={60: 1},
        tops=(Top("song", HOSTILE, ((HOSTILE, 1), ("a\x00b\u202ec", 1)), 2, 0),),
        trends=(TrendLines("Plays", "plays_daily", {HOSTILE: {DAY: 1.0}}, 1),),
    )
    html = render(hostile)
    made = Page(html)
    assert not made.all("script")
    assert not [name for _, attrs in made.tags for name in attrs if name.startswith("on")]
    assert all((a["src"] or "").startswith("data:") for a in made.all("img"))
    assert [row[0] for row in made.tables["song"][1:]] == [HOSTILE, "a\ufffdb\ufffdc"]
    assert made.tables["Plays"][0] == ["date", HOSTILE]
    assert "\x00" not in html


def test_a_value_of_a_record_that_is_a_script_or_an_address_is_shown_as_text(tmp_path: Any, token_key: str) -> None:
    lake = BuildLake.make(tmp_path / "lake")
    names = [HOSTILE, "mail to eve@example.com now"]
    lake.land(*(event(1, n, events=[{"name": name}]) for n, name in enumerate(names)), covers=whole(DAY))
    assert lake.build().books.kept == 2
    html = render(report_of(lake.lake, lake.dataset))
    assert sorted(row[0] for row in Page(html).tables["event_name"][1:]) == sorted([HOSTILE, "mail to (an address) now"])
    assert "<script>" not in html
    assert "eve@" not in html


def test_a_dataset_without_a_build_has_every_section_and_says_what_to_do() -> None:
    made = Page(render(EMPTY))
    assert tuple(a["id"] for a in made.all("section")) == SECTIONS
    assert (made.all("img"), made.tables) == ([], {})
    assert "Nothing of this dataset is built yet." in made.text
    assert "lakehouse ingest plays --build" in made.text


def test_without_top_values_the_page_of_what_is_built_says_where_to_name_them() -> None:
    made = Page(render(replace(EMPTY, days=(Day(DAY, 10, 0, 0, 0, 0, complete=True),))))
    assert "`top_values` of the dataset" in made.text


@pytest.mark.parametrize(("duplicates", "drawn"), [(0, False), (1, True)])
def test_duplicates_are_drawn_where_there_are_any_and_told_in_any_case(duplicates: int, drawn: bool) -> None:
    made = Page(render(replace(EMPTY, days=(Day(DAY, 10, duplicates, 0, 0, 0, complete=True),))))
    assert any("Duplicates per day" in image["alt"] for image in made.all("img")) is drawn
    assert ("No row came twice" in made.text) is not drawn
    assert made.tables["Duplicates per day"][1][1] == str(duplicates)


def test_of_a_long_history_the_newest_days_are_shown_and_the_sums_are_of_all() -> None:
    days = tuple(Day(DAY + dt.timedelta(days=n), 10, 1, 0, 0, 2, complete=True) for n in range(DAYS + 8))
    made = Page(render(replace(EMPTY, days=days)))
    rows = made.tables["Rows per day"]
    assert rows[0] == ["day", "kept", "duplicates", "held", "complete"]
    assert [rows[1][0], rows[-1][0], len(rows) - 1] == [str(days[-1].day), str(days[8].day), DAYS]
    assert made.tables["Duplicates per day"][1][1:] == ["1", "13", "7.69%"]
    assert f"the newest {DAYS} days, sums are of all {DAYS + 8}" in made.text
    assert "kept1,000" in made.text.replace("\n", "")


def test_of_many_lines_of_a_trend_the_largest_are_drawn_and_the_rest_is_told(published_lake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lakehouse.operations.report.GROUPS", 1)
    narrow = replace(published_lake.dataset, trends=(Trend("By event", "audit_hourly_activity", "sum(events)", "event_name", "NOT is_collector"),))
    found = report_of(published_lake.lake, narrow)
    told = asked(
        published_lake,
        "SELECT event_name, sum(events)::BIGINT AS n FROM audit_hourly_activity WHERE NOT is_collector GROUP BY ALL ORDER BY n DESC, event_name",
    )
    (trend,) = found.trends
    assert (list(trend.lines), trend.groups) == ([told[0][0]], len(told))
    assert f"The 1 largest of {len(told)}." in Page(render(found)).text


def test_trends_asked_by_themselves_are_those_of_the_report_or_of_its_newest_dates(published_lake: Any) -> None:
    lake, dataset = published_lake.lake, published_lake.dataset
    asked_alone = trends_of(lake, dataset)
    assert asked_alone == report_of(lake, dataset).trends
    newest = max(date for trend in asked_alone for values in trend.lines.values() for date in values)
    for every, recent in zip(asked_alone, trends_of(lake, dataset, days=1), strict=True):
        last = max((date for values in every.lines.values() for date in values), default=newest)
        assert {date for values in recent.lines.values() for date in values} <= {last}
    assert trends_of(lake, replace(dataset, trends=())) == ()


def test_a_trend_is_called_whatever_its_dataset_calls_it(published_lake: Any) -> None:
    title = "A user's events, 'all' of them"
    named = replace(published_lake.dataset, trends=(Trend(title, "audit_hourly_activity", "sum(events)"),))
    (trend,) = report_of(published_lake.lake, named).trends
    assert (trend.title, list(trend.lines)) == (title, [title])


def test_lines_of_two_addresses_stay_two(published_lake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lakehouse.operations.report.shown", lambda _: ADDRESS)
    narrow = replace(published_lake.dataset, trends=(Trend("By event", "audit_hourly_activity", "sum(events)", "event_name"),))
    (trend,) = report_of(published_lake.lake, replace(narrow, top_values=("application",))).trends
    assert trend.groups > 1
    assert list(trend.lines) == [ADDRESS, *(f"{ADDRESS} {n}" for n in range(2, trend.groups + 1))]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("token", "token"),
        (7, "7"),
        ("Ada <ada@example.com>", "Ada (an address)"),
        ("a@b c@d", "(an address) (an address)"),
        ("x" * 90, "x" * 79 + "…"),
    ],
)
def test_a_shown_value_is_short_and_has_no_address(value: object, told: str) -> None:
    assert shown(value) == told


@pytest.mark.parametrize("name", [d.name for d in all_datasets()])
def test_what_a_dataset_declares_for_its_page_is_there(name: str) -> None:
    dataset = find_dataset(name)
    assert top_columns(dataset) or dataset.trends
    specs = {spec.name: spec for spec in mart_specs(name)}
    for trend in dataset.trends:
        columns = {c.name for c in specs[trend.mart].columns}
        assert "mart_date" in columns
        assert trend.by is None or trend.by in columns


def test_without_a_declaration_columns_with_a_vocabulary_are_shown(plays: Any) -> None:
    assert top_columns(plays) == ()
    song = replace(plays.contract.columns[2], allowed=("one", "two"))
    assert top_columns(replace(plays, contract=replace(plays.contract, columns=(*plays.contract.columns[:2], song)))) == ("song",)


@pytest.mark.parametrize("column", ["actor", "ip_asn", "nothing"])
def test_a_column_that_may_hold_a_person_in_clear_is_no_top_value(column: str) -> None:
    with pytest.raises(ValueError, match=f"top_values .*{column}"):
        replace(find_dataset("workspace_audit"), top_values=(column,))
