"""The HTTP interface described: OpenAPI 3.1 from the models that answer, and a page to read it.

A new path is described in `endpoints.py`, and nowhere else; a test compares that with the routes.
"""
