"""Processes of a benchmark, and pipes to talk to them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

START_TIMEOUT = 180.0  # seconds


class BenchmarkError(RuntimeError):
    """A process does not start or does not answer."""


@dataclass(frozen=True)
class _Failure:
    """Reason why a process cannot continue, sent in place of an answer."""

    reason: str


@contextmanager
def process(target: Callable[..., None], *arguments: object) -> Iterator[Connection]:
    """Run `target(pipe, *arguments)` in a process of its own while the block lasts; yield our end of the pipe.

    ValueError and RuntimeError of the target reach the caller through `receive`.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    worker = context.Process(target=_run, args=(target, theirs, *arguments), daemon=True)
    worker.start()
    theirs.close()
    try:
        yield ours
    finally:
        worker.terminate()
        worker.join(5)


def _run(target: Callable[..., None], pipe: Connection, *arguments: object) -> None:
    try:
        target(pipe, *arguments)
    except (ValueError, RuntimeError) as error:
        pipe.send(_Failure(str(error)))


def receive(pipe: Connection) -> Any:
    """Return the next message of a process.

    Raises:
        BenchmarkError: the process failed, ended, or sends nothing.
    """
    try:
        message = pipe.recv() if pipe.poll(START_TIMEOUT) else _Failure("it took too long")
    except EOFError:
        message = _Failure("it ended")
    if isinstance(message, _Failure):
        raise BenchmarkError(f"a process of the benchmark failed: {message.reason}")
    return message


def ask(pipe: Connection, question: object) -> Any:
    """Send a message to a process and return its answer. Raises BenchmarkError as `receive` does."""
    pipe.send(question)
    return receive(pipe)
