"""`python -m tests.groups.other_layout worker`: a worker of a version with another layout."""

from app.engine import metadata

if __name__ == "__main__":
    metadata.LAYOUT = 99

    from app.cli.main import main

    main()
