"""Worker processes of multiprocessing: they end with their parent, however that ends."""

import multiprocessing
import threading
from collections.abc import Callable


def when_parent_ends(act: Callable[[], object]) -> None:
    """Call a function on a thread of this worker when its parent has ended, also if it was killed.

    A worker would wait for work forever: the queue from its parent is never closed.
    """

    def watch() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            act()

    threading.Thread(target=watch, daemon=True).start()
