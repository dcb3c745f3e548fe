// SPDX-License-Identifier: MIT
//
// Guest memory of the interpreter: the inline TLB of TcgLayout (backend.h), and behind it the
// engine's slow access. Atomic operations on RAM are compare-and-swap loops on the host address.
#include <string.h>
#include "tcg/eval.h"
#include "tcg/interp/interp.h"

/* Host address of the access, or NULL when the TLB entry does not permit it. */
static inline void *tlb_lookup(const Interp *s, Vaddr addr, unsigned memop, uint64_t align_mask,
                               uint32_t tag_offset)
{
    const TcgLayout *l = &s->config->layout;
    if (!l->entry_bits) {
        return NULL;
    }
    uint8_t *bank;
    memcpy(&bank, s->env + (memop & IR_MEM_UNPRIV ? l->env_bank_unpriv : l->env_bank),
           sizeof bank);
    uint64_t index = (addr >> l->page_bits) & ((UINT64_C(1) << l->tlb_bits) - 1);
    uint8_t *entry = bank + l->tlb_offset + (index << l->entry_bits);
    uint64_t tag, addend, page_mask = UINT64_MAX << l->page_bits;
    Vaddr last = addr + (UINT64_C(1) << ir_mem_size_log2(memop)) - 1;
    memcpy(&tag, entry + tag_offset, sizeof tag);
    if (((last & page_mask) | (addr & align_mask)) != tag) {
        return NULL;
    }
    memcpy(&addend, entry + l->addend, sizeof addend);
    return (void *)(uintptr_t)(addr + addend);
}

static uint64_t align_mask(unsigned memop)
{
    return (UINT64_C(1) << ir_mem_align_log2(memop)) - 1;
}

static uint64_t size_mask(unsigned memop)
{
    return (UINT64_C(1) << ir_mem_size_log2(memop)) - 1;
}

static Vaddr address(const Interp *s, const InterpInsn *i)
{
    return interp_operand(s, i->arg[0])->d[0];
}

/* The low 1 << size bytes of `v` at `host` as T. */
static void extend(V128 *d, const V128 *v, IrType type, unsigned memop)
{
    unsigned size = ir_mem_size_log2(memop);
    if (size == 4) {
        *d = *v;
        return;
    }
    unsigned up = 64 - (8u << size);
    uint64_t r = v->d[0] << up;
    r = memop & IR_MEM_SIGN ? (uint64_t)((int64_t)r >> up) : r >> up;
    d->d[0] = type == IR_I32 ? (uint32_t)r : r;
    d->d[1] = 0;
}

void interp_load(Interp *s, const InterpInsn *i)
{
    Vaddr addr = address(s, i) + i->imm;
    V128 v = { .d = { 0, 0 } };
    const void *host = tlb_lookup(s, addr, i->sub, align_mask(i->sub), s->config->layout.tag_read);
    if (host) {
        switch (ir_mem_size_log2(i->sub)) { /* constant sizes: single accesses of the host */
        case 0: memcpy(&v, host, 1); break;
        case 1: memcpy(&v, host, 2); break;
        case 2: memcpy(&v, host, 4); break;
        case 3: memcpy(&v, host, 8); break;
        default: memcpy(&v, host, 16); break;
        }
    } else {
        TcgSlowAccess a = { .kind = TCG_LOAD, .memop = i->sub, .addr = addr };
        s->config->ops.slow_access(s->env, &a);
        v = a.data;
    }
    if (i->sub & IR_MEM_ACQUIRE) {
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    }
    extend(interp_slot(s, i->dst), &v, i->type, i->sub);
}

void interp_store(Interp *s, const InterpInsn *i)
{
    Vaddr addr = address(s, i) + i->imm;
    const V128 *v = interp_operand(s, i->arg[1]);
    if (i->sub & IR_MEM_RELEASE) {
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
    void *host = tlb_lookup(s, addr, i->sub, align_mask(i->sub), s->config->layout.tag_write);
    if (host) {
        switch (ir_mem_size_log2(i->sub)) {
        case 0: memcpy(host, v, 1); break;
        case 1: memcpy(host, v, 2); break;
        case 2: memcpy(host, v, 4); break;
        case 3: memcpy(host, v, 8); break;
        default: memcpy(host, v, 16); break;
        }
    } else {
        TcgSlowAccess a = { .kind = TCG_STORE, .memop = i->sub, .addr = addr, .data = *v };
        s->config->ops.slow_access(s->env, &a);
    }
    if (i->sub & IR_MEM_RELEASE) {
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
}

/* ---- atomics ---- */

/* If the bytes at `p` equal *old, replace them by `v`; else update *old. */
static bool cas_sized(void *p, unsigned size, uint64_t *old, uint64_t v)
{
    bool done;
    uint8_t o8 = *old;
    uint16_t o16 = *old;
    uint32_t o32 = *old;
    switch (size) {
    case 0:
        done = __atomic_compare_exchange_n((uint8_t *)p, &o8, v, false, 5, 5);
        *old = o8;
        break;
    case 1:
        done = __atomic_compare_exchange_n((uint16_t *)p, &o16, v, false, 5, 5);
        *old = o16;
        break;
    case 2:
        done = __atomic_compare_exchange_n((uint32_t *)p, &o32, v, false, 5, 5);
        *old = o32;
        break;
    default:
        done = __atomic_compare_exchange_n((uint64_t *)p, old, v, false, 5, 5);
        break;
    }
    return done;
}

void interp_rmw(Interp *s, const InterpInsn *i)
{
    Vaddr addr = address(s, i);
    unsigned size = ir_mem_size_log2(i->sub);
    V128 *d = interp_slot(s, i->dst);
    uint64_t v = interp_operand(s, i->arg[1])->d[0];
    void *host = tlb_lookup(s, addr, i->sub, size_mask(i->sub), s->config->layout.tag_write);
    if (host) {
        uint64_t old = 0;
        while (!cas_sized(host, size, &old, ir_eval_rmw(i->imm, 8u << size, old, v))) {
        }
        *d = (V128){ .d = { old, 0 } };
        return;
    }
    TcgSlowAccess a = { .kind = TCG_RMW, .memop = i->sub, .rmw = i->imm, .addr = addr,
                        .data.d = { v, 0 } };
    s->config->ops.slow_access(s->env, &a);
    extend(d, &a.data, i->type, i->sub & ~IR_MEM_SIGN);
}

void interp_cas(Interp *s, const InterpInsn *i)
{
    Vaddr addr = address(s, i);
    unsigned size = ir_mem_size_log2(i->sub);
    V128 *d = interp_slot(s, i->dst);
    const V128 *expected = interp_operand(s, i->arg[1]), *v = interp_operand(s, i->arg[2]);
    void *host = size == 4 ? NULL : tlb_lookup(s, addr, i->sub, size_mask(i->sub),
                                               s->config->layout.tag_write);
    if (host) {
        uint64_t old = expected->d[0];
        cas_sized(host, size, &old, v->d[0]);
        old &= size == 3 ? UINT64_MAX : (UINT64_C(1) << (8u << size)) - 1;
        *d = (V128){ .d = { old, 0 } };
        return;
    }
    TcgSlowAccess a = { .kind = TCG_CAS, .memop = i->sub, .addr = addr, .data = *expected,
                        .data2 = *v };
    s->config->ops.slow_access(s->env, &a);
    extend(d, &a.data, i->type, i->sub & ~IR_MEM_SIGN);
}
