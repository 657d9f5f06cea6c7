"""The Polars engine: the kernel over the blocks of one grain, in one process. Memory is bounded by the largest grain."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace as replaced

import msgspec
import numpy as np
import polars as pl

from lakehouse.accounts.books import Books
from lakehouse.datasets.model import Dataset
from lakehouse.engines import quarantine
from lakehouse.engines.kernel.census import Census
from lakehouse.engines.kernel.rows import BlockResult, PartContext, process_block
from lakehouse.engines.stretches import narrow, write_rows
from lakehouse.landing.read import read_part
from lakehouse.settings import Lake, TokenKey
from lakehouse.tables import grains
from lakehouse.tables.records import FieldCount, GrainAccount, PartBooks

ENGINE = "polars"
_WORKERS = 2  # blocks in flight: the reader and the frames have threads of their own, the second fills the gaps between them
_NO_QUARANTINE_COLUMN = "event_time"
_NEWLINE = ord("\n")


def build_grain(lake: Lake, dataset: Dataset, inputs: grains.GrainInputs, key: TokenKey, *, replace: bool = False) -> GrainAccount:
    """Build the result of one grain and write it: rows, quarantine, account. Returns the account."""
    began = time.perf_counter()
    contract = dataset.contract
    digest = grains.grain_digest(inputs, contract, key)
    results = [(part, replaced(r, rows=narrow(r.rows))) for part, r in _blocks(lake, dataset, inputs, key)]
    written = write_rows(lake, contract, inputs.grain, digest, [r.rows for _, r in results if r.rows.height])
    entries = pl.concat([quarantine.empty(), *(r.quarantine for _, r in results if r.quarantine.height)])
    path = grains.quarantine_path(contract.name, inputs.grain, digest)
    put_aside = grains.write_table_file(lake, path, entries.sort("part", "line", "row"), _NO_QUARANTINE_COLUMN) if entries.height else None
    account = GrainAccount(
        dataset=contract.name,
        grain=inputs.grain.key,
        digest=digest,
        contract_version=contract.version,
        transform_version=contract.transform_version,
        token_key_id=key.id,
        engine=ENGINE,
        staged_at=time.time(),
        seconds=round(time.perf_counter() - began, 6),
        parts=_part_books(inputs, results, written.duplicates),
        files=tuple(written.files),
        quarantine=put_aside,
        quarantine_rules=quarantine.rule_counts(entries),
        census=_field_counts(results),
        lateness=dict(sorted(written.lateness.items())),
        key_conflicts=written.key_conflicts,
        rows_with_extra=written.rows_with_extra,
        unknown_values=dict(sum((r.unknown_values for _, r in results), Counter[str]())),
    )
    return grains.store_account(lake, account, replace=replace)


def _blocks(lake: Lake, dataset: Dataset, inputs: grains.GrainInputs, key: TokenKey) -> Iterator[tuple[str, BlockResult]]:
    """The results of all blocks, in order, with a few in flight."""
    waiting: list[tuple[str, Future[BlockResult]]] = []
    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="kernel") as pool:
        for landed in inputs.parts:
            context = PartContext(
                inputs.grain,
                landed.part.path,
                landed.fetch_id,
                landed.application,
                landed.landed_at,
                inputs.superseded.get(landed.part.path, frozenset()),
                landed.reference_time,
                landed.part.path in inputs.released,
                inputs.sealed_before(landed),
            )
            number = 1
            for block in read_part(lake, landed.part.path):
                future = pool.submit(process_block, block, number, contract=dataset.contract, transform=dataset.transform, context=context, key=key)
                number += int(np.count_nonzero(np.frombuffer(block, np.uint8) == _NEWLINE)) + (not block.endswith(b"\n"))
                waiting.append((landed.part.path, future))
                if len(waiting) > _WORKERS:
                    part, first = waiting.pop(0)
                    yield part, first.result()
        for part, future in waiting:
            yield part, future.result()


def _part_books(inputs: grains.GrainInputs, results: list[tuple[str, BlockResult]], duplicates: Counter[str]) -> tuple[PartBooks, ...]:
    sums: dict[str, Books] = {}
    for part, result in results:
        sums[part] = sums.get(part, Books()) + result.books
    told = []
    for landed in inputs.parts:
        books = sums.get(landed.part.path, Books())
        dropped = duplicates[landed.part.path]
        books = msgspec.structs.replace(books, kept=books.kept - dropped, duplicate=dropped)
        told.append(PartBooks(landed.part.path, landed.fetch_id, landed.number, landed.application, landed.landed_at, books))
    return tuple(told)


def _field_counts(results: list[tuple[str, BlockResult]]) -> tuple[FieldCount, ...]:
    found: Census = sum((r.census for _, r in results), Counter())
    return tuple(FieldCount(path, kind, count, declared) for (path, kind, declared), count in sorted(found.items()))
