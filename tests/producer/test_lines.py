import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import UserError
from app.producer import lines
from app.producer.lines import DamagedFileError, LineSplitter, check_readable, read_lines

MANY = [b'{"n":%d}' % number for number in range(100_000)]


def test_lines_are_numbered_across_chunks(tmp_path: Path) -> None:
    path = tmp_path / "many"
    path.write_bytes(b"\n".join(MANY))
    assert path.stat().st_size > 3 * lines.CHUNK
    assert list(read_lines(path)) == list(enumerate(MANY, 1))


def test_gzip_of_several_members_is_one_file(tmp_path: Path) -> None:
    path = tmp_path / "no-gz-in-its-name"
    half = len(MANY) // 2
    packed = [gzip.compress(b"\n".join(part) + b"\n") for part in (MANY[:half], MANY[half:])]
    path.write_bytes(b"".join(packed) + b"\0" * 512)
    assert list(read_lines(path)) == list(enumerate(MANY, 1))


def test_gzip_that_unpacks_to_much_is_read_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "dense.gz"
    path.write_bytes(gzip.compress(b"0123456789\n" * 500_000))
    sizes = [len(chunk) for chunk in lines._chunks(path, None)]
    assert max(sizes) <= lines.CHUNK
    assert sum(sizes) == 5_500_000


def test_truncated_gzip_yields_what_is_whole_then_says_so(tmp_path: Path) -> None:
    path = tmp_path / "cut.gz"
    packed = gzip.compress(b"\n".join(MANY))
    path.write_bytes(packed[: len(packed) // 2])
    seen: list[lines.Line] = []
    reading = read_lines(path)
    with pytest.raises(DamagedFileError, match=r"cut\.gz ends in the middle"):
        seen.extend(reading)
    assert seen
    assert seen == list(enumerate(MANY[: len(seen)], 1))


def test_garbled_gzip_is_said_to_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "garbled.gz"
    packed = bytearray(gzip.compress(b"\n".join(MANY)))
    packed[len(packed) // 2 : len(packed) // 2 + 64] = bytes(64)
    path.write_bytes(packed)
    with pytest.raises(DamagedFileError, match="is damaged"):
        list(read_lines(path))


def test_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "bom"
    path.write_bytes(b'\xef\xbb\xbf{"a":1}\n{"a":2}\n')
    assert list(read_lines(path)) == [(1, b'{"a":1}'), (2, b'{"a":2}')]
    path.write_bytes(b'\xef\xbb\xbf{"a":1}')
    assert list(read_lines(path)) == [(1, b'{"a":1}')]
    splitter = LineSplitter("a pipe")
    for byte in path.read_bytes():
        assert list(splitter.feed(bytes([byte]))) == []
    assert list(splitter.rest()) == [(1, b'{"a":1}')]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_utf_16_is_named_before_anything_is_read(
    tmp_path: Path, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "shell"
    path.write_bytes(pack('{"a":1}\r\n{"a":2}\r\n'.encode(encoding)))
    with pytest.raises(UserError, match="shell is UTF-16, as PowerShell's > writes it"):
        check_readable(path)
    with pytest.raises(UserError, match="shell is UTF-16"):
        list(read_lines(path))


def test_endless_line_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST_LINE", 1_000)
    monkeypatch.setattr(lines, "CHUNK", 300)
    path = tmp_path / "long"
    path.write_bytes(b"first\n" + b"x" * 5_000 + b"\nthird\n")
    numbered = list(read_lines(path))
    assert [number for number, _ in numbered] == [1, 2, 3]
    assert [line for _, line in numbered] == [b"first", None, b"third"]
    path.write_bytes(b"x" * 5_000)
    assert list(read_lines(path)) == [(1, None)]


def test_what_is_held_of_an_endless_line_is_bounded() -> None:
    splitter = LineSplitter("a pipe")
    for _ in range(1_000):
        assert list(splitter.feed(b"x" * 65_536)) == []
        assert len(splitter._begun) <= lines.LONGEST_LINE
    assert list(splitter.feed(b"\nnext")) == [(1, None)]
    assert list(splitter.rest()) == [(2, b"next")]


def test_position_is_told_up_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(b"\n".join(MANY)))
    positions: list[int] = []
    list(read_lines(path, positions.append))
    assert positions == sorted(positions)
    assert positions[-1] == path.stat().st_size


def test_what_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read .*missing: No such file"):
        check_readable(tmp_path / "missing")
    with pytest.raises(UserError, match="not a regular file"):
        check_readable(tmp_path)
