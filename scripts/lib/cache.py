# SPDX-License-Identifier: MIT
"""The cache folder that all scripts share, outside the checkout.

Everything in it can be made again; deleting the folder is always safe.  Files appear in it by
rename only, so that a half-written artefact is never taken for a whole one, and makers hold the
folder's lock, so that two scripts started together make a thing once.
"""

import contextlib
import fcntl
import hashlib
import os
import sys


def cache_dir():
    """Return the cache folder (see README.md), made if it was missing."""
    base = os.environ.get('DRAGOMAN_CACHE')
    if not base:
        xdg = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
        base = os.path.join(xdg, 'dragoman')
    os.makedirs(base, exist_ok=True)
    return os.path.abspath(base)


@contextlib.contextmanager
def locked(name):
    """Hold the lock `name` of the cache folder; waits for other processes."""
    path = os.path.join(cache_dir(), f'.{name}.lock')
    with open(path, 'w') as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def write_atomic(path, data):
    """Write bytes to `path` such that no reader ever sees a part of them."""
    temporary = f'{path}.{os.getpid()}.tmp'
    with open(temporary, 'wb') as handle:
        handle.write(data)
    os.rename(temporary, path)


def digest(*parts):
    """A short name for the given bytes or strings, for file names in the cache."""
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        whole.update(len(data).to_bytes(8, 'little'))
        whole.update(data)
    return whole.hexdigest()[:12]


def say(text):
    """A progress line for people; results go to standard output, these do not."""
    print(f'-- {text}', file=sys.stderr, flush=True)


class GuestError(Exception):
    """Something the user can act on; the message says how."""
