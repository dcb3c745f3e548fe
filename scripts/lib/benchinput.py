# SPDX-License-Identifier: MIT
"""Debian's own programs for scripts/bench: where they come from, and what they work on.

The guest's are taken out of arm64 packages, the host's are those that are installed.  Inputs are
generated, always the same.
"""

import glob
import os
import random
import subprocess
import tempfile

from aptroot import AptRoot
from cache import cache_dir, digest, locked, say

PACKAGES = ['libc6', 'libcrypt1', 'gzip', 'bzip2', 'libbz2-1.0', 'xz-utils', 'liblzma5', 'sqlite3',
            'libsqlite3-0', 'libreadline8', 'libtinfo6', 'zlib1g', 'perl-base', 'mawk']
BINARIES = ['gzip', 'bzip2', 'xz', 'sqlite3', 'perl', 'mawk']

WORDS_PL = r'''
my (%count, $vowels);
while (my $line = <STDIN>) {
    chomp $line;
    foreach my $word (split / /, $line) {
        $word =~ s/[^a-z]//gi;
        $count{lc $word}++;
    }
    $vowels += () = $line =~ /[aeiou]+/g;
    if ($line =~ /(\w+) (\w{3,}) \w*(.)\3/) { $count{"$2-$1"} += length $3; }
}
my @best = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
printf "%s %d\n", $_, $count{$_} foreach @best[0 .. 99];
my ($a, $b) = (0, 1);
for my $i (1 .. 200000) { ($a, $b) = ($b, ($a + $b * 3 + $i) % 1000003); }
print "$vowels $a\n";
'''

WORDS_AWK = r'''
{
    for (i = 1; i <= NF; i++) {
        word = tolower($i)
        gsub(/[^a-z]/, "", word)
        count[word]++
        length_of[length(word)]++
        sum = (sum * 31 + index("abcdefghijklmnopqrstuvwxyz", substr(word, 1, 1))) % 1000003
    }
    if ($0 ~ /[aeiou][a-z]*ing? [b-d]/) hits++
}
END {
    for (word in count) if (count[word] > best || (count[word] == best && word < name)) {
        best = count[word]
        name = word
    }
    for (i = 1; i < 12; i++) print i, length_of[i]
    for (i = 0; i < 300000; i++) x = (x * 17 + i) % 65537
    print name, best, hits, sum, x
}
'''

QUERIES_SQL = '''
CREATE TABLE item(id INTEGER PRIMARY KEY, kind INTEGER, name TEXT, price REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
INSERT INTO item
    SELECT i, i * 7919 % 97, 'item ' || (i * 104729 % 30011), i * 31 % 1009 / 4.0 FROM n;
CREATE INDEX item_kind ON item(kind);
CREATE INDEX item_name ON item(name);
SELECT kind, count(*), sum(price), max(name) FROM item GROUP BY kind ORDER BY 2 DESC, 1 LIMIT 10;
SELECT count(*) FROM item a JOIN item b ON a.kind = b.kind AND b.id <= 60;
SELECT sum(length(name)), count(DISTINCT price) FROM item WHERE name LIKE '%7%1%';
UPDATE item SET price = price * 1.25 WHERE kind % 3 = 1;
DELETE FROM item WHERE id % 5 = 2;
SELECT total(price), count(*) FROM item WHERE name IN (SELECT name FROM item WHERE kind = 5);
SELECT id, name, price FROM item ORDER BY price DESC, name LIMIT 20;
'''


def make_text(words=160000, seed=1):
    """Lines of made-up words, of which few are frequent, as in a language."""
    numbers = random.Random(seed)
    letters = 'eeeeeeetttttaaaaooooiiiinnnnsssshhhrrrdddlllcuumwfgypbvk'

    def pick(sequence):
        return sequence[int(numbers.random() * len(sequence))]

    vocabulary = [''.join(pick(letters) for _ in range(2 + int(numbers.random() * 8)))
                  for _ in range(6000)]
    lines, line = [], []
    for _ in range(words):
        word = vocabulary[int(len(vocabulary) * numbers.random() ** 3)]
        line.append(word.capitalize() if not line else word)
        if numbers.random() < 0.08:
            lines.append(' '.join(line) + '.\n')
            line = []
    return ''.join(lines) + ' '.join(line) + '\n'


def get_inputs():
    """Folder with the inputs."""
    files = {'text': make_text(), 'words.pl': WORDS_PL, 'words.awk': WORDS_AWK,
             'queries.sql': QUERIES_SQL}
    name = digest(*(part for pair in sorted(files.items()) for part in pair))
    folder = os.path.join(cache_dir(), 'bench', f'input-{name}')
    with locked('bench'):
        if not os.path.exists(folder):
            os.makedirs(os.path.dirname(folder), exist_ok=True)
            with tempfile.TemporaryDirectory(dir=os.path.dirname(folder)) as work:
                os.mkdir(os.path.join(work, 'made'))
                for path, text in files.items():
                    with open(os.path.join(work, 'made', path), 'w') as handle:
                        handle.write(text)
                os.rename(os.path.join(work, 'made'), folder)
    return folder


def get_debian_folder():
    """Folder with the unpacked arm64 packages; kept until it is deleted."""
    folder = os.path.join(cache_dir(), 'bench', f'debian-{digest(*PACKAGES)}')
    with locked('bench'):
        if not os.path.exists(folder):
            os.makedirs(os.path.dirname(folder), exist_ok=True)
            debs = AptRoot().download(*PACKAGES)
            say("unpacking Debian's programs for the benchmarks")
            with tempfile.TemporaryDirectory(dir=os.path.dirname(folder)) as work:
                made = os.path.join(work, 'made')
                for deb in debs.values():
                    subprocess.run(['dpkg-deb', '-x', deb, made], check=True)
                os.rename(made, folder)
    return folder


def debian_additions():
    """The programs, their libraries and inputs as FILE:PATH for an initial RAM disk."""
    root = get_debian_folder()
    additions = []
    for name in BINARIES:
        path = next(path for path in (os.path.join(root, 'bin', name),
                                      os.path.join(root, 'usr/bin', name))
                    if os.path.exists(path))
        additions.append(f'{path}:/debian/bin/{name}')
    for folder in ('lib/aarch64-linux-gnu', 'usr/lib/aarch64-linux-gnu'):
        for path in sorted(glob.glob(os.path.join(root, folder, '*.so.*'))):
            additions.append(f'{path}:/lib/aarch64-linux-gnu/{os.path.basename(path)}')
    loader = os.path.join(root, 'lib/ld-linux-aarch64.so.1')
    additions.append(f'{loader}:/lib/ld-linux-aarch64.so.1')
    inputs = get_inputs()
    return additions + [f'{os.path.join(inputs, name)}:/bench/{name}'
                        for name in sorted(os.listdir(inputs))]
