// SPDX-License-Identifier: MIT
//
// The device tree of the virt board (Devicetree Specification 0.4; the bindings are those of
// Linux's Documentation/devicetree/bindings). The functions write it from top to bottom, in the
// order in which it reads.
//
// Order matters in one place: Linux numbers disks and network interfaces in the order of the
// transports' nodes. Transports are filled from the highest address down, so their nodes stand in
// that order, and /dev/vda is the first -device of the command line.
#include <inttypes.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>
#include "hw/arm/virt_internal.h"
#include "target/arm/cpu.h"
#include "util/bitops.h"

enum { FDT_BYTES = 64 * 1024 };

enum { /* phandles */
    PHANDLE_GIC = 1,
    PHANDLE_CLOCK,
    PHANDLE_GPIO,
    PHANDLE_CPU0 = 0x10,
};

enum { /* the cells of an interrupt (arm,gic binding) */
    GIC_SPI = 0,
    GIC_PPI = 1,
    IRQ_EDGE_RISING = 1,
    IRQ_LEVEL_HIGH = 4,
    IRQ_PPI_CPU_SHIFT = 8,
};

enum { KEY_POWER = 116, APB_CLOCK_HZ = 24000000 };

/* A tree being written; the first error stays. */
typedef struct Writer {
    void *fdt;
    int error;
} Writer;

static void keep_error(Writer *w, int r)
{
    if (!w->error)
        w->error = r;
}

static void begin(Writer *w, const char *name)
{
    keep_error(w, fdt_begin_node(w->fdt, name));
}

/* NAME@ADDRESS */
static void begin_at(Writer *w, const char *name, uint64_t address)
{
    char full[64];
    snprintf(full, sizeof(full), "%s@%" PRIx64, name, address);
    begin(w, full);
}

static void begin_numbered(Writer *w, const char *name, uint32_t n)
{
    char full[64];
    snprintf(full, sizeof(full), "%s%" PRIu32, name, n);
    begin(w, full);
}

static void end(Writer *w)
{
    keep_error(w, fdt_end_node(w->fdt));
}

static void put_flag(Writer *w, const char *name)
{
    keep_error(w, fdt_property(w->fdt, name, NULL, 0));
}

static void put_string(Writer *w, const char *name, const char *value)
{
    keep_error(w, fdt_property_string(w->fdt, name, value));
}

/* Several strings; `bytes` counts the last one's terminator too. */
#define put_strings(w, name, literal) \
    keep_error(w, fdt_property((w)->fdt, name, literal, sizeof(literal)))

static void put_u32(Writer *w, const char *name, uint32_t value)
{
    keep_error(w, fdt_property_u32(w->fdt, name, value));
}

static void put_cells(Writer *w, const char *name, const uint32_t *cells, unsigned count)
{
    uint32_t swapped[16];
    assert(count <= ARRAY_SIZE(swapped));
    for (unsigned i = 0; i < count; i++)
        swapped[i] = cpu_to_fdt32(cells[i]);
    keep_error(w, fdt_property(w->fdt, name, swapped, (int)(count * sizeof(uint32_t))));
}

#define CELLS(...) \
    (const uint32_t[]){ __VA_ARGS__ }, sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t)
#define ADDRESS(v) (uint32_t)((uint64_t)(v) >> 32), (uint32_t)(v)

static void put_reg(Writer *w, Hwaddr base, uint64_t size)
{
    put_cells(w, "reg", CELLS(ADDRESS(base), ADDRESS(size)));
}

static void put_spi(Writer *w, int spi, uint32_t flags)
{
    put_cells(w, "interrupts", CELLS(GIC_SPI, (uint32_t)spi, flags));
}

/* ---- CPUs ------------------------------------------------------------------------------- */

/* A walk over /cpus/cpu-map, as deep as the topology; CPUs up to maxcpus that are not there are
 * left out. */
typedef struct CpuMap {
    uint32_t next, count;
} CpuMap;

static void write_map_level(Writer *w, CpuMap *map, const uint32_t *counts, unsigned depth)
{
    static const char *const names[] = { "socket", "cluster", "core", "thread" };
    bool leaf = depth == 3 || (depth == 2 && counts[3] == 1);
    for (uint32_t n = 0; n < counts[depth] && map->next < map->count; n++) {
        begin_numbered(w, names[depth], n);
        if (leaf)
            put_u32(w, "cpu", PHANDLE_CPU0 + map->next++);
        else
            write_map_level(w, map, counts, depth + 1);
        end(w);
    }
}

static void write_cpu_map(Writer *w, const Machine *m)
{
    const MachineConfig *c = &m->config;
    uint32_t counts[] = { MAX(c->sockets, 1), MAX(c->clusters, 1), MAX(c->cores, 1),
                          MAX(c->threads, 1) };
    if ((uint64_t)counts[0] * counts[1] * counts[2] * counts[3] < m->cpu_count)
        counts[2] = m->cpu_count; /* no topology was asked for */
    begin(w, "cpu-map");
    write_map_level(w, &(CpuMap){ .count = m->cpu_count }, counts, 0);
    end(w);
}

static void write_cpus(Writer *w, const Machine *m)
{
    begin(w, "cpus");
    put_u32(w, "#address-cells", 1);
    put_u32(w, "#size-cells", 0);
    for (uint32_t i = 0; i < m->cpu_count; i++) {
        const ArmCpu *cpu = arm_cpu(m->cpus[i]);
        uint32_t affinity = cpu->mpidr & 0xffffff;
        begin_at(w, "cpu", affinity);
        put_string(w, "device_type", "cpu");
        put_string(w, "compatible", arm_cpu_compatible(cpu));
        put_u32(w, "reg", affinity);
        put_string(w, "enable-method", "psci");
        put_u32(w, "phandle", PHANDLE_CPU0 + i);
        end(w);
    }
    write_cpu_map(w, m);
    end(w);
}

static void write_psci(Writer *w)
{
    begin(w, "psci");
    put_strings(w, "compatible", "arm,psci-1.0\0arm,psci-0.2\0arm,psci");
    put_string(w, "method", "hvc");
    put_u32(w, "cpu_suspend", 0xc4000001);
    put_u32(w, "cpu_off", 0x84000002);
    put_u32(w, "cpu_on", 0xc4000003);
    put_u32(w, "migrate", 0xc4000005);
    end(w);
}

/* Flags of a PPI; the binding of the GICv2 has a mask of the CPUs in them. */
static uint32_t ppi_flags(const Machine *m, const VirtBoard *b)
{
    return IRQ_LEVEL_HIGH |
           (b->gic == VIRT_GICV2 ? (uint32_t)bit_mask(m->cpu_count) << IRQ_PPI_CPU_SHIFT : 0);
}

static void write_pmu(Writer *w, const Machine *m, const VirtBoard *b)
{
    if (!arm_cpu_has_pmu(arm_cpu(m->cpus[0])))
        return;
    begin(w, "pmu");
    put_string(w, "compatible", "arm,armv8-pmuv3");
    put_cells(w, "interrupts", CELLS(GIC_PPI, VIRT_PPI_PMU, ppi_flags(m, b)));
    end(w);
}

static void write_timer(Writer *w, const Machine *m, const VirtBoard *b)
{
    uint32_t flags = ppi_flags(m, b);
    begin(w, "timer");
    put_strings(w, "compatible", "arm,armv8-timer\0arm,armv7-timer");
    put_flag(w, "always-on");
    put_cells(w, "interrupts", CELLS(GIC_PPI, VIRT_PPI_TIMER_SECURE, flags,
                                     GIC_PPI, VIRT_PPI_TIMER_PHYS, flags,
                                     GIC_PPI, VIRT_PPI_TIMER_VIRT, flags,
                                     GIC_PPI, VIRT_PPI_TIMER_HYP, flags));
    end(w);
}

/* ---- devices ---------------------------------------------------------------------------- */

static void write_memory(Writer *w, const Machine *m)
{
    begin_at(w, "memory", VIRT_RAM_BASE);
    put_string(w, "device_type", "memory");
    put_reg(w, VIRT_RAM_BASE, m->config.ram_bytes);
    end(w);
}

static void write_gic(Writer *w, const VirtBoard *b)
{
    bool v3 = b->gic == VIRT_GICV3;
    const VirtMapEntry *dist = &virt_map[VIRT_GIC_DIST];
    const VirtMapEntry *second = &virt_map[v3 ? VIRT_GIC_REDIST : VIRT_GIC_CPU];
    begin_at(w, "intc", dist->base);
    put_string(w, "compatible", v3 ? "arm,gic-v3" : "arm,cortex-a15-gic");
    put_u32(w, "#interrupt-cells", 3);
    put_flag(w, "interrupt-controller");
    put_u32(w, "#address-cells", 2);
    put_u32(w, "#size-cells", 2);
    put_flag(w, "ranges");
    if (v3)
        put_u32(w, "#redistributor-regions", 1);
    put_cells(w, "reg", CELLS(ADDRESS(dist->base), ADDRESS(dist->size), ADDRESS(second->base),
                              ADDRESS(second->size)));
    put_u32(w, "phandle", PHANDLE_GIC);
    end(w);
}

static void write_clock(Writer *w)
{
    begin(w, "apb-pclk");
    put_string(w, "compatible", "fixed-clock");
    put_u32(w, "#clock-cells", 0);
    put_u32(w, "clock-frequency", APB_CLOCK_HZ);
    put_string(w, "clock-output-names", "clk24mhz");
    put_u32(w, "phandle", PHANDLE_CLOCK);
    end(w);
}

/* What PrimeCells (PLnnn) have in common. */
static void begin_primecell(Writer *w, const char *name, enum VirtPlace place)
{
    const VirtMapEntry *at = &virt_map[place];
    begin_at(w, name, at->base);
    put_reg(w, at->base, at->size);
    put_spi(w, at->spi, IRQ_LEVEL_HIGH);
}

static void write_uart(Writer *w, enum VirtPlace place)
{
    begin_primecell(w, "pl011", place);
    put_strings(w, "compatible", "arm,pl011\0arm,primecell");
    put_cells(w, "clocks", CELLS(PHANDLE_CLOCK, PHANDLE_CLOCK));
    put_strings(w, "clock-names", "uartclk\0apb_pclk");
    end(w);
}

static void write_rtc(Writer *w)
{
    begin_primecell(w, "pl031", VIRT_RTC);
    put_strings(w, "compatible", "arm,pl031\0arm,primecell");
    put_u32(w, "clocks", PHANDLE_CLOCK);
    put_string(w, "clock-names", "apb_pclk");
    end(w);
}

static void write_gpio(Writer *w)
{
    begin_primecell(w, "pl061", VIRT_GPIO);
    put_strings(w, "compatible", "arm,pl061\0arm,primecell");
    put_u32(w, "#gpio-cells", 2);
    put_flag(w, "gpio-controller");
    put_u32(w, "clocks", PHANDLE_CLOCK);
    put_string(w, "clock-names", "apb_pclk");
    put_u32(w, "phandle", PHANDLE_GPIO);
    end(w);

    begin(w, "gpio-keys");
    put_string(w, "compatible", "gpio-keys");
    begin(w, "poweroff");
    put_string(w, "label", "GPIO Key Poweroff");
    put_u32(w, "linux,code", KEY_POWER);
    put_cells(w, "gpios", CELLS(PHANDLE_GPIO, VIRT_POWER_KEY_PIN, 0));
    end(w);
    end(w);
}

static void write_fw_cfg(Writer *w)
{
    const VirtMapEntry *at = &virt_map[VIRT_FW_CFG];
    begin_at(w, "fw-cfg", at->base);
    put_string(w, "compatible", "qemu,fw-cfg-mmio");
    put_reg(w, at->base, at->size);
    put_flag(w, "dma-coherent");
    end(w);
}

static void write_virtio(Writer *w, unsigned count)
{
    const VirtMapEntry *at = &virt_map[VIRT_VIRTIO];
    for (unsigned i = count; i-- > 0;) {
        begin_at(w, "virtio_mmio", at->base + i * at->size);
        put_string(w, "compatible", "virtio,mmio");
        put_reg(w, at->base + i * at->size, at->size);
        put_spi(w, at->spi + (int)i, IRQ_EDGE_RISING);
        put_flag(w, "dma-coherent");
        end(w);
    }
}

static void put_uart_path(Writer *w, const char *name, enum VirtPlace place)
{
    char path[32];
    snprintf(path, sizeof(path), "/pl011@%" PRIx64, virt_map[place].base);
    put_string(w, name, path);
}

static void write_chosen(Writer *w)
{
    begin(w, "chosen");
    put_uart_path(w, "stdout-path", VIRT_UART0);
    end(w);
}

/* Linux numbers its ttyAMA by these. */
static void write_aliases(Writer *w, const VirtBoard *b)
{
    begin(w, "aliases");
    put_uart_path(w, "serial0", VIRT_UART0);
    if (b->has_uart1)
        put_uart_path(w, "serial1", VIRT_UART1);
    end(w);
}

static void write_tree(Writer *w, const Machine *m, const VirtBoard *b)
{
    begin(w, "");
    put_string(w, "compatible", "linux,dummy-virt");
    put_string(w, "model", "linux,dummy-virt");
    put_u32(w, "#address-cells", 2);
    put_u32(w, "#size-cells", 2);
    put_u32(w, "interrupt-parent", PHANDLE_GIC);
    write_aliases(w, b);
    write_chosen(w);
    write_memory(w, m);
    write_cpus(w, m);
    write_psci(w);
    write_timer(w, m, b);
    write_pmu(w, m, b);
    write_gic(w, b);
    write_clock(w);
    write_uart(w, VIRT_UART0);
    if (b->has_uart1)
        write_uart(w, VIRT_UART1);
    write_rtc(w);
    write_gpio(w);
    write_fw_cfg(w);
    write_virtio(w, b->virtio_count);
    end(w);
}

void *virt_fdt_create(const Machine *m, const VirtBoard *b, Error **err)
{
    Writer w = { .fdt = malloc(FDT_BYTES) };
    if (!w.fdt) {
        error_set(err, "out of memory for the device tree");
        return NULL;
    }
    keep_error(&w, fdt_create(w.fdt, FDT_BYTES));
    keep_error(&w, fdt_finish_reservemap(w.fdt));
    write_tree(&w, m, b);
    keep_error(&w, fdt_finish(w.fdt));
    if (w.error) {
        error_set(err, "cannot make the device tree: %s", fdt_strerror(w.error));
        free(w.fdt);
        return NULL;
    }
    return w.fdt;
}
