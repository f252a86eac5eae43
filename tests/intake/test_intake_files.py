"""What may stand behind the path: one regular file of bounded size, in UTF-8."""

import os
import socket
import time
import tracemalloc
from pathlib import Path

import pytest

from greenlight.intake import ImportRefused, read_import, source

MIB = 1024 * 1024


def refusal(path: Path) -> str:
    with pytest.raises(ImportRefused) as caught:
        read_import(path)
    (error,) = caught.value.errors
    assert (error.file, error.line, error.field) == (str(path), 1, "file")
    return str(error)


def test_a_missing_file_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "none.csv"
    assert refusal(path) == f"{path}:1: file: cannot be read: No such file or directory"


def test_a_directory_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path).endswith("file: is a directory, not a regular file")


@pytest.mark.timeout(20)
def test_a_named_pipe_without_a_writer_does_not_hang(tmp_path: Path) -> None:
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    assert refusal(path).endswith("file: is a named pipe, not a regular file")


@pytest.mark.timeout(20)
def test_a_file_that_turns_into_a_pipe_after_the_first_look_does_not_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second look is at what was opened, so the exchange is seen."""
    path, regular = tmp_path / "pipe.csv", tmp_path / "in.csv"
    os.mkfifo(path)
    regular.write_text("")
    status = os.stat(regular)
    monkeypatch.setattr(source.os, "stat", lambda _: status)
    assert refusal(path).endswith("file: is a named pipe, not a regular file")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_is_refused(device: str) -> None:
    assert refusal(Path(device)).endswith("file: is a device or a socket, not a regular file")


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("in.csv")
        assert refusal(Path("in.csv")).endswith("file: is a device or a socket, not a regular file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_refused(tmp_path: Path, table) -> None:
    path = tmp_path / "in.csv"
    path.write_text(table({}))
    path.chmod(0)
    assert refusal(path).endswith("file: cannot be read: Permission denied")


def test_an_error_of_the_system_while_opening_is_one_error(
    tmp_path: Path, table, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "in.csv"
    path.write_text(table({}))

    def denied(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(source.os, "open", denied)
    assert refusal(path).endswith("file: cannot be read: Permission denied")


def test_a_path_that_no_file_can_have_is_refused() -> None:
    assert refusal(Path("a\0b")) == r"a\x00b:1: file: cannot be read: this is no file name"


def test_a_file_name_cannot_break_the_line(tmp_path: Path) -> None:
    text = refusal(tmp_path / "a\nb\x1b[31m.csv")
    assert r"a\nb\x1b[31m.csv:1: file: cannot be read" in text
    assert text.isprintable()


def test_a_link_to_a_regular_file_is_fine_and_one_to_a_pipe_is_not(tmp_path: Path, table) -> None:
    (tmp_path / "in.csv").write_text(table({}))
    (tmp_path / "good").symlink_to(tmp_path / "in.csv")
    assert [customer.customer_id for customer in read_import(tmp_path / "good")] == ["acme"]
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "bad").symlink_to(tmp_path / "pipe")
    assert "named pipe" in refusal(tmp_path / "bad")


def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "cannot be read" in refusal(tmp_path / "loop")


def test_a_file_of_100_mb_is_refused_fast_with_flat_memory(tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    with path.open("wb") as file:
        file.truncate(100 * MIB)
    tracemalloc.start()
    started = time.monotonic()
    text = refusal(path)
    took, (_, peak) = time.monotonic() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert text.endswith("file: is larger than 32 MiB; split it")
    assert took < 1
    assert peak < MIB


def test_a_file_that_grows_after_the_second_look_is_read_to_the_bound_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, small = tmp_path / "big.csv", tmp_path / "small.csv"
    small.write_text("")
    with path.open("wb") as file:
        file.truncate(100 * MIB)
    status = os.stat(small)
    monkeypatch.setattr(source.os, "stat", lambda _: status)
    monkeypatch.setattr(source.os, "fstat", lambda _: status)
    tracemalloc.start()
    text = refusal(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert text.endswith("file: is larger than 32 MiB; split it")
    assert peak < 80 * MIB


def test_a_file_of_exactly_32_mib_is_read(tmp_path: Path, table) -> None:
    content = table({}).encode()
    path = tmp_path / "in.csv"
    path.write_bytes(content + b"\n" * (32 * MIB - len(content)))
    assert len(read_import(path)) == 1
    with path.open("ab") as file:
        file.write(b"\n")
    assert "larger than 32 MiB" in refusal(path)


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
def test_utf_16_that_does_not_say_so_is_told_what_to_do(tmp_path: Path, table, codec: str) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(table({}).encode(codec))
    assert refusal(path).endswith("file: is UTF-16 or UTF-32 text, or no text at all; save it as UTF-8")


def test_a_workbook_is_told_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(b"PK\x03\x04\x14\x00" + bytes(50))
    assert refusal(path).endswith("save it as CSV in UTF-8")


@pytest.mark.parametrize("lines", ["table", "objects"])
def test_a_bom_is_accepted(read, lines: str, request: pytest.FixtureRequest) -> None:
    content = request.getfixturevalue(lines)({"customer_name": "Ünïcode"}).encode()
    (customer,) = read(b"\xef\xbb\xbf" + content)
    assert customer.customer_name == "Ünïcode"


def test_nothing_of_the_content_is_left_in_the_traceback(tmp_path: Path, table) -> None:
    """Tools that print tracebacks with local values must find no secret there."""
    path = tmp_path / "in.csv"
    path.write_text(table({"client_secret": "CANARY-0815", "tenant_type": "jobs"}))
    with pytest.raises(ImportRefused) as caught:
        read_import(path)
    assert caught.value.__context__ is None
    frames = [entry.frame for entry in caught.traceback[1:]]
    assert frames
    assert "CANARY-0815" not in repr([frame.f_locals for frame in frames])
