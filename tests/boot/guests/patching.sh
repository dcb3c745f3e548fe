#!/bin/sh
# SPDX-License-Identifier: MIT
# The kernel patches its own code: kprobes, function tracing, static keys, uprobes, while all
# processors run what is patched.  dragoman.uprobe=OFFSET is a place in /bin/busybox that every
# start of it passes.
tracing=/sys/kernel/tracing
failures=0
for word in $(cat /proc/cmdline); do
    case "$word" in dragoman.uprobe=*) uprobe=${word#*=} ;; esac
done
mount -t tracefs tracefs $tracing || exit 1
echo 256 > $tracing/buffer_size_kb

# expect NAME COMMAND...: the command succeeds
expect() {
    name=$1
    shift
    if "$@" > /tmp/said 2>&1; then
        echo "ok      $name"
    else
        echo "FAILED  $name: $(tail -n 2 /tmp/said)"
        failures=$((failures + 1))
    fi
}

# How often a probe was hit; the table of uprobes has the program's name first.
hits() { awk -v name="$1" '$1 == name { print $2 } $2 == name { print $3 }' "$2"; }
at_least() { [ "$1" -ge "$2" ]; }
opens() { for i in $(seq "$1"); do cat /proc/version > /dev/null; done; }

# All processors open files all the time.
for cpu in $(seq "$(nproc)"); do
    (while [ ! -e /tmp/enough ]; do cat /proc/version /proc/cpuinfo > /dev/null; done) &
done

# Probes on entry and return, set and removed again and again.
for round in 1 2 3; do
    echo 'p:opening do_sys_openat2' > $tracing/kprobe_events
    echo 'r:has_opened do_sys_openat2 $retval' >> $tracing/kprobe_events
    echo 1 > $tracing/events/kprobes/enable
    opens 20
    echo 0 > $tracing/events/kprobes/enable
    expect "kprobe, round $round" at_least "$(hits opening $tracing/kprobe_profile)" 20
    expect "kretprobe, round $round" at_least "$(hits has_opened $tracing/kprobe_profile)" 20
    expect "kprobe events, round $round" grep -q -m 1 'opening: (do_sys_openat2' $tracing/trace
    echo > $tracing/kprobe_events
done

# A probe on each of many functions at once.
grep -E ' [tT] (vfs|ksys|do_sys|seq|proc)_[a-z0-9_]+$' /proc/kallsyms | awk '{ print $3 }' | sort -u |
    head -n 150 | while read -r name; do
    echo "p:many/$name $name" >> $tracing/kprobe_events 2> /dev/null
done
expect "many kprobes" at_least "$(wc -l < $tracing/kprobe_events)" 60
echo 1 > $tracing/events/many/enable
opens 20
echo 0 > $tracing/events/many/enable
expect "many kprobes: hits" at_least "$(hits do_sys_openat2 $tracing/kprobe_profile)" 20
echo > $tracing/kprobe_events
echo > $tracing/trace

# Tens of thousands of places at once, and back.
for round in 1 2; do
    for tracer in function function_graph; do
        echo $tracer > $tracing/current_tracer
        opens 1
        echo 0 > $tracing/tracing_on
        expect "$tracer tracer, round $round" grep -q -m 1 '<-\| [a-z0-9_.]*();$' $tracing/trace
        echo nop > $tracing/current_tracer
        echo 1 > $tracing/tracing_on
    done
done
echo 'vfs_*' > $tracing/set_ftrace_filter
for round in $(seq 10); do
    echo function > $tracing/current_tracer
    opens 1
    echo nop > $tracing/current_tracer
done
expect "filtered function tracer, switched ten times" [ "$round" = 10 ]
echo > $tracing/set_ftrace_filter

# Static keys: scheduler statistics, and the tracepoints themselves.
for round in $(seq 20); do
    echo $((round % 2)) > /proc/sys/kernel/sched_schedstats
    echo $((round % 2)) > $tracing/events/sched/enable
    echo $((round % 2)) > $tracing/events/syscalls/enable
done
expect "static keys switched" grep -q . /proc/schedstat
echo 1 > $tracing/events/sched/sched_switch/enable
opens 10
echo 0 > $tracing/events/sched/sched_switch/enable
expect "tracepoint" grep -q sched_switch: $tracing/trace

# A break point in a user program.
echo "p:starting /bin/busybox:$uprobe" > $tracing/uprobe_events
echo 1 > $tracing/events/uprobes/enable
for i in $(seq 20); do /bin/busybox true; done
echo 0 > $tracing/events/uprobes/enable
expect "uprobe" at_least "$(hits starting $tracing/uprobe_profile)" 20
echo > $tracing/uprobe_events

: > /tmp/enough
wait
if [ -x /bin/selfmod ]; then
    expect "code that writes itself" selfmod
fi
exit $failures
