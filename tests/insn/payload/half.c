// SPDX-License-Identifier: MIT
// Half precision exhaustively: runs instructions on all operands (or all pairs of them) in every
// mode of FPCR, and reports a hash of results and FPSR, or in detail. The report is text:
// `h NAME FPCR HASH`, or `d NAME FPCR OPERANDS RESULT FPSR`, then `end`. half.py compares.
#include "payload.h"

#define FPCR_FZ16 (1ul << 19)
#define FPCR_RMODE_SHIFT 22
#define FPCR_DN (1ul << 25)
#define FPCR_AHP (1ul << 26)

// What is to be run: the blob.
struct Request {
    uint32_t kind;                      // enum Kind
    uint32_t detail;
    uint32_t only_op, only_fpcr;        // -1: all
    uint32_t first, last;               // KIND_PAIRS: of the first operand
};

enum Kind { KIND_ONE, KIND_TWO, KIND_THREE, KIND_PAIRS };

typedef struct { uint64_t lo, hi; } Pair;
typedef uint64_t OpFn(uint64_t a, uint64_t b, uint64_t c);
typedef Pair VectorFn(uint64_t a, uint64_t b_lo, uint64_t b_hi);

struct Op {
    const char *name;
    OpFn *fn;
    uint64_t modes;                     // bits of FPCR that matter besides RMode
};

// Operands in v0, v1, v2, result in v3 (x9 and nzcv are free).
#define SCALAR(id, insn)                                                                        \
    static uint64_t op_##id(uint64_t a, uint64_t b, uint64_t c)                                 \
    {                                                                                           \
        uint64_t r;                                                                             \
        __asm__ volatile(".arch armv8.5-a+fp16\n fmov d0, %1\n fmov d1, %2\n fmov d2, %3\n "    \
                         insn "\n fmov %0, d3"                                                  \
                         : "=r"(r) : "r"(a), "r"(b), "r"(c) : "x9", "cc", "memory");            \
        return r;                                                                               \
    }
// Lanes: a in all of v0, eight numbers in v1.
#define VECTOR(id, insn)                                                                        \
    static Pair vec_##id(uint64_t a, uint64_t b_lo, uint64_t b_hi)                              \
    {                                                                                           \
        Pair r;                                                                                 \
        __asm__ volatile(".arch armv8.5-a+fp16\n dup v0.8h, %w2\n fmov d1, %3\n"                \
                         "mov v1.d[1], %4\n " insn " v3.8h, v0.8h, v1.8h\n"                     \
                         "fmov %0, d3\n mov %1, v3.d[1]"                                        \
                         : "=r"(r.lo), "=r"(r.hi) : "r"(a), "r"(b_lo), "r"(b_hi) : "memory");   \
        return r;                                                                               \
    }

#define TO_INT(X, l) \
    X(fcvt##l##s_w, "fcvt" #l "s w9, h0\n fmov d3, x9", FPCR_FZ16) \
    X(fcvt##l##u_w, "fcvt" #l "u w9, h0\n fmov d3, x9", FPCR_FZ16) \
    X(fcvt##l##s_x, "fcvt" #l "s x9, h0\n fmov d3, x9", FPCR_FZ16) \
    X(fcvt##l##u_x, "fcvt" #l "u x9, h0\n fmov d3, x9", FPCR_FZ16) \
    X(fcvt##l##s_h, "fcvt" #l "s h3, h0", FPCR_FZ16) \
    X(fcvt##l##u_h, "fcvt" #l "u h3, h0", FPCR_FZ16)
// The vector form: the reference's scalar one is wrong (half.py).
#define TO_FIXED(X, n) \
    X(fcvtzs_h_##n, "fcvtzs v3.4h, v0.4h, #" #n, FPCR_FZ16) \
    X(fcvtzu_h_##n, "fcvtzu h3, h0, #" #n, FPCR_FZ16) \
    X(fcvtzs_w_##n, "fcvtzs w9, h0, #" #n "\n fmov d3, x9", FPCR_FZ16) \
    X(fcvtzu_x_##n, "fcvtzu x9, h0, #" #n "\n fmov d3, x9", FPCR_FZ16) \
    X(scvtf_h_##n, "scvtf h3, h0, #" #n, FPCR_FZ16) \
    X(ucvtf_h_##n, "ucvtf h3, h0, #" #n, FPCR_FZ16) \
    X(scvtf_w_##n, "fmov x9, d0\n sxth w9, w9\n scvtf h3, w9, #" #n, FPCR_FZ16) \
    X(ucvtf_x_##n, "fmov x9, d0\n ror x9, x9, #" #n "\n ucvtf h3, x9, #" #n, FPCR_FZ16)
#define NAN_MODES (FPCR_FZ16 | FPCR_DN)
#define ONE_OPS(X) \
    X(fabs, "fabs h3, h0", 0) X(fneg, "fneg h3, h0", 0) X(fsqrt, "fsqrt h3, h0", NAN_MODES) \
    X(frintn, "frintn h3, h0", NAN_MODES) X(frintp, "frintp h3, h0", NAN_MODES) \
    X(frintm, "frintm h3, h0", NAN_MODES) X(frintz, "frintz h3, h0", NAN_MODES) \
    X(frinta, "frinta h3, h0", NAN_MODES) X(frintx, "frintx h3, h0", NAN_MODES) \
    X(frinti, "frinti h3, h0", NAN_MODES) X(frecpe, "frecpe h3, h0", NAN_MODES) \
    X(frsqrte, "frsqrte h3, h0", NAN_MODES) X(frecpx, "frecpx h3, h0", NAN_MODES) \
    X(fcvt_s, "fcvt s3, h0", NAN_MODES | FPCR_AHP) X(fcvt_d, "fcvt d3, h0", NAN_MODES | FPCR_AHP) \
    X(fcvtl, "fcvtl v3.4s, v0.4h", NAN_MODES | FPCR_AHP) \
    TO_INT(X, n) TO_INT(X, p) TO_INT(X, m) TO_INT(X, z) TO_INT(X, a) \
    TO_FIXED(X, 1) TO_FIXED(X, 7) TO_FIXED(X, 15) TO_FIXED(X, 16) \
    X(scvtf, "scvtf h3, h0", FPCR_FZ16) X(ucvtf, "ucvtf h3, h0", FPCR_FZ16) \
    X(fcmeq0, "fcmeq h3, h0, #0", FPCR_FZ16) X(fcmge0, "fcmge h3, h0, #0", FPCR_FZ16) \
    X(fcmgt0, "fcmgt h3, h0, #0", FPCR_FZ16) X(fcmle0, "fcmle h3, h0, #0", FPCR_FZ16) \
    X(fcmlt0, "fcmlt h3, h0, #0", FPCR_FZ16) \
    X(fcmp0, "fcmp h0, #0.0\n mrs x9, nzcv\n fmov d3, x9", FPCR_FZ16) \
    X(fcmpe0, "fcmpe h0, #0.0\n mrs x9, nzcv\n fmov d3, x9", FPCR_FZ16) \
    /* singles and doubles near every half and near the middle between two */ \
    X(fcvt_h_s, "fcvt s3, h0\n fmov w9, s3\n eor w9, w9, #0xfff\n fmov s3, w9\n fcvt h3, s3", \
      NAN_MODES | FPCR_AHP) \
    X(fcvt_h_s_half, "fcvt s3, h0\n fmov w9, s3\n eor w9, w9, #0x1000\n fmov s3, w9\n" \
      "fcvt h3, s3", NAN_MODES | FPCR_AHP) \
    X(fcvt_h_s_bits, "lsl %0, %1, #16\n fmov s3, %w0\n fcvt h3, s3", NAN_MODES | FPCR_AHP) \
    X(fcvt_h_d, "fcvt d3, h0\n fmov x9, d3\n eor x9, x9, #0x1ffffffffff\n fmov d3, x9\n" \
      "fcvt h3, d3", NAN_MODES | FPCR_AHP) \
    X(fcvtn_d_bits, "lsl %0, %1, #48\n fmov d3, %0\n fcvt h3, d3", NAN_MODES | FPCR_AHP)

#define ARITHMETIC(X) \
    X(fadd) X(fsub) X(fmul) X(fdiv) X(fmax) X(fmin) X(fmaxnm) X(fminnm) X(fmulx) X(frecps) \
    X(frsqrts) X(fabd) X(fcmeq) X(fcmge) X(fcmgt) X(facge) X(facgt)
#define TWO_OP(X, id) X(id, #id " h3, h0, h1", NAN_MODES)
#define TWO_OPS(X) \
    TWO_OP(X, fadd) TWO_OP(X, fsub) TWO_OP(X, fmul) TWO_OP(X, fdiv) TWO_OP(X, fmax) \
    TWO_OP(X, fmin) TWO_OP(X, fmaxnm) TWO_OP(X, fminnm) TWO_OP(X, fmulx) TWO_OP(X, frecps) \
    TWO_OP(X, frsqrts) TWO_OP(X, fabd) TWO_OP(X, fcmeq) TWO_OP(X, fcmge) TWO_OP(X, fcmgt) \
    TWO_OP(X, facge) TWO_OP(X, facgt) TWO_OP(X, fnmul) \
    X(fcmp, "fcmp h0, h1\n mrs x9, nzcv\n fmov d3, x9", FPCR_FZ16) \
    X(fcmpe, "fcmpe h0, h1\n mrs x9, nzcv\n fmov d3, x9", FPCR_FZ16) \
    X(faddp, "ins v0.h[1], v1.h[0]\n faddp h3, v0.2h", NAN_MODES) \
    X(fmaxv, "fmov d3, d0\n ins v3.h[1], v1.h[0]\n ins v3.h[2], v0.h[0]\n" \
      "ins v3.h[3], v1.h[0]\n fmaxv h3, v3.4h", NAN_MODES) \
    X(fminnmv, "fmov d3, d0\n ins v3.h[1], v1.h[0]\n ins v3.h[2], v0.h[0]\n" \
      "ins v3.h[3], v1.h[0]\n fminnmv h3, v3.4h", NAN_MODES)
#define THREE_OPS(X) \
    X(fmadd, "fmadd h3, h0, h1, h2", NAN_MODES) X(fmsub, "fmsub h3, h0, h1, h2", NAN_MODES) \
    X(fnmadd, "fnmadd h3, h0, h1, h2", NAN_MODES) X(fnmsub, "fnmsub h3, h0, h1, h2", NAN_MODES) \
    X(fmla, "mov v3.16b, v2.16b\n fmla v3.4h, v0.4h, v1.4h", NAN_MODES) \
    X(fmls, "mov v3.16b, v2.16b\n fmls v3.4h, v0.4h, v1.h[0]", NAN_MODES)

#define DEFINE(id, insn, modes) SCALAR(id, insn)
ONE_OPS(DEFINE)
TWO_OPS(DEFINE)
THREE_OPS(DEFINE)
#define DEFINE_VECTOR(id) VECTOR(id, #id)
ARITHMETIC(DEFINE_VECTOR)

#define ROW(id, insn, modes) { #id, op_##id, modes },
static const struct Op one_ops[] = { ONE_OPS(ROW) };
static const struct Op two_ops[] = { TWO_OPS(ROW) };
static const struct Op three_ops[] = { THREE_OPS(ROW) };
#define VECTOR_ROW(id) { #id, vec_##id },
static const struct { const char *name; VectorFn *fn; } vector_ops[] = { ARITHMETIC(VECTOR_ROW) };

uint64_t sequence_start;
struct State result;
static const struct Request *request;
static char line[160];
static unsigned line_length;
static uint64_t hash;

void sequence_end(void)
{
}

uint64_t note_event(uint64_t pc, enum Event event)
{
    platform_write("an instruction trapped\n", 23);
    platform_exit(1);
}

static void put_text(const char *s)
{
    while (*s) {
        line[line_length++] = *s++;
    }
}

static void put_hex(uint64_t value, int digits)
{
    line[line_length++] = ' ';
    while (digits--) {
        line[line_length++] = "0123456789abcdef"[(value >> (digits * 4)) & 15];
    }
}

static void put_end(void)
{
    line[line_length++] = '\n';
    platform_write(line, line_length);
    line_length = 0;
}

static void set_fpcr(uint64_t v)
{
    __asm__ volatile("msr fpcr, %0\n isb" : : "r"(v));
}

static void clear_fpsr(void)
{
    __asm__ volatile("msr fpsr, xzr" : : : "memory");
}

static uint64_t fpsr(void)
{
    uint64_t v;
    __asm__ volatile("mrs %0, fpsr" : "=r"(v) : : "memory");
    return v;
}

static void mix(uint64_t v)
{
    hash = (hash ^ v) * 0x100000001b3;
    hash ^= hash >> 29;
}

static void run(const struct Op *op, uint64_t fpcr, uint64_t a, uint64_t b, uint64_t c)
{
    clear_fpsr();
    uint64_t r = op->fn(a, b, c), flags = fpsr();
    mix(r);
    mix(flags);
    if (request->detail) {
        put_text("d ");
        put_text(op->name);
        put_hex(fpcr, 8);
        put_hex(a | b << 16 | c << 32, 12);
        put_hex(r, 16);
        put_hex(flags, 8);
        put_end();
    }
}

// Every exponent with telling fractions, both signs. Fewer in threes.
static unsigned interesting(uint16_t *out, unsigned exponent_step)
{
    static const uint16_t fractions[] = { 0x000, 0x001, 0x200, 0x3ff, 0x155, 0x1ff };
    unsigned n = 0;
    for (unsigned e = 0; e < 32; e += e && e < 30 ? exponent_step : 1) {
        for (unsigned f = 0; f < (exponent_step > 1 ? 4 : 6); f++) {
            out[n++] = (uint16_t)(e << 10 | fractions[f]);
            out[n++] = (uint16_t)(0x8000 | e << 10 | fractions[f]);
        }
    }
    return n;
}

static void run_all(const struct Op *op, uint64_t fpcr)
{
    static uint16_t x[32 * 12];
    unsigned n;
    switch (request->kind) {
    case KIND_ONE:
        for (uint64_t a = 0; a < 65536; a++) {
            run(op, fpcr, a, 0, 0);
        }
        break;
    case KIND_TWO:
        n = interesting(x, 1);
        for (unsigned i = 0; i < n * n; i++) {
            run(op, fpcr, x[i / n], x[i % n], 0);
        }
        break;
    default:
        n = interesting(x, 7);
        for (unsigned i = 0; i < n * n * n; i++) {
            run(op, fpcr, x[i / n / n], x[i / n % n], x[i % n]);
        }
    }
}

static void report(const char *name, uint64_t fpcr)
{
    if (!request->detail) {
        put_text("h ");
        put_text(name);
        put_hex(fpcr, 8);
        put_hex(hash, 16);
        put_end();
    }
    hash = 0xcbf29ce484222325;
}

static void run_scalar(const struct Op *ops, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        for (uint64_t m = 0; m < 32; m++) {
            uint64_t fpcr = (m & 3) << FPCR_RMODE_SHIFT | (m & 4 ? FPCR_FZ16 : 0) |
                            (m & 8 ? FPCR_DN : 0) | (m & 16 ? FPCR_AHP : 0);
            if (fpcr & ~(3ul << FPCR_RMODE_SHIFT) & ~ops[i].modes) {
                continue;
            }
            if ((request->only_op == -1u || request->only_op == i) &&
                (request->only_fpcr == -1u || request->only_fpcr == fpcr)) {
                set_fpcr(fpcr);
                run_all(&ops[i], fpcr);
                report(ops[i].name, fpcr);
            }
        }
    }
}

// One line for each value of the first operand's upper byte.
static void run_pairs(void)
{
    uint64_t fpcr = request->only_fpcr;
    set_fpcr(fpcr);
    for (uint64_t a = request->first; a <= request->last; a++) {
        for (uint64_t b = 0; b < 65536; b += 8) {
            uint64_t lo = (b | b << 16 | b << 32 | b << 48) + 0x0003000200010000;
            clear_fpsr();
            Pair r = vector_ops[request->only_op].fn(a, lo, lo + 0x0004000400040004);
            mix(r.lo);
            mix(r.hi);
            mix(fpsr());
        }
        if ((a & 255) == 255) {
            report(vector_ops[request->only_op].name, a);
        }
    }
}

_Noreturn void payload_main(void)
{
    platform_init();
    request = (const struct Request *)(uint64_t)BLOB_BASE;
    report("start", 0);
    switch (request->kind) {
    case KIND_ONE: run_scalar(one_ops, sizeof(one_ops) / sizeof(one_ops[0])); break;
    case KIND_TWO: run_scalar(two_ops, sizeof(two_ops) / sizeof(two_ops[0])); break;
    case KIND_THREE: run_scalar(three_ops, sizeof(three_ops) / sizeof(three_ops[0])); break;
    default: run_pairs(); break;
    }
    platform_write("end\n", 4);
    platform_exit(0);
}
