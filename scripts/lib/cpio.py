# SPDX-License-Identifier: MIT
"""Writes initial RAM disks: the "new ASCII" cpio format of Linux'
Documentation/driver-api/early-userspace/buffer-format.rst.

Every entry belongs to root and has time stamp 0, whoever runs this, so the same input gives the
same bytes; device nodes need no privilege because they are only named in the archive.
"""

import stat


class CpioArchive:
    """An archive in memory; parents of an entry are added by themselves."""

    def __init__(self):
        self._chunks = []
        self._seen = set()
        self._inode = 0

    def _entry(self, path, mode, data=b'', rdev=(0, 0)):
        name = path.strip('/').encode() + b'\0'
        self._inode += 1
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, rdev[0], rdev[1], len(name), 0)
        header = b'070701' + b''.join(b'%08x' % field for field in fields)
        head = header + name
        self._chunks += [head, b'\0' * (-len(head) % 4), data, b'\0' * (-len(data) % 4)]
        self._seen.add(path.strip('/'))

    def _parents(self, path):
        parts = path.strip('/').split('/')[:-1]
        for count in range(1, len(parts) + 1):
            self.directory('/'.join(parts[:count]))

    def directory(self, path, mode=0o755):
        if path.strip('/') and path.strip('/') not in self._seen:
            self._parents(path)
            self._entry(path, stat.S_IFDIR | mode)

    def file(self, path, data, mode=0o644):
        self._parents(path)
        self._entry(path, stat.S_IFREG | mode, data)

    def symlink(self, path, target):
        self._parents(path)
        self._entry(path, stat.S_IFLNK | 0o777, target.encode())

    def character_device(self, path, major, minor, mode=0o600):
        self._parents(path)
        self._entry(path, stat.S_IFCHR | mode, rdev=(major, minor))

    def __contains__(self, path):
        return path.strip('/') in self._seen

    def finish(self):
        """Close the archive and return its bytes."""
        self._entry('TRAILER!!!', 0)
        whole = b''.join(self._chunks)
        return whole + b'\0' * (-len(whole) % 512)
