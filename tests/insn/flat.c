// SPDX-License-Identifier: MIT
// The smallest machine that runs the random-instruction payload: one Arm CPU, RAM where the
// `virt` board has it, a data register of a PL011, and power-off by HVC. It needs the translator
// and the CPU but no board, devices or command line, so instructions can be tested before these.
//
//   insn_flat [-cpu MODEL] [-accel OPTION=VALUE] [-d ITEMS] [-D FILE] IMAGE OUTPUT
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accel/accel.h"
#include "accel/tcg/tcg_accel.h"
#include "softmmu/clock.h"
#include "softmmu/mainloop.h"
#include "target/arm/cpu.h"

enum { RAM_BASE = 0x40000000, RAM_BYTES = 0x10000000, UART_BASE = 0x09000000,
       LOAD_ADDRESS = RAM_BASE + 0x200000, MAX_OPTIONS = 8 };

typedef struct Flat {
    Log *log;
    MainLoop *loop;
    VirtClock *clock;
    RunState run;
    MemoryRegion root, ram, uart;
    MemorySpace memory;
    const char *model, *image;
    AccelOption options[MAX_OPTIONS];
    unsigned option_count;
    FILE *out;
} Flat;

static _Noreturn void fail(const Error *err)
{
    fprintf(stderr, "insn_flat: %s\n", error_text(err));
    exit(1);
}

static uint64_t uart_read(void *opaque, Hwaddr offset, unsigned size)
{
    return 0; /* FR: there is always room */
}

static void uart_write(void *opaque, Hwaddr offset, uint64_t value, unsigned size)
{
    Flat *f = opaque;
    if (offset == 0)
        fputc((int)value, f->out);
}

static const MemoryOps uart_ops = {
    .read = uart_read, .write = uart_write, .min_size = 1, .max_size = 4,
};

// The only call of the payload is SYSTEM_OFF.
static bool power_off(ArmCpu *cpu, void *opaque)
{
    Flat *f = opaque;
    fclose(f->out);
    _exit(0);
}

static void load_image(Flat *f)
{
    FILE *in = fopen(f->image, "rb");
    if (!in) {
        perror(f->image);
        exit(1);
    }
    uint8_t *at = memory_host(&f->memory, LOAD_ADDRESS, 1, true);
    if (fread(at, 1, RAM_BYTES / 2, in) == 0) {
        fprintf(stderr, "%s: empty\n", f->image);
        exit(1);
    }
    fclose(in);
}

static void create_memory(Flat *f)
{
    Error *err = NULL;

    memory_region_init_container(&f->root, "system", UINT64_C(1) << 40);
    memory_space_init(&f->memory, &f->root, f->log);
    if (!memory_region_init_ram(&f->ram, &f->memory, "ram", RAM_BYTES, false, &err))
        fail(err);
    memory_region_init_mmio(&f->uart, "uart", 0x1000, &uart_ops, f, NULL);
    memory_region_add(&f->root, RAM_BASE, &f->ram, 0);
    memory_region_add(&f->root, UART_BASE, &f->uart, 0);
    if (!memory_space_commit(&f->memory, &err))
        fail(err);
}

static void run_machine(Flat *f)
{
    Error *err = NULL;

    if (!(f->loop = mainloop_create(&err)) || !(f->clock = vclock_create(f->loop, &err)))
        fail(err);
    f->run.loop = f->loop;
    create_memory(f);
    load_image(f);
    ArmCpu *cpu = arm_cpu_create(f->model, 0, &f->memory, f->clock, &f->run, f->log, &err);
    if (!cpu)
        fail(err);
    VCPU *vcpu = &cpu->vcpu;
    VCPU *const peers[] = { vcpu };
    vcpu->peers = peers;
    vcpu->peer_count = 1;
    cpu->hvc = power_off;
    cpu->conduit_opaque = f;
    vcpu->ops->reset(vcpu);
    vcpu->ops->set_pc(vcpu, LOAD_ADDRESS);
    vcpu->powered_off = false;

    Accel *accel = tcg_accel_type.create(&f->memory, f->log, f->options, f->option_count, &err);
    if (!accel || !accel->add_cpu(accel, vcpu, &err) || !accel->start(accel, &err))
        fail(err);
    vclock_start(f->clock);
    accel->resume(accel);
    mainloop_run(f->loop);
}

static void add_option(Flat *f, char *text)
{
    char *value = strchr(text, '=');
    if (!value || f->option_count == MAX_OPTIONS) {
        fprintf(stderr, "insn_flat: -accel takes OPTION=VALUE\n");
        exit(1);
    }
    *value = 0;
    f->options[f->option_count++] = (AccelOption){ text, value + 1 };
}

int main(int argc, char **argv)
{
    Flat f = { .log = log_create(), .model = "max" };
    Error *err = NULL;
    int i = 1;

    for (; i + 1 < argc && argv[i][0] == '-'; i += 2) {
        char *arg = argv[i + 1];
        if (!strcmp(argv[i], "-cpu"))
            f.model = arg;
        else if (!strcmp(argv[i], "-accel"))
            add_option(&f, arg);
        else if (!strcmp(argv[i], "-d") && !log_enable(f.log, arg, &err))
            fail(err);
        else if (!strcmp(argv[i], "-D") && !log_open(f.log, arg, &err))
            fail(err);
    }
    if (argc - i != 2) {
        fprintf(stderr, "usage: insn_flat [-cpu MODEL] [-accel OPTION=VALUE] [-d ITEMS] [-D FILE] "
                        "IMAGE OUTPUT\n");
        return 1;
    }
    f.image = argv[i];
    f.out = fopen(argv[i + 1], "w");
    if (!f.out) {
        perror(argv[i + 1]);
        return 1;
    }
    setvbuf(f.out, NULL, _IOLBF, 4096);
    run_machine(&f);
    return 0;
}
