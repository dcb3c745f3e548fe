// SPDX-License-Identifier: MIT
//
// Helper calls of the interpreter, by libffi. The call interface of each helper is prepared when
// the first unit that names it is compiled, and kept for the life of the context.
#include <stdlib.h>
#include "tcg/interp/interp.h"

/* Floats are passed as their bits (ir.h). */
static ffi_type *ffi_of(IrType type)
{
    switch (ir_type_size(type)) {
    case 0: return &ffi_type_void;
    case 4: return &ffi_type_uint32;
    default: return &ffi_type_uint64;
    }
}

static InterpCall **bucket(InterpContext *c, const IrHelper *h)
{
    return &c->calls[((uintptr_t)h >> 4) * 31 % INTERP_CALL_BUCKETS];
}

InterpCall *interp_call_prepare(InterpContext *c, const IrHelper *h)
{
    for (InterpCall *at = *bucket(c, h); at; at = at->next) {
        if (at->helper == h) {
            return at;
        }
    }
    InterpCall *call = calloc(1, sizeof *call);
    if (!call) {
        return NULL;
    }
    unsigned n = 0;
    if (h->flags & IR_HELPER_ENV) {
        call->types[n++] = &ffi_type_pointer;
    }
    for (unsigned k = 0; k < h->nargs; k++) {
        call->types[n++] = ffi_of(h->args[k]);
    }
    if (ffi_prep_cif(&call->cif, FFI_DEFAULT_ABI, n, ffi_of(h->ret), call->types) != FFI_OK) {
        free(call);
        return NULL;
    }
    call->helper = h;
    call->next = *bucket(c, h);
    return *bucket(c, h) = call;
}

void interp_calls_free(InterpContext *c)
{
    for (unsigned n = 0; n < INTERP_CALL_BUCKETS; n++) {
        while (c->calls[n]) {
            InterpCall *call = c->calls[n];
            c->calls[n] = call->next;
            free(call);
        }
    }
}

/* Operand `k` of a call: three stand in arg, two in more, the last in sub. */
static uint16_t operand(const InterpInsn *i, unsigned k)
{
    return k < 3 ? i->arg[k] : k < 5 ? i->more[k - 3] : i->sub;
}

void interp_call(Interp *s, const InterpInsn *i)
{
    InterpCall *call = i->call;
    const IrHelper *h = call->helper;
    void *values[IR_MAX_ARGS + 1];
    unsigned n = 0;
    if (h->flags & IR_HELPER_ENV) {
        values[n++] = &s->env;
    }
    for (unsigned k = 0; k < h->nargs; k++) {
        values[n++] = (void *)interp_operand(s, operand(i, k)); /* lane 0 is at its start */
    }
    ffi_arg result = 0;
    ffi_call(&call->cif, h->fn, &result, values);
    if (h->ret != IR_VOID) {
        V128 *d = interp_slot(s, i->dst);
        d->d[0] = h->ret == IR_I32 ? (uint32_t)result : result;
        d->d[1] = 0;
    }
}
