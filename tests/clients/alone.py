"""One client writes at a time, of those that run: Glance's SQLite gives up at once when two writers meet."""
import contextlib, os, time

# A directory, for as long as a client writes: what makes one can be said in every language.
LOCK = os.environ["TRUTH"] + ".lock"


@contextlib.contextmanager
def alone():
    while True:
        with contextlib.suppress(FileExistsError):
            os.mkdir(LOCK)
            break
        time.sleep(0.1)
    try:
        yield
    finally:
        os.rmdir(LOCK)
