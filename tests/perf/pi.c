// SPDX-License-Identifier: MIT
/*
 * Digits of pi by double-precision FFT: the Gauss-Legendre iteration on fixed-point numbers whose
 * products are complex FFTs, which is what the well-known "pi digits" programs do.
 *
 * A number is an array of limbs in base 10000, the first one the integer part; functions take the
 * count of limbs they work on.  The result is exact for the digits printed, whatever the rounding
 * of sin and cos, so a wrong digit is an emulator's mistake.  The harness knows their hash.
 *
 * usage: pi DIGITS      (of the fraction; a multiple of 4)
 * prints: bench pi SECONDS HASH      (of the digits from the 3 on, without a point)
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define BASE 10000
#define LIMB_DIGITS 4
#define GUARD_LIMBS 8

typedef struct {
    double re, im;
} Complex;

typedef struct {
    int max_limbs;
    Complex *signal; // the longest transform
    Complex *roots;  // exp(-2 pi i k / longest), k below half of it
    int roots_of;
    int16_t *scratch[4];
} Work;

static void fft_reorder(Complex *a, int n)
{
    for (int i = 1, j = 0; i < n; i++) {
        int bit = n >> 1;
        for (; j & bit; bit >>= 1) {
            j ^= bit;
        }
        j |= bit;
        if (i < j) {
            Complex t = a[i];
            a[i] = a[j];
            a[j] = t;
        }
    }
}

/* Decimation in time, in place; the inverse without its division. */
static void fft(const Work *w, Complex *a, int n, int inverse)
{
    fft_reorder(a, n);
    for (int half = 1; half < n; half *= 2) {
        int step = w->roots_of / (2 * half);
        for (int start = 0; start < n; start += 2 * half) {
            Complex *low = a + start, *high = low + half;
            for (int k = 0; k < half; k++) {
                double wr = w->roots[k * step].re;
                double wi = inverse ? -w->roots[k * step].im : w->roots[k * step].im;
                double re = high[k].re * wr - high[k].im * wi;
                double im = high[k].re * wi + high[k].im * wr;
                high[k].re = low[k].re - re;
                high[k].im = low[k].im - im;
                low[k].re += re;
                low[k].im += im;
            }
        }
    }
}

/*
 * out = x * y, cut off after `limbs`.  Both factors ride in one transform, as real and imaginary
 * part: the imaginary part of its square is twice their convolution.
 */
static void multiply(Work *w, int16_t *out, const int16_t *x, const int16_t *y, int limbs)
{
    int n = 1;
    while (n < 2 * limbs) {
        n *= 2;
    }
    Complex *a = w->signal;
    for (int i = 0; i < limbs; i++) {
        a[i] = (Complex){x[i], y[i]};
    }
    memset(a + limbs, 0, (size_t)(n - limbs) * sizeof *a);
    fft(w, a, n, 0);
    for (int i = 0; i < n; i++) {
        a[i] = (Complex){a[i].re * a[i].re - a[i].im * a[i].im, 2 * a[i].re * a[i].im};
    }
    fft(w, a, n, 1);
    double scale = 0.5 / n;
    int64_t carry = 0;
    for (int i = 2 * limbs - 1; i >= 0; i--) {
        int64_t value = (int64_t)(a[i].im * scale + 0.5) + carry;
        carry = value / BASE;
        if (i < limbs) {
            out[i] = (int16_t)(value % BASE);
        }
    }
    // The integer parts are small: nothing is carried out of limb 0.
    out[0] = (int16_t)(out[0] + carry * BASE);
}

static void add(int16_t *out, const int16_t *x, const int16_t *y, int limbs)
{
    int carry = 0;
    for (int i = limbs - 1; i >= 0; i--) {
        int value = x[i] + y[i] + carry;
        carry = i > 0 && value >= BASE;
        out[i] = (int16_t)(value - carry * BASE);
    }
}

static void subtract(int16_t *out, const int16_t *x, const int16_t *y, int limbs)
{
    int borrow = 0;
    for (int i = limbs - 1; i >= 0; i--) {
        int value = x[i] - y[i] - borrow;
        borrow = value < 0;
        out[i] = (int16_t)(value + borrow * BASE);
    }
}

static void times_small(int16_t *x, int factor, int limbs)
{
    int carry = 0;
    for (int i = limbs - 1; i >= 0; i--) {
        int value = x[i] * factor + carry;
        carry = i > 0 ? value / BASE : 0;
        x[i] = (int16_t)(value - carry * BASE);
    }
}

static void halve(int16_t *x, int limbs)
{
    int rest = 0;
    for (int i = 0; i < limbs; i++) {
        int value = rest * BASE + x[i];
        x[i] = (int16_t)(value / 2);
        rest = value % 2;
    }
}

/* out = 1 / sqrt(x) for x between 1/4 and 1, by Newton's iteration with growing precision. */
static void inverse_root(Work *w, int16_t *out, const int16_t *x, int limbs)
{
    int16_t *square = w->scratch[0], *error = w->scratch[1];
    double value = x[0] + x[1] / 1e4 + x[2] / 1e8 + x[3] / 1e12 + x[4] / 1e16;
    double guess = 1 / sqrt(value);
    memset(out, 0, (size_t)limbs * sizeof *out);
    for (int i = 0; i < 4; i++) {
        out[i] = (int16_t)guess;
        guess = (guess - out[i]) * BASE;
    }
    for (int known = 3; known < limbs;) {
        // One limb less than twice as many: the guard against what is cut off.
        known = 2 * known - 1;
        int used = known + 2 < limbs ? known + 2 : limbs;
        multiply(w, square, out, out, used);
        multiply(w, error, square, x, used);
        int above = error[0] >= 1;
        memset(square, 0, (size_t)used * sizeof *square);
        square[0] = 1;
        if (above) {
            subtract(error, error, square, used);
        } else {
            subtract(error, square, error, used);
        }
        multiply(w, square, error, out, used);
        halve(square, used);
        if (above) {
            subtract(out, out, square, used);
        } else {
            add(out, out, square, used);
        }
    }
}

static void root(Work *w, int16_t *out, const int16_t *x, int limbs)
{
    int16_t *inverse = w->scratch[2];
    inverse_root(w, inverse, x, limbs);
    multiply(w, out, inverse, x, limbs);
}

static int16_t *new_number(int limbs)
{
    return calloc((size_t)limbs, sizeof(int16_t));
}

static void make_work(Work *w, int limbs)
{
    int longest = 1;
    while (longest < 2 * limbs) {
        longest *= 2;
    }
    w->max_limbs = limbs;
    w->signal = malloc((size_t)longest * sizeof *w->signal);
    w->roots = malloc((size_t)longest / 2 * sizeof *w->roots);
    w->roots_of = longest;
    for (int k = 0; k < longest / 2; k++) {
        double angle = -2 * 3.14159265358979323846 * k / longest;
        w->roots[k] = (Complex){cos(angle), sin(angle)};
    }
    for (int i = 0; i < 4; i++) {
        w->scratch[i] = new_number(limbs);
    }
}

/* The Gauss-Legendre iteration doubles the correct digits each time. */
static void compute_pi(Work *w, int16_t *pi, int limbs)
{
    int16_t *a = new_number(limbs), *b = new_number(limbs), *t = new_number(limbs);
    int16_t *mean = new_number(limbs), *product = w->scratch[3];
    a[0] = 1;
    t[1] = BASE / 4;
    product[1] = BASE / 2;
    root(w, b, product, limbs);
    for (int power = 1, digits = 1; digits < limbs * LIMB_DIGITS; power *= 2, digits *= 2) {
        add(mean, a, b, limbs);
        halve(mean, limbs);
        multiply(w, product, a, b, limbs);
        subtract(a, a, mean, limbs); // a never falls below the mean
        multiply(w, a, a, a, limbs);
        // Late differences are so small that the power of two does no harm; early powers are small.
        for (int p = power; p > 1;) {
            int factor = p > 8 ? 8 : p;
            times_small(a, factor, limbs);
            p /= factor;
        }
        subtract(t, t, a, limbs);
        memcpy(a, mean, (size_t)limbs * sizeof *a);
        root(w, b, product, limbs);
    }
    add(mean, a, b, limbs);
    multiply(w, mean, mean, mean, limbs);
    times_small(t, 4, limbs);
    inverse_root(w, a, t, limbs);
    multiply(w, a, a, a, limbs);
    multiply(w, pi, mean, a, limbs);
    free(a);
    free(b);
    free(t);
    free(mean);
}

int main(int argc, char **argv)
{
    int digits = argc > 1 ? atoi(argv[1]) : 0;
    int limbs = 1 + digits / LIMB_DIGITS + GUARD_LIMBS;
    if (digits < 1000 || digits % LIMB_DIGITS) {
        fprintf(stderr, "usage: pi DIGITS (a multiple of 4, from 1000 on)\n");
        return 2;
    }
    double started = bench_now();
    Work work;
    make_work(&work, limbs);
    int16_t *pi = new_number(limbs);
    compute_pi(&work, pi, limbs);
    double seconds = bench_now() - started;

    uint64_t hash = BENCH_HASH_START;
    for (int i = 0; i < limbs - GUARD_LIMBS; i++) {
        char text[16];
        snprintf(text, sizeof text, i ? "%04d" : "%d", pi[i]);
        hash = bench_hash(hash, text, strlen(text));
        if (argc > 2) {
            fputs(text, stdout);
        }
    }
    bench_report("pi", seconds, hash);
    return 0;
}
