// SPDX-License-Identifier: MIT
//
// The wiring of the `virt` board: what is created, where it is mapped, what is connected to what.
// The device tree that tells the guest of it is in virt_fdt.c, the places of kernel and initrd in
// boot.c.
//
// Places in the address space and interrupt numbers are those of QEMU's board, which firmware and
// scripts know by heart.
#include "hw/arm/virt.h"

#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>
#include "hw/arm/semihosting.h"
#include "hw/arm/virt_internal.h"
#include "hw/char/pl011.h"
#include "hw/rtc/pl031.h"
#include "target/arm/cpu.h"
#include "util/bitops.h"

const VirtMapEntry virt_map[VIRT_PLACES] = {
    /* 0x00000000: two banks of flash, 64 MiB each: not there yet */
    [VIRT_GIC_DIST] = { 0x08000000, 0x10000, -1 },
    [VIRT_GIC_CPU] = { 0x08010000, 0x10000, -1 },
    [VIRT_GIC_REDIST] = { 0x080a0000, 0xf60000, -1 },
    [VIRT_UART0] = { 0x09000000, 0x1000, 1 },
    [VIRT_RTC] = { 0x09010000, 0x1000, 2 },
    [VIRT_FW_CFG] = { 0x09020000, 0x18, -1 },
    [VIRT_GPIO] = { 0x09030000, 0x1000, 7 },
    [VIRT_UART1] = { 0x09040000, 0x1000, 8 },
    [VIRT_VIRTIO] = { 0x0a000000, 0x200, 16 },
    /* 0x40000000: RAM */
};

#define POWER_KEY_NS (NS_PER_SECOND / 10) /* how long the button is held */

static VirtBoard *virt(Machine *m)
{
    return m->board_state;
}

/* ---- CPUs, interrupts, memory ----------------------------------------------------------- */

static bool create_ram(Machine *m, Error **err)
{
    VirtBoard *b = virt(m);
    if (!memory_region_init_ram_from(&b->ram, &m->memory, "ram", m->config.ram_bytes,
                                     &m->config.ram_source, err))
        return false;
    memory_region_add(&m->system, VIRT_RAM_BASE, &b->ram, 0);
    return true;
}

static bool create_cpus(Machine *m, Error **err)
{
    VirtBoard *b = virt(m);
    psci_init(&b->psci, m);
    for (uint32_t i = 0; i < m->config.cpus; i++) {
        ArmCpu *cpu = arm_cpu_create(m->config.cpu_model, i, &m->memory, m->clock, &m->run, m->log,
                                     err);
        if (!cpu)
            return false;
        cpu->hvc = psci_call;
        cpu->conduit_opaque = &b->psci;
        m->cpus[m->cpu_count++] = &cpu->vcpu;
    }
    for (uint32_t i = 0; i < m->cpu_count; i++) {
        m->cpus[i]->peers = m->cpus;
        m->cpus[i]->peer_count = m->cpu_count;
    }
    return true;
}

static uint32_t current_cpu(void *machine)
{
    return machine_current_cpu(machine);
}

/* Both versions number private interrupts alike: 32 a CPU, of which 16 are SGIs. */
static void connect_ppis(ArmCpu *cpu, void (*set_ppi)(void *, unsigned, bool), Device *gic)
{
    unsigned ppis = cpu->vcpu.index * GICV2_PRIVATE + GICV2_SGIS;
    irq_connect(&cpu->timers[ARM_TIMER_PHYS].out, set_ppi, gic, ppis + VIRT_PPI_TIMER_PHYS);
    irq_connect(&cpu->timers[ARM_TIMER_VIRT].out, set_ppi, gic, ppis + VIRT_PPI_TIMER_VIRT);
    irq_connect(&cpu->pmu.out, set_ppi, gic, ppis + VIRT_PPI_PMU);
}

static bool create_gicv2(Machine *m, Error **err)
{
    Device *dev = device_create(m, &gicv2_type, NULL, err);
    if (!dev)
        return false;
    Gicv2 *gic = (Gicv2 *)dev;
    gic->num_cpus = m->cpu_count;
    gic->num_lines = VIRT_LINES;
    gic->current_cpu = current_cpu;
    gic->current_cpu_opaque = m;
    if (!device_realize(dev, err))
        return false;
    memory_region_add(&m->system, virt_map[VIRT_GIC_DIST].base, &gic->dist, 0);
    memory_region_add(&m->system, virt_map[VIRT_GIC_CPU].base, &gic->cpu, 0);
    for (uint32_t i = 0; i < m->cpu_count; i++) {
        ArmCpu *cpu = arm_cpu(m->cpus[i]);
        irq_connect(&gic->irq[i], arm_cpu_set_irq, cpu, ARM_IRQ);
        irq_connect(&gic->fiq[i], arm_cpu_set_irq, cpu, ARM_FIQ);
        connect_ppis(cpu, gicv2_set_ppi, dev);
    }
    virt(m)->gic_dev = dev;
    virt(m)->set_spi = gicv2_set_spi;
    return true;
}

static const ArmGicOps gicv3_cpu_ops = { gicv3_cpu_read, gicv3_cpu_write, gicv3_cpu_reset };

static void connect_gicv3_cpu(Machine *m, Gicv3Redist *r, ArmCpu *cpu)
{
    r->affinity = (uint32_t)(cpu->mpidr & 0xffffff);
    memory_region_add(&m->system, virt_map[VIRT_GIC_REDIST].base +
                      (Hwaddr)r->index * GICV3_REDIST_BYTES, &r->mmio, 0);
    irq_connect(&r->irq, arm_cpu_set_irq, cpu, ARM_IRQ);
    irq_connect(&r->fiq, arm_cpu_set_irq, cpu, ARM_FIQ);
    cpu->gic = &gicv3_cpu_ops;
    cpu->gic_opaque = r;
    connect_ppis(cpu, gicv3_set_ppi, &r->gic->dev);
}

static bool create_gicv3(Machine *m, Error **err)
{
    Device *dev = device_create(m, &gicv3_type, NULL, err);
    if (!dev)
        return false;
    Gicv3 *gic = (Gicv3 *)dev;
    gic->num_cpus = m->cpu_count;
    gic->num_lines = VIRT_LINES;
    if (!device_realize(dev, err))
        return false;
    memory_region_add(&m->system, virt_map[VIRT_GIC_DIST].base, &gic->mmio, 0);
    for (uint32_t i = 0; i < m->cpu_count; i++)
        connect_gicv3_cpu(m, gic->redist[i], arm_cpu(m->cpus[i]));
    virt(m)->gic_dev = dev;
    virt(m)->set_spi = gicv3_set_spi;
    return true;
}

/* What -M virt,gic-version= may say. */
static const struct {
    const char *name;
    VirtGic gic;
} gic_versions[] = {
    { "2", VIRT_GICV2 }, { "3", VIRT_GICV3 }, { "max", VIRT_GICV3 }, { "host", VIRT_GICV2 },
};

static const struct {
    uint32_t max_cpus;
    bool (*create)(Machine *m, Error **err);
} gics[] = {
    [VIRT_GICV2] = { GICV2_MAX_CPUS, create_gicv2 },
    [VIRT_GICV3] = { GICV3_MAX_CPUS, create_gicv3 },
};

static bool choose_gic(Machine *m, Error **err)
{
    VirtBoard *b = virt(m);
    unsigned i = 0;
    while (i < ARRAY_SIZE(gic_versions) && strcmp(b->gic_version, gic_versions[i].name) != 0)
        i++;
    if (i == ARRAY_SIZE(gic_versions))
        return error_set(err, "machine 'virt' has no GIC of version '%s'; use gic-version=2, "
                         "gic-version=3 or gic-version=max", b->gic_version);
    b->gic = gic_versions[i].gic;
    uint32_t max = gics[b->gic].max_cpus;
    if (m->config.cpus > max)
        return error_set(err, "machine 'virt' with its GIC of version 2 holds at most %u CPUs, not "
                         "%u; use -smp %u or -M virt,gic-version=3", max, m->config.cpus, max);
    return true;
}

/* ---- devices ---------------------------------------------------------------------------- */

/* Realize a device with one window and one interrupt, map it and connect it. */
static bool place(Machine *m, Device *dev, Hwaddr base, int spi, Error **err)
{
    if (!dev || !device_realize(dev, err))
        return false;
    SysbusDevice *s = (SysbusDevice *)dev;
    memory_region_add(&m->system, base, &s->mmio, 0);
    irq_connect(&s->irq, virt(m)->set_spi, virt(m)->gic_dev, (unsigned)spi);
    return true;
}

static bool create_uart(Machine *m, const VirtMapEntry *at, struct Chardev *chr, Error **err)
{
    Device *dev = device_create(m, &pl011_type, NULL, err);
    if (dev && chr)
        device_set_ptr(dev, "chardev", chr);
    return place(m, dev, at->base, at->spi, err);
}

/* The first is always there, the second when it leads somewhere. */
static bool create_uarts(Machine *m, Error **err)
{
    struct Chardev *const *chr = m->config.serials;
    for (unsigned i = 2; i < ARRAY_SIZE(m->config.serials); i++)
        if (chr[i])
            return error_set(err, "machine 'virt' has two serial ports; use -serial at most twice");
    virt(m)->has_uart1 = chr[1];
    return create_uart(m, &virt_map[VIRT_UART0], chr[0], err) &&
           (!chr[1] || create_uart(m, &virt_map[VIRT_UART1], chr[1], err));
}

static bool create_rtc(Machine *m, Error **err)
{
    const VirtMapEntry *at = &virt_map[VIRT_RTC];
    return place(m, device_create(m, &pl031_type, NULL, err), at->base, at->spi, err);
}

static void release_power_key(void *opaque)
{
    VirtBoard *b = opaque;
    pl061_set_pin(b->gpio, VIRT_POWER_KEY_PIN, false);
}

static bool create_gpio(Machine *m, Error **err)
{
    const VirtMapEntry *at = &virt_map[VIRT_GPIO];
    Device *dev = device_create(m, &pl061_type, NULL, err);
    virt(m)->gpio = (Pl061 *)dev;
    timer_init(&virt(m)->power_key, m->clock, release_power_key, virt(m));
    return place(m, dev, at->base, at->spi, err);
}

static bool create_fw_cfg(Machine *m, Error **err)
{
    Device *dev = device_create(m, &fw_cfg_type, NULL, err);
    if (!dev || !device_realize(dev, err))
        return false;
    FwCfg *f = virt(m)->fw_cfg = (FwCfg *)dev;
    memory_region_add(&m->system, virt_map[VIRT_FW_CFG].base, &f->mmio, 0);
    return true;
}

/* From the highest address down, so that the first -device gets the highest (see virt_fdt.c). The
 * transport is looked up by name: it begins with a SysbusDevice and has a slot "virtio-bus". */
static bool create_virtio(Machine *m, Error **err)
{
    const VirtMapEntry *at = &virt_map[VIRT_VIRTIO];
    const DeviceType *type = device_type_find("virtio-mmio");
    if (!type)
        return true;
    for (unsigned i = VIRT_VIRTIO_COUNT; i-- > 0;) {
        Device *dev = device_create(m, type, NULL, err);
        char bus[32];
        snprintf(bus, sizeof(bus), "virtio-mmio-bus.%u", i);
        if (!dev || !device_set_bus_name(dev, bus, err) ||
            !place(m, dev, at->base + i * at->size, at->spi + (int)i, err))
            return false;
    }
    virt(m)->virtio_count = VIRT_VIRTIO_COUNT;
    return true;
}

/* ---- start ------------------------------------------------------------------------------ */

/* What firmware and the guest's kernel may ask for. */
static bool fill_fw_cfg(Machine *m, Error **err)
{
    const VirtBoard *b = virt(m);
    const MachineConfig *c = &m->config;
    FwCfg *f = b->fw_cfg;
    fw_cfg_add_u64(f, FW_CFG_RAM_SIZE, c->ram_bytes);
    fw_cfg_add_u16(f, FW_CFG_NB_CPUS, (uint16_t)m->cpu_count);
    fw_cfg_add_u16(f, FW_CFG_MAX_CPUS, (uint16_t)m->cpu_count);
    fw_cfg_add_u16(f, FW_CFG_NOGRAPHIC, 1);
    fw_cfg_add_u16(f, FW_CFG_BOOT_MENU, 0);
    if (c->kernel) {
        fw_cfg_add_u32(f, FW_CFG_KERNEL_SIZE, (uint32_t)b->boot.kernel.size);
        fw_cfg_add_bytes(f, FW_CFG_KERNEL_DATA, b->boot.kernel.bytes, b->boot.kernel.size);
        fw_cfg_add_u32(f, FW_CFG_INITRD_SIZE, (uint32_t)b->boot.initrd.size);
        fw_cfg_add_bytes(f, FW_CFG_INITRD_DATA, b->boot.initrd.bytes, b->boot.initrd.size);
        const char *append = c->append ? c->append : "";
        fw_cfg_add_u32(f, FW_CFG_CMDLINE_SIZE, (uint32_t)strlen(append) + 1);
        fw_cfg_add_string(f, FW_CFG_CMDLINE_DATA, append);
    }
    return fw_cfg_add_file(f, "bootorder", "", 1, err);
}

static bool write_dtb(const void *fdt, const char *path, Error **err)
{
    FILE *out = fopen(path, "wb");
    if (!out)
        return error_set_errno(err, errno, "cannot write the device tree to '%s'", path);
    bool ok = fwrite(fdt, fdt_totalsize(fdt), 1, out) == 1;
    if (fclose(out) != 0 || !ok)
        return error_set_errno(err, errno, "cannot write the device tree to '%s'", path);
    return true;
}

static bool load(Machine *m, Error **err)
{
    VirtBoard *b = virt(m);
    void *fdt = virt_fdt_create(m, b, err);
    return fdt && arm_boot_load(&b->boot, m, VIRT_RAM_BASE, fdt, b->randomness, err) &&
           fill_fw_cfg(m, err) &&
           (!m->config.dumpdtb || write_dtb(b->boot.fdt, m->config.dumpdtb, err));
}

static bool check_properties(Machine *m, Error **err)
{
    const VirtBoard *b = virt(m);
    if (b->secure || b->virtualization)
        return error_set(err, "CPUs have EL0 and EL1 only; leave out %s=on",
                         b->secure ? "secure" : "virtualization");
    if (b->mte)
        return error_set(err, "there is no memory tagging; leave out mte=on");
    if (b->acpi)
        return error_set(err, "there are no ACPI tables yet; leave out acpi=on, guests use the "
                         "device tree");
    if (!b->highmem && m->config.ram_bytes > (UINT64_C(3) << 30))
        return error_set(err, "with highmem=off there is room for 3 GiB of memory; use -m 3G");
    if (m->config.firmware)
        return error_set(err, "machine 'virt' runs no firmware yet; leave out -bios and boot a "
                         "kernel with -kernel");
    return true;
}

static bool create_semihosting(Machine *m, Error **err)
{
    VirtBoard *b = virt(m);
    if (!m->config.semihosting || m->config.dumpdtb)
        return true;
    b->semihosting = semihosting_create(m, err);
    if (!b->semihosting)
        return false;
    for (uint32_t i = 0; i < m->cpu_count; i++) {
        ArmCpu *cpu = arm_cpu(m->cpus[i]);
        cpu->semihost = semihosting_call;
        cpu->semihost_opaque = b->semihosting;
        cpu->semihost_el0 = m->config.semihosting->userspace;
    }
    return true;
}

static bool virt_create(Machine *m, Error **err)
{
    VirtBoard *b = virt(m);
    if (b->dumpdtb)
        m->config.dumpdtb = b->dumpdtb;
    return check_properties(m, err) && choose_gic(m, err) && create_ram(m, err) &&
           create_cpus(m, err) && gics[b->gic].create(m, err) && create_uarts(m, err) &&
           create_rtc(m, err) && create_fw_cfg(m, err) && create_gpio(m, err) &&
           create_virtio(m, err) && load(m, err) && create_semihosting(m, err);
}

/* Behind what is loaded is the guest's heap. */
static void reset_semihosting(Machine *m)
{
    VirtBoard *b = virt(m);
    Hwaddr low = VIRT_RAM_BASE;
    for (unsigned i = 0; i < m->blobs.count; i++)
        low = MAX(low, m->blobs.blobs[i].addr + m->blobs.blobs[i].mem_bytes);
    semihosting_reset(b->semihosting);
    semihosting_set_heap(b->semihosting, align_up(low, GUEST_PAGE_SIZE),
                         VIRT_RAM_BASE + m->config.ram_bytes);
}

static void virt_reset(Machine *m)
{
    VirtBoard *b = virt(m);
    if (b->semihosting)
        reset_semihosting(m);
    timer_cancel(&b->power_key);
    pl061_set_pin(b->gpio, VIRT_POWER_KEY_PIN, false);
    for (uint32_t i = 0; i < m->cpu_count; i++)
        m->cpus[i]->ops->reset(m->cpus[i]);
    psci_reset(&b->psci);
    arm_boot_reset(&b->boot, &m->memory);
    ArmCpu *first = arm_cpu(m->cpus[0]);
    first->regs.x[0] = b->boot.fdt_addr;
    first->vcpu.ops->set_pc(&first->vcpu, b->boot.entry);
}

static void virt_destroy(Machine *m)
{
    VirtBoard *b = virt(m);
    if (b->power_key.clock)
        timer_cancel(&b->power_key);
    semihosting_destroy(b->semihosting);
    arm_boot_free(&b->boot);
    memory_region_destroy(&b->ram);
}

/* ---- power button, -device -------------------------------------------------------------- */

static void virt_powerdown(Machine *m)
{
    VirtBoard *b = virt(m);
    timer_cancel(&b->power_key);
    pl061_set_pin(b->gpio, VIRT_POWER_KEY_PIN, true);
    timer_arm(&b->power_key, vclock_now_ns(m->clock) + POWER_KEY_NS);
}

static bool virt_plug(Machine *m, Device *dev, Error **err)
{
    Device *slot = device_find_slot(m, dev->type->bus);
    if (slot)
        return device_attach(slot, dev, err);
    if (strcmp(dev->type->bus, "virtio-bus") == 0)
        return error_set(err, "machine 'virt' holds at most %d virtio devices; leave out '%s'",
                         VIRT_VIRTIO_COUNT, dev->type->name);
    return error_set(err, "device '%s' needs a bus '%s'; put the device that offers one before it "
                     "(for 'virtio-serial-bus' that is -device virtio-serial-device)",
                     dev->type->name, dev->type->bus);
}

static const Property virt_properties[] = {
    { "gic-version", PROP_STRING, offsetof(VirtBoard, gic_version), "2",
      "interrupt controller: 2 (up to 8 CPUs), 3 or max (up to 64)" },
    { "dumpdtb", PROP_STRING, offsetof(VirtBoard, dumpdtb), NULL,
      "write the device tree to this file and end" },
    { "dtb-randomness", PROP_BOOL, offsetof(VirtBoard, randomness), "on",
      "seeds for the kernel in the device tree" },
    { "dtb-kaslr-seed", PROP_BOOL, offsetof(VirtBoard, randomness), NULL,
      "the same by its old name" },
    { "highmem", PROP_BOOL, offsetof(VirtBoard, highmem), "on",
      "use addresses above 4 GiB" },
    { "secure", PROP_BOOL, offsetof(VirtBoard, secure), "off", "EL3: not there yet" },
    { "virtualization", PROP_BOOL, offsetof(VirtBoard, virtualization), "off",
      "EL2: not there yet" },
    { "mte", PROP_BOOL, offsetof(VirtBoard, mte), "off", "memory tagging: not there yet" },
    { "acpi", PROP_BOOL, offsetof(VirtBoard, acpi), "off", "ACPI tables: not there yet" },
    { 0 },
};

static bool virt_load_symbols(const Machine *m, struct Symbols *symbols)
{
    return arm_boot_load_symbols(&((const VirtBoard *)m->board_state)->boot, symbols);
}

static Hwaddr virt_kernel_address(const Machine *m)
{
    return ((const VirtBoard *)m->board_state)->boot.kernel_low;
}

const BoardType virt_board_type = {
    .name = "virt",
    .help = "ARM Virtual Machine, compatible with QEMU's",
    .arch = "aarch64",
    .default_cpu = "max",
    .max_cpus = VIRT_MAX_CPUS,
    .default_ram = UINT64_C(1) << 30,
    .max_ram = VIRT_RAM_MAX,
    .properties = virt_properties,
    .size = sizeof(VirtBoard),
    .create = virt_create,
    .reset = virt_reset,
    .powerdown = virt_powerdown,
    .load_symbols = virt_load_symbols,
    .kernel_address = virt_kernel_address,
    .plug = virt_plug,
    .destroy = virt_destroy,
};
