// SPDX-License-Identifier: MIT
#include "tests/unit/loops.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* subs x0, x0, #1; add x1, x1, x0; b.ne back */
static const uint32_t loop[LOOP_INSNS] = { 0xf1000400, 0x8b000021, 0x54ffffc1 };

static void write_image(char *path, unsigned count)
{
    uint8_t *image = calloc(count, LOOP_BYTES);
    int fd = mkstemp(path);
    cr_assert(image && fd >= 0);
    for (unsigned n = 0; n < count; n++)
        memcpy(image + n * LOOP_BYTES, loop, sizeof(loop));
    cr_assert_eq(write(fd, image, count * LOOP_BYTES), (ssize_t)(count * LOOP_BYTES));
    close(fd);
    free(image);
}

void loops_create(Loops *l, unsigned count, const AccelOption *options, unsigned option_count)
{
    char path[] = "/tmp/dragoman-loops-XXXXXX";
    Error *err = NULL;
    write_image(path, count);
    const MachineSetup setup = {
        .image = path, .chained = true, .options = options, .option_count = option_count,
    };
    if (!machine_create(&l->m, &setup, &err))
        cr_skip("%s", error_text(err));
    unlink(path);
    l->e = l->m.engine;
    l->ac = l->m.cpu->vcpu.accel;
}

void loops_destroy(Loops *l)
{
    l->m.accel->destroy(l->m.accel);
}

FetchPlace loops_place(Loops *l, unsigned n)
{
    FetchPlace place;
    vcpu_update_banks(&l->m.cpu->vcpu);
    cr_assert(engine_fetch_page(&l->m.cpu->vcpu, MACHINE_ENTRY + n * LOOP_BYTES, &place));
    return place;
}

Unit *loops_translate(Loops *l, unsigned n)
{
    FetchPlace place = loops_place(l, n);
    return unit_get(l->ac, place.ram, MACHINE_ENTRY + n * LOOP_BYTES, place.flags, place.host);
}
