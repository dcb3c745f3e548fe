// SPDX-License-Identifier: MIT
//
// `info jit`: what the translator did and why translated code came back.
#include "accel/tcg/engine.h"

#include "util/bitops.h"

static const char *const reason_names[IR_REASON_COUNT] = {
    [IR_REASON_CHAIN] = "chain (successor not linked yet)",
    [IR_REASON_LOOKUP] = "lookup (code not found in the caches)",
    [IR_REASON_REQUEST] = "request (interrupt, kick, pause)",
    [IR_REASON_RESYNC] = "resync (state that selects translations changed)",
    [IR_REASON_WFI] = "wait for interrupt",
    [IR_REASON_EXCEPTION] = "exception",
    [IR_REASON_YIELD] = "yield",
    [IR_REASON_WFE] = "wait for event",
};

static uint64_t percent(uint64_t part, uint64_t whole)
{
    return whole ? part * 100 / whole : 0;
}

static void print_row(FILE *out, const char *name, uint64_t value)
{
    fprintf(out, "  %-50s %14llu\n", name, (unsigned long long)value);
}

static void print_cpu(const AccelCpu *ac, FILE *out)
{
    const TlbStats *t = tlb_stats(ac->cpu->tlb);
    fprintf(out, "CPU %u, exits from translated code by reason:\n", ac->cpu->index);
    for (unsigned i = 0; i < IR_REASON_COUNT; i++)
        print_row(out, reason_names[i], ac->exits[i]);
    fprintf(out, "CPU %u, caches:\n", ac->cpu->index);
    print_row(out, "exits linked", ac->links);
    print_row(out, "look-ups beyond the jump cache", ac->lookups);
    print_row(out, "  of these found (percent)", percent(ac->lookup_hits, ac->lookups));
    print_row(out, "slow memory accesses", ac->slow_accesses);
    print_row(out, "  of these to devices", ac->mmio_accesses);
    print_row(out, "TLB bank misses", t->misses);
    print_row(out, "  of these found in the second level", t->l2_hits);
    print_row(out, "table walks", t->walks);
    print_row(out, "TLB flushes: all", t->flushes_all);
    print_row(out, "TLB flushes: by ASID", t->flushes_asid);
    print_row(out, "TLB flushes: by page", t->flushes_page);
    print_row(out, "TLB banks recycled", t->bank_recycles);
}

void engine_print_stats(Accel *accel, FILE *out)
{
    TcgEngine *e = container_of(accel, TcgEngine, accel);
    if (!e->ctx)
        return;
    pthread_mutex_lock(&e->lock);
    const EngineStats s = e->stats;
    const uint32_t waiting = e->background.waiting + (e->background.current != NULL);
    fprintf(out, "Translator (%s):\n", e->config.interpreter ? "interpreter" : "x86-64 code");
    print_row(out, "units translated", s.units);
    print_row(out, "guest instructions", s.guest_insns);
    print_row(out, "guest bytes", s.guest_bytes);
    print_row(out, "host bytes", s.host_bytes);
    print_row(out, "time translating, microseconds", s.translate_ns / 1000);
    print_row(out, "regions translated (second tier)", s.regions);
    print_row(out, "  blocks", s.region_blocks);
    print_row(out, "  guest instructions", s.region_insns);
    print_row(out, "  host bytes", s.region_host_bytes);
    print_row(out, "  time, microseconds", s.region_ns / 1000);
    print_row(out, "  time under the translation lock, microseconds", s.region_locked_ns / 1000);
    print_row(out, "  given up", s.region_failures);
    print_row(out, "  asked of the thread that makes them", s.asked);
    print_row(out, "  mean time until they were there, microseconds",
              s.waited_ns / 1000 / MAX(s.arrived, 1));
    print_row(out, "  thrown away: overwritten meanwhile", s.overwritten);
    print_row(out, "  thrown away: flushed, or the machine was stopped", s.cancelled);
    print_row(out, "  not taken on (queue or buffer full)", s.refused);
    print_row(out, "  waiting now", waiting);
    print_row(out, "units invalidated", s.invalidations);
    print_row(out, "units evicted from the code buffer", s.evicted_units);
    print_row(out, "  pieces of it", s.evicted_pieces);
    print_row(out, "  longest step, microseconds", s.longest_evict_ns / 1000);
    print_row(out, "  halts of all vCPUs", s.halts);
    print_row(out, "code buffer used, bytes", tcg_buffer_used(e->ctx));
    print_row(out, "code buffer size, bytes", tcg_buffer_size(e->ctx));
    pthread_mutex_unlock(&e->lock);
    for (uint32_t i = 0; i < e->cpu_count; i++)
        print_cpu(e->cpus[i], out);
    engine_print_profile(e, out);
}
