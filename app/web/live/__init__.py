"""Live views: Server-Sent Events of committed state, and what the page at `/` needs."""
