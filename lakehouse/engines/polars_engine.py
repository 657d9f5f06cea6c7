"""The Polars engine: the kernel over the blocks of one grain, in one process. Memory is bounded by the largest grain."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import msgspec
import numpy as np
import polars as pl

from lakehouse.accounts.books import Books
from lakehouse.datasets.model import Dataset
from lakehouse.engines.kernel import quarantine
from lakehouse.engines.kernel.absent import narrow
from lakehouse.engines.kernel.census import Census
from lakehouse.engines.kernel.origin import PartContext, Piece
from lakehouse.engines.kernel.rows import BlockResult, process_block
from lakehouse.engines.stretches import write_rows
from lakehouse.landing.ledger import LandedPart
from lakehouse.landing.positions import read_positions
from lakehouse.landing.read import read_part
from lakehouse.landing.write import started_of
from lakehouse.memory import reuse_freed
from lakehouse.settings import Lake, TokenKey
from lakehouse.tables import grains
from lakehouse.tables.records import FieldCount, GrainAccount, PartBooks

ENGINE = "polars"
_WORKERS = 2  # blocks in flight: the reader and the frames have threads of their own, the second fills the gaps between them
_QUARANTINE_TIME = "event_time"
_NEWLINE = ord("\n")
_SHARED_BYTES = 16 << 20  # of parts that share a block


def build_grain(lake: Lake, dataset: Dataset, inputs: grains.GrainInputs, key: TokenKey) -> GrainAccount:
    """Build the result of one grain and write it: rows, quarantine, account. Returns the account."""
    began = time.perf_counter()
    reuse_freed()
    contract = dataset.contract
    digest = grains.grain_digest(inputs, contract, key)
    results = [replace(r, rows=narrow(r.rows)) for r in _blocks(lake, dataset, inputs, key)]
    written = write_rows(lake, contract, inputs.grain, digest, [r.rows for r in results if r.rows.height])
    entries = pl.concat([quarantine.empty(), *(r.quarantine for r in results if r.quarantine.height)])
    path = grains.quarantine_path(contract.name, inputs.grain, digest)
    put_aside = grains.write_table_file(lake, path, entries.sort("part", "line", "row"), _QUARANTINE_TIME) if entries.height else None
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
        unknown_values=dict(sum((r.unknown_values for r in results), Counter[str]())),
        filtered_rules=_filtered_rules(results),
    )
    return grains.store_account(lake, account)


def _blocks(lake: Lake, dataset: Dataset, inputs: grains.GrainInputs, key: TokenKey) -> Iterator[BlockResult]:
    """The results of all blocks, in order, with a few in flight."""
    waiting: list[Future[BlockResult]] = []
    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="kernel") as pool:
        for text, pieces in _texts(lake, inputs, numbered=dataset.contract.numbered_repeats):
            waiting.append(pool.submit(process_block, text, pieces, contract=dataset.contract, transform=dataset.transform, key=key))
            if len(waiting) > _WORKERS:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()


def _texts(lake: Lake, inputs: grains.GrainInputs, *, numbered: bool) -> Iterator[tuple[bytes, list[Piece]]]:
    """Blocks of lines with where they come from. Small parts share a block: a block costs some 10 ms whatever its size."""
    texts: list[bytes] = []
    pieces: list[Piece] = []
    for landed in inputs.parts:
        number, context = 1, _context(lake, inputs, landed, numbered=numbered)
        for block in read_part(lake, landed.part):
            text = block if block.endswith(b"\n") else block + b"\n"
            if texts and sum(map(len, texts)) + len(text) > _SHARED_BYTES:
                yield b"".join(texts), pieces
                texts, pieces = [], []
            lines = int(np.count_nonzero(np.frombuffer(text, np.uint8) == _NEWLINE))
            texts.append(text)
            pieces.append(Piece(context, number, lines))
            number += lines
    if texts:
        yield b"".join(texts), pieces


def _context(lake: Lake, inputs: grains.GrainInputs, landed: LandedPart, *, numbered: bool) -> PartContext:
    path = landed.part.path
    return PartContext(
        inputs.grain,
        path,
        landed.fetch_id,
        landed.application,
        landed.landed_at,
        started_of(landed.fetch_id),
        inputs.superseded.get(path, frozenset()),
        landed.reference_time,
        path in inputs.released,
        inputs.sealed_before(landed),
        read_positions(lake.store, landed.part).repeats if numbered and landed.part.pos else None,
        inputs.erased.get(path, frozenset()),
    )


def _part_books(inputs: grains.GrainInputs, results: list[BlockResult], duplicates: Counter[str]) -> tuple[PartBooks, ...]:
    sums: dict[str, Books] = {}
    for result in results:
        for part, books in result.parts.items():
            sums[part] = sums.get(part, Books()) + books
    told = []
    for landed in inputs.parts:
        books = sums.get(landed.part.path, Books())
        dropped = duplicates[landed.part.path]
        books = msgspec.structs.replace(books, kept=books.kept - dropped, duplicate=dropped)
        told.append(PartBooks(landed.part.path, landed.fetch_id, landed.number, landed.application, landed.landed_at, books))
    return tuple(told)


def _filtered_rules(results: list[BlockResult]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (application, rule), count in sorted(sum((r.filtered_rules for r in results), Counter[tuple[str, str]]()).items()):
        found.setdefault(application, {})[rule] = count
    return found


def _field_counts(results: list[BlockResult]) -> tuple[FieldCount, ...]:
    found: Census = sum((r.census for r in results), Counter())
    return tuple(FieldCount(path, kind, count, declared) for (path, kind, declared), count in sorted(found.items()))
