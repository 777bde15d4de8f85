"""`python -m tests.groups.impatient worker`: a worker that asks again for a second, not for 30."""

from app.engine import acquire

if __name__ == "__main__":
    acquire.ASKED_AGAIN_SECONDS = 1.0

    from app.cli.main import main

    main()
