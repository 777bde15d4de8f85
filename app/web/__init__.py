"""The HTTP interface (contract 6), on Faust's own aiohttp server.

A worker answers for any user: from its own committed state where it owns the user's partition,
else by asking the owner. It only reads, and only what has been committed.
"""
