// SPDX-License-Identifier: MIT
// The translation engine's options, by what they set.
#include <criterion/criterion.h>

#include "accel/tcg/engine.h"
#include "accel/tcg/tcg_accel.h"
#include "util/bitops.h"

typedef struct Rig {
    MemoryRegion root;
    MemorySpace memory;
    Accel *accel;
    Error *err;
} Rig;

static TcgEngine *create(Rig *r, const AccelOption *options, unsigned count)
{
    *r = (Rig){ 0 };
    memory_region_init_container(&r->root, "system", UINT64_C(1) << 40);
    memory_space_init(&r->memory, &r->root, NULL);
    r->accel = tcg_accel_type.create(&r->memory, NULL, options, count, &r->err);
    return r->accel ? container_of(r->accel, TcgEngine, accel) : NULL;
}

static bool is_option(const char *name)
{
    for (const char *const *o = tcg_accel_type.options; *o; o++)
        if (!strcmp(*o, name))
            return true;
    return false;
}

Test(accel, nothing_is_left_out_unless_asked)
{
    Rig r;
    TcgEngine *e = create(&r, NULL, 0);
    cr_assert(e);
    cr_expect_eq(e->config.without, 0);
    cr_expect_eq(e->passes, (unsigned)TCG_PASS_ALL);
    cr_expect_eq(e->tier2, TIER2_AUTO);
    r.accel->destroy(r.accel);
}

Test(accel, each_switch_leaves_out_one_thing)
{
    for (unsigned n = 0; n < TCG_SWITCH_COUNT; n++) {
        Rig r;
        const AccelOption on = { tcg_switches[n].option, "on" };
        const AccelOption off = { tcg_switches[n].option, "off" };
        cr_expect(is_option(on.name), "%s is not in the list of options", on.name);
        cr_expect_str_eq(tcg_accel_type.option_help(on.name), tcg_switches[n].help);
        TcgEngine *e = create(&r, &on, 1);
        cr_assert(e);
        cr_expect_eq(e->config.without, 1u << n, "%s", on.name);
        r.accel->destroy(r.accel);
        e = create(&r, &off, 1);
        cr_assert(e);
        cr_expect_eq(e->config.without, 0, "%s", off.name);
        r.accel->destroy(r.accel);
    }
}

Test(accel, switches_add_up_and_passes_follow)
{
    Rig r;
    const AccelOption options[] = {
        { "no-folding", "on" }, { "optimise", "on" }, { "no-dead", "on" },
    };
    TcgEngine *e = create(&r, options, 3);
    cr_assert(e);
    cr_expect_eq(e->config.without, TCG_NO_FOLDING | TCG_NO_DEAD);
    cr_expect_eq(e->passes, (unsigned)TCG_PASS_ALL & ~(unsigned)(TCG_PASS_FOLD | TCG_PASS_DEAD));
    r.accel->destroy(r.accel);
}

Test(accel, values_are_on_or_off)
{
    Rig r;
    cr_expect_not(create(&r, &(AccelOption){ "no-folding", "maybe" }, 1));
    cr_expect(strstr(error_text(r.err), "no-folding=maybe"));
    error_free(r.err);
}
