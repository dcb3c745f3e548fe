#!/bin/sh
# SPDX-License-Identifier: MIT
# What the kernel's own tests said, which ran when the modules of this initial RAM disk were loaded.
dmesg | grep -E 'test_bpf: .*Summary|test_user_copy: |alg: .*(fail|FAIL)|raid6: using|xor: using'
awk '$1 == "driver" { driver = $3 } $1 == "selftest" { print "selftest " driver " " $3 }' /proc/crypto
