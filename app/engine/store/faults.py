"""What RocksDB's errors mean: rocksdict raises plain exceptions, told apart by their texts."""

from pathlib import Path

from app.engine.errors import DamagedStoreError, NoDescriptorError, StoreError

# What the operating system says (strerror), and what to do about it.
_REFUSALS = {
    "No space left on device": "free space there, or name another folder with --data-dir",
    "Disk quota exceeded": "free space there, or name another folder with --data-dir",
    "File too large": "raise the limit of file sizes (ulimit -f), or name another folder with "
    "--data-dir",
    "Read-only file system": "make it writable, or name another folder with --data-dir",
    "Permission denied": "make it writable, or name another folder with --data-dir",
    "Operation not permitted": "make it writable, or name another folder with --data-dir",
    "Cannot allocate memory": "give the worker more memory",
}
# EMFILE's and ENFILE's text.
_NO_DESCRIPTOR = "Too many open files"
_LOCKED = ("lock hold by current process", "While lock file")


def explained(error: Exception, folder: Path, *, writing: bool = False) -> Exception:
    """Give what to raise instead: StoreError if the machine refuses, else DamagedStoreError.

    NoDescriptorError where it refuses for now: others of the process will let go of theirs.

    Whatever is not known to be the machine's refusal is taken for damage: what is rebuilt from the
    changelog is right in any case.
    """
    text = str(error)
    if "ock" in text and any(locked in text for locked in _LOCKED):
        return StoreError(
            f"another process has {folder} open: give each worker a data folder of its own "
            "(--data-dir)"
        )
    if _NO_DESCRIPTOR in text:
        return NoDescriptorError(f"the store in {folder} could open no file: {_NO_DESCRIPTOR}")
    for refusal, remedy in _REFUSALS.items():
        if refusal in text:
            return StoreError(f"the state in {folder}: {refusal.lower()}: {remedy}")
    if writing and "Input/output error" in text:
        return StoreError(
            f"the state in {folder}: input/output error: the disk fails; name a folder on another "
            "one with --data-dir"
        )
    return DamagedStoreError(f"the store in {folder} is damaged: {' '.join(text.split())[:300]}")
