"""The flights of the follow benchmark: flying them in processes, and their logs in a folder."""

import multiprocessing
import os
import signal
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from config.processes import when_parent_ends
from gym_follow.agents.registry import NAMES, WITH_NETWORK, make_agent
from gym_follow.flight import HZ, Conditions, FollowFlight, Seen, World
from gym_follow.log import Log, read_log, write_log
from gym_follow.report import Report, to_report


@dataclass(frozen=True)
class Job:
    """One flight of the benchmark."""

    agent: str  # a name that `make_agent` knows
    difficulty: str
    seed: int
    conditions: Conditions
    seconds: float  # simulated
    weights: str | None  # None: ground-truth masks replace the network
    network: str | None = None  # digest of the weights
    code: str | None = None  # digest of the file of an agent of the user's
    program: str | None = None  # digest of this program's sources that flights depend on

    def describe(self) -> dict[str, object]:
        """Return what the flight depends on, for its log."""
        described = {name: getattr(self, name) for name in ("agent", "difficulty", "seed", "seconds", "program")}
        if self.agent in WITH_NETWORK:
            described["network"] = self.network
        elif self.agent not in NAMES:
            described |= {"code": self.code, "ground_truth_mask": self.weights is None}
        return described | asdict(self.conditions)


def fly(job: Job) -> Log:
    """Fly one flight and return its log."""
    with _errors_of(job):
        agent = make_agent(job.agent, job.weights)
    with closing(World(job.seed, job.difficulty)) as world:
        flight = FollowFlight(world, job.conditions)

        def answer(seen: Seen) -> Report:
            observation, info = seen.observation(job.weights is None), flight.info()
            with _errors_of(job):
                return to_report(agent.act(observation, info))

        return [flight.advance(answer) for _ in range(round(job.seconds * HZ / job.conditions.speed))]


@contextmanager
def _errors_of(job: Job) -> Iterator[None]:
    """Say which flight failed and where, if the agent is the user's: an error of its own may be of any kind."""
    try:
        yield
    except (Exception, SystemExit) as error:
        if job.agent in NAMES:
            raise
        where = f"the agent {job.agent} failed in the flight {job.difficulty}, seed {job.seed}"
        raise RuntimeError(f"{where}:\n{''.join(traceback.format_exception(error)).rstrip()}") from None


class FlightFolder:
    """Logs of flights in a folder, a file for each."""

    def __init__(self, path: Path, resume: bool) -> None:
        self._path = path / "flights"
        if not resume and self._path.is_dir() and any(self._path.rglob("*.jsonl")):
            raise ValueError(f"{path} has flights already: add --resume to keep them, or choose another folder")

    def read(self, job: Job) -> Log | None:
        """Return the log of a job, None if it has not been flown. Raises ValueError if it was flown differently."""
        path = self._file(job)
        if not path.is_file():
            return None
        log, flown = read_log(path)
        wanted = job.describe()
        for key in wanted:
            if flown.get(key) != wanted[key]:
                raise ValueError(
                    f"{path}: expected a flight with {key} {wanted[key]}, this one has {flown.get(key)}: choose "
                    "another folder, or fly with the same options, network, program and code of the agent as before"
                )
        return log

    def write(self, job: Job, log: Log) -> None:
        """Store the log of a job. Raises OSError."""
        write_log(self._file(job), log, job.describe())

    def _file(self, job: Job) -> Path:
        agent = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in job.agent)
        if agent != job.agent:  # others may look the same now
            agent += f"_{sha256(os.fsencode(job.agent)).hexdigest()[:8]}"
        return self._path / job.difficulty / agent / f"{job.seed}.jsonl"


def fly_all(jobs: Sequence[Job], processes: int, folder: FlightFolder | None) -> Iterator[tuple[Job, Log]]:
    """Yield each job with its log as it becomes ready: first those in the folder, then those that are flown.

    What is flown is stored in the folder at once. Raises RuntimeError if a process dies.
    """
    context = multiprocessing.get_context("spawn")
    stored = {job: folder.read(job) if folder else None for job in jobs}
    yield from ((job, log) for job, log in stored.items() if log is not None)
    with ProcessPoolExecutor(processes, context, initializer=_initialise_worker) as pool:
        futures = {pool.submit(fly, job): job for job, log in stored.items() if log is None}
        try:
            for future in as_completed(futures):
                job, log = futures[future], future.result()
                if folder:
                    folder.write(job, log)
                yield job, log
        except BrokenProcessPool:
            again = "; the same command with --resume flies those that are missing" if folder else ""
            raise RuntimeError(f"a process that flies died, perhaps for lack of memory{again}") from None
        except BaseException:  # such as SIGTERM, of which the workers know nothing; a flight takes minutes
            for worker in multiprocessing.active_children():
                worker.terminate()
            raise
        finally:
            for future in futures:  # after an error, or Ctrl-C
                future.cancel()


def _initialise_worker() -> None:
    """Set up a process that flies: it ends with its parent, and at once after Ctrl-C instead of flying the next job."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    when_parent_ends(lambda: os._exit(1))
