"""A worker of a variant's build, and what faults ask of it."""

import os
import signal
import sys
from typing import NoReturn

from app.cli.main import main
from app.engine import failpoints
from tests.chaos.variants.edits import NoTargetError
from tests.chaos.variants.variant import Variant

MARK = "this build is broken on purpose: "
UNFIT = 70


def run(variant: Variant | None, arguments: list[str]) -> NoReturn:
    """Run the command line of the right build (None), or of a broken one.

    `STOP_AT=name:n` stops the process (SIGSTOP) at the n-th pass of a failpoint; `FAILING`: see
    `tests.service.failing_worker`. Exit status `UNFIT`: the variant does not fit the service.
    """
    if variant is not None:
        try:
            variant.apply()
        except NoTargetError as error:
            sys.stderr.write(f"variant {variant.name} does not apply: {error}\n")
            sys.exit(UNFIT)
        sys.stderr.write(f"{MARK}{variant.name}\n")
    if "STOP_AT" in os.environ:
        _stop_at(os.environ["STOP_AT"])
    if "FAILING" in os.environ:
        _make_fail()
    sys.argv[1:] = arguments
    main()
    sys.exit(0)


def _stop_at(place: str) -> None:
    wanted, _, number = place.partition(":")
    left = int(number)

    def hit(name: str) -> None:
        nonlocal left
        if name == wanted:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGSTOP)

    failpoints.hit = hit


def _make_fail() -> None:
    from agents.enrich import ShopWork
    from tests.service import failing_worker

    ShopWork.purchase = failing_worker.take_and_raise  # type: ignore[method-assign]
