"""What cancellations that name no order take from what was bought."""

from __future__ import annotations

from pathlib import Path

from commerce_lakes import CommerceLake

LINE = "{invoice},A,CUP,{pieces},2026-11-16 {at}:00,1.5,{customer}.0,France"
BOUGHT = {"100": (6, "09:00"), "101": (6, "09:30"), "102": (10, "09:40"), "103": (6, "12:00")}
CANCELLED = {  # in the order of time: pieces, when, how it is linked and to what
    "C1": (-6, "08:00", "nothing_earlier", None),
    "C01": (6, "09:50", "no_pieces", None),
    "C02": (0, "09:51", "no_pieces", None),
    "C2": (-6, "10:00", "same_quantity", "101"),
    "C3": (-4, "10:01", "greater_quantity", "102"),
    "C4": (-6, "10:02", "same_quantity", "100"),
    "C5": (-6, "10:03", "greater_quantity", "102"),
    "C6": (-1, "10:04", "nothing_left", None),
    "C7": (-11, "10:05", "nothing_earlier", None),
    "C8": (-2, "12:01", "greater_quantity", "103"),
    "C9": (-6, "12:02", "nothing_left", None),
}


def test_cancellations_take_what_is_left_of_what_was_bought_and_no_more(tmp_path: Path, token_key: str) -> None:
    made = CommerceLake.make(tmp_path / "lake")
    lines = [LINE.format(invoice=name, pieces=pieces, at=at, customer=7) for name, (pieces, at) in BOUGHT.items()]
    lines += [LINE.format(invoice=name, pieces=pieces, at=at, customer=7) for name, (pieces, at, _, _) in CANCELLED.items()]
    lines += [LINE.format(invoice="104", pieces=50, at="07:00", customer=8)]  # of somebody else
    (tmp_path / "retail.csv").write_text("\n".join(["InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country", *lines]))
    made.ingest(tmp_path / "retail.csv")
    made.build()
    made.publish()
    with made.marts() as con:
        found = con.execute("SELECT order_id, link, cancelled_order_id FROM commerce_cancellations").fetchall()
    assert {name: (link, order) for name, link, order in found} == {name: (link, order) for name, (_, _, link, order) in CANCELLED.items()}
