"""How RocksDB is set up: for bounded memory, for writes that never stall, for finding damage."""

from rocksdict import (
    BlockBasedIndexType,
    BlockBasedOptions,
    Cache,
    Options,
    ReadOptions,
    WriteOptions,
)

_MIB = 1 << 20
_BUFFER = 4 * _MIB
_METADATA_BLOCK = 4096
TABLES = 64
"""Table files that a store keeps open, where there are descriptors enough."""
NORMAL = {"write_buffer_size": str(_BUFFER), "max_write_buffer_number": "3"}
BULK = {"write_buffer_size": str(16 * _MIB), "max_write_buffer_number": "4"}
"""A restore's: fewer and larger files, so less to compact."""
# A write that RocksDB holds back holds the whole process (rocksdict keeps Python's lock): rather
# more files to look into for a while.
_NEVER = 2000


def shared_cache(mebibytes: int) -> Cache:
    """Make the block cache that all partitions of a worker share."""
    return Cache(mebibytes * _MIB)


def options(cache: Cache, tables: int) -> Options:
    """Give a store's options; `tables`: how many of its files stay open."""
    blocks = BlockBasedOptions()
    blocks.set_block_cache(cache)
    blocks.set_bloom_filter(10, False)
    # In the cache too, and in small pieces: a file's whole index or filter is larger than one of
    # the cache's shards, which would have it read again for every row.
    blocks.set_cache_index_and_filter_blocks(True)
    blocks.set_index_type(BlockBasedIndexType.two_level_index_search())
    blocks.set_partition_filters(True)
    blocks.set_metadata_block_size(_METADATA_BLOCK)
    blocks.set_pin_top_level_index_and_filter(True)
    made = Options(raw_mode=True)
    made.create_if_missing(True)
    made.set_paranoid_checks(True)
    made.set_block_based_table_factory(blocks)
    made.set_write_buffer_size(_BUFFER)
    made.set_max_write_buffer_number(3)
    made.set_level_zero_slowdown_writes_trigger(_NEVER)
    made.set_level_zero_stop_writes_trigger(2 * _NEVER)
    made.set_max_background_jobs(2)
    made.set_memtable_whole_key_filtering(True)
    made.set_memtable_prefix_bloom_ratio(0.1)
    made.set_max_open_files(tables)
    made.set_keep_log_file_num(2)
    made.set_max_log_file_size(_MIB)
    return made


def reading() -> ReadOptions:
    """Compare every block that is read with its checksum, iterators' too."""
    made = ReadOptions()
    made.set_verify_checksums(True)
    return made


def writing() -> WriteOptions:
    """Write no log ahead: the changelog is one, and see `RocksStore`."""
    made = WriteOptions()
    made.disable_wal = True  # type: ignore[method-assign, assignment]
    return made
