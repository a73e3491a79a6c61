"""Whatever is done to the store, it answers as TinyDB in memory does."""

import tempfile
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tinydb import TinyDB, where
from tinydb.queries import QueryInstance
from tinydb.storages import MemoryStorage
from tinydb.table import Document, Table

from daemon.store import Store
from daemon.tables import RowTable
from tests.examples import examples

Step = tuple[Any, ...]

ids = st.integers(-3, 12) | st.sampled_from([-(2**63), 2**62])
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)
fields = st.dictionaries(st.sampled_from("abc"), values, max_size=3)
documents = st.builds(Document, fields, ids)
queries = st.one_of(
    st.builds(lambda field, value: where(field) == value, st.sampled_from("abc"), values),
    st.builds(lambda field: where(field).exists(), st.sampled_from("abc")),
    st.builds(lambda field: ~where(field).exists(), st.sampled_from("abc")),
)
steps = st.one_of(
    st.tuples(st.just("insert"), fields | documents),
    st.tuples(st.just("insert_multiple"), st.lists(fields, max_size=3) | st.lists(documents, max_size=3)),
    st.tuples(st.just("put"), st.lists(documents, max_size=4)),
    st.tuples(st.just("update"), fields, queries | st.none()),
    st.tuples(st.just("update_ids"), fields, st.lists(ids, max_size=3, unique=True)),
    st.tuples(st.just("update_by"), queries),
    st.tuples(st.just("upsert"), fields, queries),
    st.tuples(st.just("upsert_id"), documents),
    st.tuples(st.just("remove"), queries),
    st.tuples(st.just("remove_ids"), st.lists(ids, max_size=3, unique=True)),
    st.tuples(st.just("remove_between"), ids, ids),
    st.tuples(st.just("truncate")),
    st.tuples(st.just("search"), queries),
    st.tuples(st.just("get"), ids),
)
histories = st.lists(st.tuples(st.booleans(), st.lists(steps, max_size=5)), max_size=6)


def put(table: Table, given: list[Document]) -> None:
    if isinstance(table, RowTable):
        table.put(given)
    else:
        table.remove(doc_ids=list({document.doc_id for document in given}))
        table.insert_multiple({document.doc_id: document for document in given}.values())


def count_one(document: MutableMapping[str, Any]) -> None:
    document["count"] = document.get("count", 0) + 1


def remove_between(table: Table, first_id: int, last_id: int) -> int:
    if isinstance(table, RowTable):
        return table.remove_between(first_id, last_id)
    return len(table.remove(doc_ids=[d.doc_id for d in table if first_id <= d.doc_id <= last_id]))


def search(table: Table, query: QueryInstance) -> list[tuple[int, Document]]:
    return sorted(((document.doc_id, document) for document in table.search(query)), key=lambda pair: pair[0])


ACTIONS: dict[str, Callable[..., object]] = {
    "insert": lambda table, document: table.insert(document),
    "insert_multiple": lambda table, given: table.insert_multiple(given),
    "put": put,
    "update": lambda table, changed, query: sorted(table.update(changed, query)),
    "update_ids": lambda table, changed, doc_ids: table.update(changed, doc_ids=doc_ids),
    "update_by": lambda table, query: sorted(table.update(count_one, query)),
    "upsert": lambda table, changed, query: sorted(table.upsert(changed, query)),
    "upsert_id": lambda table, document: table.upsert(document),
    "remove": lambda table, query: sorted(table.remove(query)),
    "remove_ids": lambda table, doc_ids: table.remove(doc_ids=doc_ids),
    "remove_between": remove_between,
    "truncate": lambda table: table.truncate(),
    "search": search,
    "get": lambda table, doc_id: table.get(doc_id=doc_id),
}


def outcome(table: Table, step: Step) -> object:
    name, *arguments = step
    arguments = [given if isinstance(given, QueryInstance) else deepcopy(given) for given in arguments]
    try:
        return ACTIONS[name](table, *arguments)
    except ValueError as error:
        return type(error), str(error)


def contents(table: Table) -> dict[int, dict[str, Any]]:
    return {document.doc_id: dict(document) for document in table}


class _TakenBackError(Exception):
    pass


@given(histories)
@settings(max_examples=examples(150))
def test_any_history_gives_what_tinydb_in_memory_gives(history: list[tuple[bool, list[Step]]]) -> None:
    with tempfile.TemporaryDirectory() as folder, suppress(_TakenBackError):
        path = Path(folder) / "store.db"
        model = TinyDB(storage=MemoryStorage)
        for keep, transaction in history:
            before = deepcopy(model.storage.read())
            expected = model.table("windows")
            with Store.open(path, max_bytes=2**24) as store:
                table = store.table("windows")
                with suppress(_TakenBackError), store.transaction():
                    for step in transaction:
                        expected._next_id = None  # as after a restart: one more than the highest id present
                        assert outcome(table, step) == outcome(expected, step), step
                    assert contents(table) == contents(expected)
                    if not keep:
                        raise _TakenBackError
            if not keep:
                model.storage.write(before or {})
                expected.clear_cache()
        with Store.open(path, max_bytes=2**24) as store:
            assert contents(store.table("windows")) == contents(model.table("windows"))
