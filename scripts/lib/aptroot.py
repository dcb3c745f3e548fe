# SPDX-License-Identifier: MIT
"""A private apt root for another architecture.

apt works on any architecture when it is given package lists and a status file of its own, so
arm64 packages can be fetched on any Debian machine without root and without touching the host's
own packages.  The archives asked are the host's own ones: those entries of its sources that carry
Debian itself for the release installed here.
"""

import glob
import os
import re
import subprocess

from cache import GuestError, cache_dir, say

ARCHITECTURE = 'arm64'


def _host_release():
    with open('/etc/os-release') as handle:
        fields = dict(line.rstrip('\n').split('=', 1) for line in handle if '=' in line)
    release = fields.get('VERSION_CODENAME', '').strip('"')
    if not release:
        raise GuestError('this machine does not say which Debian release it is in '
                         '/etc/os-release; run on Debian 12')
    return release


def _is_debian_suite(suite, release):
    return re.fullmatch(re.escape(release) + r'(-updates|-security)?', suite) is not None


def _deb822_stanzas(text, release):
    """The stanzas of a .sources file that carry this Debian release, for any architecture."""
    for stanza in re.split(r'\n\s*\n', text):
        lines = [line for line in stanza.split('\n') if line and not line.startswith('#')]
        fields = dict(re.findall(r'^([A-Za-z-]+):[ \t]*(.*)$', '\n'.join(lines), re.M))
        suites = fields.get('Suites', '').split()
        if fields.get('Enabled', 'yes') == 'no' or 'deb' not in fields.get('Types', '').split():
            continue
        if 'main' not in fields.get('Components', '').split():
            continue
        if not suites or not all(_is_debian_suite(suite, release) for suite in suites):
            continue
        fields.pop('Architectures', None)
        fields['Types'] = 'deb'
        fields['Components'] = 'main'
        yield '\n'.join(f'{key}: {value}' for key, value in fields.items()) + '\n'


def _one_line_entries(text, release):
    """The same out of a sources.list, rewritten as stanzas."""
    for line in text.split('\n'):
        match = re.match(r'deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s+(.*)$', line)
        if not match or not _is_debian_suite(match[3], release) or 'main' not in match[4].split():
            continue
        stanza = f'Types: deb\nURIs: {match[2]}\nSuites: {match[3]}\nComponents: main\n'
        for option in (match[1] or '').split():
            key, _, value = option.partition('=')
            if key == 'signed-by':
                stanza += f'Signed-By: {value}\n'
            elif key == 'trusted':
                stanza += f'Trusted: {value}\n'
        yield stanza


def debian_sources():
    """The host's own Debian archives as the text of a .sources file."""
    release = _host_release()
    stanzas = []
    for path in ['/etc/apt/sources.list'] + sorted(glob.glob('/etc/apt/sources.list.d/*')):
        if not os.path.isfile(path):
            continue
        with open(path, errors='replace') as handle:
            text = handle.read()
        if path.endswith('.sources'):
            stanzas += _deb822_stanzas(text, release)
        elif path.endswith('.list'):
            stanzas += _one_line_entries(text, release)
    if not stanzas:
        raise GuestError(f'no Debian archive for "{release}" found in /etc/apt/sources.list or '
                         '/etc/apt/sources.list.d; add one, or run on Debian 12')
    return '\n'.join(stanzas)


class AptRoot:
    """apt for ARCHITECTURE with nothing installed; lists are fetched on first use."""

    def __init__(self):
        self.folder = os.path.join(cache_dir(), 'apt', ARCHITECTURE)
        self.archives = os.path.join(self.folder, 'cache', 'archives')
        for name in ('lists/partial', 'cache/archives/partial', 'etc'):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
        open(os.path.join(self.folder, 'status'), 'a').close()
        self.sources = os.path.join(self.folder, 'etc', 'debian.sources')
        self._updated = False

    def _command(self, program, *arguments):
        options = {
            'APT::Architecture': ARCHITECTURE,
            'APT::Architectures': ARCHITECTURE,
            'APT::Sandbox::User': '',
            'APT::Install-Recommends': 'false',
            'APT::Keep-Downloaded-Packages': 'true',
            'Binary::apt-get::APT::Keep-Downloaded-Packages': 'true',
            'Acquire::Languages': 'none',
            'Acquire::Retries': '3',
            'Dir::State': self.folder,
            'Dir::State::Lists': os.path.join(self.folder, 'lists'),
            'Dir::State::status': os.path.join(self.folder, 'status'),
            'Dir::Cache': os.path.join(self.folder, 'cache'),
            'Dir::Log': self.folder,
            'Dir::Etc::sourcelist': self.sources,
            'Dir::Etc::sourceparts': '/dev/null',
            'Dir::Etc::preferences': '/dev/null',
            'Dir::Etc::preferencesparts': '/dev/null',
            'pkgCacheGen::Essential': 'native',
            'DPkg::Post-Invoke::': '',
            'APT::Update::Post-Invoke::': '',
        }
        command = [program]
        for key, value in options.items():
            if not key.endswith('::'):
                command += ['-o', f'{key}={value}']
        return command + list(arguments)

    def run(self, program, *arguments, cwd=None):
        """Run an apt program on this root and return what it printed."""
        self.update()
        return self._run(program, *arguments, cwd=cwd)

    def _run(self, program, *arguments, cwd=None):
        environment = dict(os.environ, LC_ALL='C.UTF-8', DEBIAN_FRONTEND='noninteractive')
        result = subprocess.run(self._command(program, *arguments), cwd=cwd, env=environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)
        if result.returncode != 0:
            raise GuestError(f'"{program} {" ".join(arguments)}" failed: '
                             f'{result.stderr.strip()[-600:]} '
                             '(is the network there? try again, or "scripts/guest clean")')
        return result.stdout

    def update(self):
        """Fetch the package lists, once per process."""
        if self._updated:
            return
        with open(self.sources, 'w') as handle:
            handle.write(debian_sources())
        say(f'fetching the {ARCHITECTURE} package lists')
        self._run('apt-get', '-q', 'update')
        self._updated = True

    def download(self, *packages):
        """Fetch packages by name; returns {name: path of the .deb}."""
        paths = {}
        for package in packages:
            out = self.run('apt-get', 'download', '--print-uris', package)
            name = re.search(r"^'[^']*' (\S+)", out, re.M)[1]
            path = os.path.join(self.archives, name)
            if not os.path.exists(path):
                say(f'fetching {package}')
                self.run('apt-get', '-q', 'download', package, cwd=self.archives)
            paths[package] = path
        return paths

    def depends(self, package):
        """The names a package depends on, alternatives included."""
        out = self.run('apt-cache', 'depends', '--no-recommends', '--no-suggests', package)
        return re.findall(r'^\s*\|?(?:Pre)?Depends: (\S+)', out, re.M)
