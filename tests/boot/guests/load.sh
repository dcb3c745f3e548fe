#!/bin/sh
# SPDX-License-Identifier: MIT
# load SECONDS: loads a Debian guest with all that a busy machine does, at once: parallel
# compilation and compression, storms of processes, signals and mappings, kernel modules that come
# and go, just-in-time compilers, litmus tests of the memory model.  Every part checks its results
# in every round and says at last "load: NAME: N rounds, M wrong".  The status is 0 if nothing was.
here=$(cd "$(dirname "$0")" && pwd)
seconds=$1
work=$(mktemp -d)
end=$(($(date +%s) + seconds))
cd "$work" || exit 1

# repeat NAME COMMAND...: until the time is over; COMMAND says with its status whether it was right
repeat() {
    name=$1 rounds=0 wrong=0
    shift
    mkdir "$name"
    while [ "$(date +%s)" -lt "$end" ]; do
        (cd "$name" && "$@" > said 2>&1) || {
            wrong=$((wrong + 1))
            echo "load: $name: round $rounds: $(tail -n 3 "$name/said" | tr '\n' ' ')"
        }
        rounds=$((rounds + 1))
    done
    echo "load: $name: $rounds rounds, $wrong wrong"
    [ $wrong = 0 ] && [ $rounds -gt 0 ] || : > "$work/failed"
}

# Eight files compiled by four jobs must compute what they compute without optimisation.
source() {
    for file in 1 2 3 4 5 6 7 8; do
        awk -v file=$file 'BEGIN {
            print "#include <math.h>\nunsigned long part" file "(unsigned long x) {"
            for (i = 1; i < 60; i++)
                printf "x = x * %d + (x >> %d) ^ (x << %d); x += (unsigned long)sqrt(x & 0xfffff);\n",
                    i * 7919 + file, i % 30 + 1, i % 20 + 3
            print "return x; }"
        }' > part$file.c
        echo "unsigned long part$file(unsigned long);" >> parts.h
    done
    cat > main.c << 'END'
#include <stdio.h>
#include "parts.h"
int main(void)
{
    unsigned long x = 1;
    for (int i = 0; i < 20000; i++)
        x = part8(part7(part6(part5(part4(part3(part2(part1(x))))))));
    printf("%lu\n", x);
}
END
    printf 'program: main.o %s\n\t$(CC) -o $@ $^ -lm\nclean:\n\trm -f *.o program\n' \
        "$(for file in 1 2 3 4 5 6 7 8; do printf 'part%s.o ' $file; done)" > Makefile
}

compile() {
    [ -e wanted ] || { source && make -s CFLAGS=-O0 program && ./program > wanted; } || return
    make -s clean && make -s -j4 CFLAGS=-O2 program && ./program | cmp - wanted
}

compress() {
    [ -e text ] || {
        cat /usr/bin/*-gcc-12 /usr/lib/*/libc.so.6 | head -c 3000000 > text
        sha256sum text > sum
    }
    xz -T2 -2 -k -f text && gzip -k -f text || return
    rm text
    xz -d -k text.xz && sha256sum --quiet -c sum || return
    rm text
    gzip -d -k text.gz && sha256sum --quiet -c sum
}

modules() {
    for module in dummy veth tun bridge loop overlay; do
        modprobe $module || return
    done
    ip link add shaken type dummy && ip link del shaken || return
    for module in overlay loop bridge tun veth dummy; do
        modprobe -r $module || return
    done
}

# The same program by the compiler and by the interpreter of the same language.
lua() {
    [ -e wanted ] || luajit -joff "$here/jit.lua" > wanted || return
    luajit "$here/jit.lua" | cmp - wanted
}

javascript() {
    [ -e wanted ] || node --jitless "$here/jit.js" > wanted || return
    node "$here/jit.js" | cmp - wanted
}

storm() {
    left=$((end - $(date +%s)))
    [ $left -gt 60 ] && left=60
    [ $left -lt 5 ] && left=5
    stress-ng --verify --timeout $left --oomable --fork 1 --vfork 1 --clone 1 --mmap 1 \
        --mmap-bytes 32m --mremap 1 --mremap-bytes 8m --sigq 1 --sigsegv 1 --timer 1 --switch 1 \
        --pipe 1 --futex 1 --pthread 1 --vm 1 --vm-bytes 32m --fp 1 --vecmath 1 --atomic 1
}

memory_model() {
    left=$((end - $(date +%s)))
    [ $left -gt 30 ] && left=30
    "$here/litmus" $left
}

repeat compile compile &
repeat compress compress &
repeat modules modules &
repeat lua lua &
repeat javascript javascript &
repeat storm storm &
repeat selfmod "$here/selfmod" &
repeat litmus memory_model &
wait
[ "$(cat /proc/sys/kernel/tainted)" = 0 ] || {
    echo "load: the kernel is tainted"
    : > failed
}
[ ! -e failed ]
status=$?
rm -rf "$work"
exit $status
