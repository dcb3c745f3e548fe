// SPDX-License-Identifier: MIT
//
// The registers of a vCPU as GDB numbers them: in the order of the CPU's table (CpuOps.registers),
// which the target description repeats.
#ifndef GDB_REGISTERS_H
#define GDB_REGISTERS_H

#include <stdio.h>
#include "gdb/packet.h"
#include "softmmu/vcpu.h"

/* The description that qXfer:features:read:target.xml hands out. */
void gdb_print_target(const CpuOps *ops, FILE *out);

/* Append register `n` as hexadecimal bytes, as they stand in guest memory. False: no such one. */
bool gdb_read_register(VCPU *cpu, uint64_t n, GdbPacket *out);
/* All that belong to the packets g and G: general and vector registers. */
void gdb_read_registers(VCPU *cpu, GdbPacket *out);
/* From hexadecimal bytes. False: no such register, it is read-only, or there is no value. */
bool gdb_write_register(VCPU *cpu, uint64_t n, const char **hex);
bool gdb_write_registers(VCPU *cpu, const char **hex);

#endif
