// SPDX-License-Identifier: MIT
//
// Registers for GDB: the target description (GDB manual, appendix G) and access; contract in
// registers.h. Which features GDB wants under which names is known here, by architecture.
#include "gdb/registers.h"

#include <string.h>

typedef struct Feature {
    const char *arch, *group; /* as in CpuOps and CpuRegister */
    const char *name;         /* as GDB knows it */
    const char *types;        /* what the registers below need */
} Feature;

static const char aarch64_vector_types[] =
    "<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
    "<vector id=\"v2u\" type=\"uint64\" count=\"2\"/>"
    "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"
    "<vector id=\"v4u\" type=\"uint32\" count=\"4\"/>"
    "<vector id=\"v8u\" type=\"uint16\" count=\"8\"/>"
    "<vector id=\"v16u\" type=\"uint8\" count=\"16\"/>"
    "<vector id=\"v1u\" type=\"uint128\" count=\"1\"/>"
    "<union id=\"vnd\"><field name=\"f\" type=\"v2d\"/><field name=\"u\" type=\"v2u\"/></union>"
    "<union id=\"vns\"><field name=\"f\" type=\"v4f\"/><field name=\"u\" type=\"v4u\"/></union>"
    "<union id=\"vnh\"><field name=\"u\" type=\"v8u\"/></union>"
    "<union id=\"vnb\"><field name=\"u\" type=\"v16u\"/></union>"
    "<union id=\"vnq\"><field name=\"u\" type=\"v1u\"/></union>"
    "<union id=\"vector\"><field name=\"d\" type=\"vnd\"/><field name=\"s\" type=\"vns\"/>"
    "<field name=\"h\" type=\"vnh\"/><field name=\"b\" type=\"vnb\"/>"
    "<field name=\"q\" type=\"vnq\"/></union>";

static const Feature features[] = {
    { "aarch64", "general", "org.gnu.gdb.aarch64.core", "" },
    { "aarch64", "vector", "org.gnu.gdb.aarch64.fpu", aarch64_vector_types },
    { "aarch64", "system", "org.dragoman.aarch64.system", "" },
};

static const char *type_of(const CpuRegister *r)
{
    if (!strcmp(r->name, "pc"))
        return "code_ptr";
    if (!strcmp(r->name, "sp"))
        return "data_ptr";
    return r->bytes == 16 ? "vector" : r->bytes == 8 ? "int64" : "uint32";
}

static bool is_system(const CpuRegister *r)
{
    return !strcmp(r->group, "system");
}

static void print_feature(const CpuOps *ops, const Feature *f, FILE *out)
{
    fprintf(out, "<feature name=\"%s\">%s", f->name, f->types);
    unsigned n = 0;
    for (const CpuRegister *r = ops->registers; r->name; r++, n++)
        if (!strcmp(r->group, f->group))
            fprintf(out, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\" regnum=\"%u\"%s/>", r->name,
                    r->bytes * 8u, type_of(r), n,
                    is_system(r) ? " group=\"system\" save-restore=\"no\"" : "");
    fprintf(out, "</feature>\n");
}

void gdb_print_target(const CpuOps *ops, FILE *out)
{
    fprintf(out, "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
            "<target version=\"1.0\"><architecture>%s</architecture>\n", ops->arch);
    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
        if (!strcmp(features[i].arch, ops->arch))
            print_feature(ops, &features[i], out);
    fprintf(out, "</target>\n");
}

static const CpuRegister *find(const VCPU *cpu, uint64_t n)
{
    const CpuRegister *r = cpu->ops->registers;
    for (uint64_t i = 0; r->name; r++, i++)
        if (i == n)
            return r;
    return NULL;
}

static void read_one(VCPU *cpu, const CpuRegister *r, GdbPacket *out)
{
    uint64_t value = r->get ? r->get(cpu, r) : 0;
    gdb_packet_add_hex(out, r->get ? (char *)&value : (char *)vcpu_env(cpu) + r->offset,
                       r->bytes);
}

bool gdb_read_register(VCPU *cpu, uint64_t n, GdbPacket *out)
{
    const CpuRegister *r = find(cpu, n);
    if (r)
        read_one(cpu, r, out);
    return r;
}

/* System registers come last in the tables, so that GDB asks for them one by one. */
void gdb_read_registers(VCPU *cpu, GdbPacket *out)
{
    for (const CpuRegister *r = cpu->ops->registers; r->name && !is_system(r); r++)
        read_one(cpu, r, out);
}

static bool write_one(VCPU *cpu, const CpuRegister *r, const char **hex)
{
    uint8_t bytes[16];
    if (r->bytes > sizeof(bytes) || !gdb_take_bytes(hex, bytes, r->bytes))
        return false;
    if (r->set) {
        uint64_t value = 0;
        memcpy(&value, bytes, r->bytes);
        return r->set(cpu, r, value);
    }
    memcpy((char *)vcpu_env(cpu) + r->offset, bytes, r->bytes);
    return true;
}

bool gdb_write_register(VCPU *cpu, uint64_t n, const char **hex)
{
    const CpuRegister *r = find(cpu, n);
    return r && write_one(cpu, r, hex);
}

bool gdb_write_registers(VCPU *cpu, const char **hex)
{
    for (const CpuRegister *r = cpu->ops->registers; r->name && !is_system(r); r++)
        if (!write_one(cpu, r, hex))
            return false;
    return true;
}
