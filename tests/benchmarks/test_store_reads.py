"""The benchmark of reads finds what it wrote, and nothing else."""

from pathlib import Path

from benchmarks.store_reads import run_reads


def test_reads_are_measured(tmp_path: Path) -> None:
    found = run_reads(tmp_path / "store", rows=20_000, reads=50)
    assert found.megabytes > 1
    assert found.found > 0
    assert found.missing > 0
