"""What is known of the watched project, from real definitions and reports."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import anyio
import pytest
import yaml

from daemon import documents
from daemon.codebase import declared_files as codebase_module
from daemon.codebase.reader import CodebaseReader
from handlers.model import Codebase

DATA = Path(__file__).parents[1] / "data"
EXPORT = DATA / "export.json"
SELECT = DATA / "select.json"
ONE_BEAT = '{"id": "a", "movements": [{"beats": [{"event": "e", "handler": "h"}]}]}'


def load(*paths: Path) -> Codebase:
    return anyio.run(CodebaseReader(paths).load_codebase)


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_real_definition_gives_sequence_handlers_and_tests() -> None:
    known = load(SELECT)
    assert known.problems == ()
    (sequence,) = known.sequences
    assert (sequence.id, sequence.name) == ("canvas-component-select-symphony", "Canvas Component Select")
    assert sequence.plugin == "CanvasComponentSelectionPlugin"
    assert sequence.events == (
        "canvas:component:select",
        "canvas:component:select:notify",
        "canvas:component:selection:changed",
    )
    handler = known.handlers[1]
    assert (handler.name, handler.beat, handler.kind) == ("notifyUi", 2, "pure")
    assert handler.test_file == "node_modules/@renderx-plugins/canvas/__tests__/ui.export.spec.ts"
    assert handler.test_case == "exports CanvasPage and register()"
    assert len(known.tests) == 3


def test_each_handler_has_the_line_of_its_event() -> None:
    handlers = load(EXPORT, SELECT).handlers
    assert len(handlers) == 9
    for handler in handlers:
        line = Path(handler.definition_file).read_text("utf-8").splitlines()[handler.definition_line - 1]
        assert f'"event": "{handler.event}"' in line


def test_a_test_that_several_beats_name_is_one_test_that_covers_them_all() -> None:
    case = "exports CanvasPage and register()"
    covering = [test.covers for test in load(EXPORT, SELECT).tests if test.case == case]
    assert covering == [("downloadUiFile", "notifyUi")]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            '{"movements": [{"beats": [{"event": "a"}]},\n'
            '{"beats": [{"handler": "x",\n"event": "b"}, {\n"event": "a"}]}],\n"id": "s"}',
            id="JSON",
        ),
        pytest.param(
            '{"movements":\t[{"beats":[{"event":"a"}]},\n'
            '{"beats":[{"title":"\\ud83c\\udfb5 \\"x\\" \\/\u2028",\n'
            '"event":"b"},{\n"event":"a"}]}],"id":"s"}',
            id="JSON with tabs, escapes, line separators and no spaces",
        ),
        pytest.param(
            "movements: [{beats: [{event: a}]},\n{beats: [{handler: x,\nevent: b}, {\nevent: a}]}]\nid: s\n",
            id="YAML in flow style",
        ),
    ],
)
def test_movements_are_joined_in_order_and_beats_numbered_where_they_have_no_number(
    tmp_path: Path, text: str
) -> None:
    known = load(written(tmp_path / "definition", text))
    assert known.problems == ()
    assert known.sequences[0].events == ("a", "b", "a")
    assert [(each.beat, each.definition_line) for each in known.handlers] == [(1, 1), (2, 3), (3, 4)]


def test_a_yaml_definition_says_the_same_as_its_json(tmp_path: Path) -> None:
    text = yaml.safe_dump(json.loads(EXPORT.read_text("utf-8")), sort_keys=False)
    from_yaml, from_json = load(written(tmp_path / "export.yaml", text)), load(EXPORT)
    for mine, other in zip(from_yaml.handlers, from_json.handlers, strict=True):
        assert (mine.event, mine.name, mine.beat, mine.kind) == (
            other.event,
            other.name,
            other.beat,
            other.kind,
        )
        assert (mine.test_file, mine.test_case) == (other.test_file, other.test_case)
        assert f"event: {mine.event}" in text.splitlines()[mine.definition_line - 1]
    assert from_yaml.tests == from_json.tests


@pytest.mark.parametrize("report", ["coverage.json", "coverage.lcov"])
def test_a_coverage_report_tells_which_functions_were_executed(report: str) -> None:
    known = load(DATA / report)
    assert known.problems == ()
    assert [(each.name, each.line, each.executed) for each in known.functions] == [
        ("Cart.add", 2, True),
        ("Cart.remove", 5, False),
        ("total", 9, True),
        ("total.with_tax", 10, True),
        ("never", 15, False),
    ]
    assert {(each.file, each.source) for each in known.functions} == {("shop.py", (DATA / report).as_posix())}


def test_an_lcov_function_that_any_of_several_tests_ran_is_executed(tmp_path: Path) -> None:
    record = "TN:{0}\nSF:src\\shop.js\nFN:3,add\nFNDA:{1},add\nend_of_record\n"
    known = load(written(tmp_path / "lcov.info", record.format("one", 5) + record.format("two", 0)))
    assert [(each.file, each.line, each.executed) for each in known.functions] == [("src/shop.js", 3, True)]


@pytest.mark.parametrize(
    "source", [EXPORT, DATA / "coverage.json", DATA / "coverage.lcov"], ids=lambda p: p.name
)
def test_what_a_file_is_its_content_decides_not_its_name(tmp_path: Path, source: Path) -> None:
    copied = tmp_path / "whatever.txt"
    shutil.copy(source, copied)
    assert load(copied).problems == ()
    assert load(copied) != Codebase()


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        pytest.param("", 1, "is empty", id="an empty file"),
        pytest.param("\n \n", 1, "is empty", id="a blank file"),
        pytest.param('{"id": "a",\n"movements": [],\n}', 3, "trailing comma", id="malformed JSON"),
        pytest.param('{"id": "a",\n"movements": [\n', 2, "truncated", id="JSON that is cut off"),
        pytest.param(
            '{"id": "a", "movements": [\n{"beats": [\n{"event": "e"},\n{"handler": "h"}]}]}',
            4,
            "missing required field `event`",
            id="a beat without an event",
        ),
        pytest.param(
            '{"id": "a", "movements": [\n{"beats": [\n{"event": 3}]}]}',
            3,
            "Expected `str`, got `int`",
            id="an event that is no text",
        ),
        pytest.param('{"movements": []}', 1, "missing required field `id`", id="a sequence without an id"),
        pytest.param(
            '{"id": "a",\n"movements": "x"}', 2, "Expected `array`", id="movements that are no list"
        ),
        pytest.param(b'{"id":\n"\xff"}', 2, "is not UTF-8", id="bytes that are not UTF-8"),
        pytest.param('{"a":' + "[" * 100_000, 1, "nested", id="JSON nested without end"),
        pytest.param("[" * 100_000, 1, "nest", id="YAML nested without end, in flow style"),
        pytest.param(
            "- " * 50_000, 1, "nested over 100 levels", id="YAML nested without end, in block style"
        ),
        pytest.param("a: 1\nb: [1\nc: 2\n", 3, "YAML is malformed", id="malformed YAML"),
        pytest.param("id: a\n---\nid: b\n", 2, "YAML is malformed", id="two YAML documents"),
        pytest.param(
            "id: a\nmovements:\n- beats:\n  - handler: h\n",
            4,
            "missing required field `event`",
            id="a YAML beat without an event",
        ),
        pytest.param(
            "id: !!python/object/apply:os.getcwd []\nmovements: []\n",
            1,
            "constructor",
            id="a YAML tag that is code",
        ),
        pytest.param(
            "SF:a\nFN:x,add\nend_of_record\n", 2, "record is malformed", id="a malformed LCOV record"
        ),
        pytest.param("SF:a\nFN:1,add\nFNDA:1,add\n", 3, "is cut off", id="LCOV that is cut off"),
        pytest.param(
            "SF:a\nDA:1,1\nend_of_record\n",
            1,
            "does not name the functions of a,",
            id="LCOV without functions",
        ),
        pytest.param(
            '{"meta": {"format": 2}, "files": {"a.py": {"executed_lines": [1]}}}',
            1,
            "does not name the functions of a.py,",
            id="coverage.py JSON of an older format",
        ),
        pytest.param(
            '{"name": "x", "files": ["dist"]}', 1, "neither a sequence", id="JSON of something else"
        ),
        pytest.param("[1, 2]", 1, "neither a sequence", id="a JSON list"),
        pytest.param("services:\n  web: {}\n", 1, "neither a sequence", id="YAML of something else"),
        pytest.param("just text", 1, "neither a sequence", id="plain text"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_its_line_and_the_others_are_read(
    tmp_path: Path, content: str | bytes, line: int, reason: str
) -> None:
    bad = written(tmp_path / "bad", content)
    known = load(bad, SELECT)
    (problem,) = known.problems
    assert problem.startswith(f"{bad}:{line}: ")
    assert reason in problem
    assert len(known.sequences) == 1


def test_a_path_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert load(tmp_path / "gone").problems == (f"{tmp_path / 'gone'}: No such file or directory",)


def test_a_pipe_is_told_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert load(tmp_path / "pipe").problems == (f"{tmp_path / 'pipe'}: is not a regular file",)


def test_a_file_over_the_limit_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codebase_module, "_MAX_BYTES", 10)
    (problem,) = load(written(tmp_path / "big.json", ONE_BEAT)).problems
    assert "the most that is read is 10" in problem


def test_a_large_json_definition_has_no_lines_and_a_large_yaml_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "_MAX_NODES_BYTES", 10)
    known = load(
        written(tmp_path / "1.json", ONE_BEAT), written(tmp_path / "2.yaml", "id: b\nmovements: []\n")
    )
    assert [handler.definition_line for handler in known.handlers] == [0]
    (problem,) = known.problems
    assert "too many for YAML" in problem


def test_of_sequences_with_the_same_id_the_first_stays_and_the_other_is_told(tmp_path: Path) -> None:
    first, second = written(tmp_path / "1.json", ONE_BEAT), written(tmp_path / "2.json", f"\n{ONE_BEAT}")
    known = load(tmp_path)
    assert [each.file for each in known.sequences] == [first.as_posix()]
    assert len(known.handlers) == 1
    (problem,) = known.problems
    assert problem.startswith(f"{second}:2: id a is taken by {first}")


def test_a_folder_is_looked_through_without_hidden_folders_and_node_modules(tmp_path: Path) -> None:
    for number, folder in enumerate(("deep/er", ".git", "node_modules")):
        (tmp_path / folder).mkdir(parents=True)
        written(tmp_path / folder / "x.json", ONE_BEAT.replace('"a"', f'"id-{number}"'))
    known = load(tmp_path)
    assert ([each.id for each in known.sequences], known.problems) == (["id-0"], ())


def test_foreign_files_of_a_folder_are_told_in_one_line(tmp_path: Path) -> None:
    for name in ("package.json", "tsconfig.json"):
        written(tmp_path / name, "{}")
    written(tmp_path / "notes.txt", "not looked at")
    (problem,) = load(tmp_path).problems
    assert problem == (
        f"{tmp_path}: 2 skipped, neither a sequence definition nor a coverage report; "
        f"the first is {tmp_path / 'package.json'}"
    )


def test_a_file_that_is_named_and_found_in_a_folder_counts_once(tmp_path: Path) -> None:
    path = written(tmp_path / "a.json", ONE_BEAT)
    known = load(path, tmp_path)
    assert (len(known.sequences), known.problems) == (1, ())


@pytest.mark.parametrize("source", [EXPORT, DATA / "coverage.lcov"], ids=lambda path: path.name)
def test_a_byte_order_mark_is_no_problem(tmp_path: Path, source: Path) -> None:
    known = load(written(tmp_path / "marked", b"\xef\xbb\xbf" + source.read_bytes()))
    assert known.problems == ()
    assert bool(known.sequences) != bool(known.functions)


def test_an_unchanged_file_is_not_read_again_and_a_changed_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    original = codebase_module._read

    def counted(path: Path) -> codebase_module._Content:
        read.append(path.name)
        return original(path)

    monkeypatch.setattr(codebase_module, "_read", counted)
    good, bad = written(tmp_path / "good.json", ONE_BEAT), written(tmp_path / "bad.json", "{")
    reader = CodebaseReader([tmp_path])
    first = anyio.run(reader.load_codebase)
    assert (anyio.run(reader.load_codebase), sorted(read)) == (first, ["bad.json", "good.json"])
    assert len(first.problems) == 1
    written(bad, ONE_BEAT.replace('"a"', '"b"'))
    changed = anyio.run(reader.load_codebase)
    assert ([each.id for each in changed.sequences], changed.problems) == (["b", "a"], ())
    assert sorted(read) == ["bad.json", "bad.json", "good.json"]
    good.unlink()
    assert [each.id for each in anyio.run(reader.load_codebase).sequences] == ["b"]
