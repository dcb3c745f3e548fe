// SPDX-License-Identifier: MIT
//
// The monitor's arithmetic: contract in expression.h. Recursive descent with binding powers; the
// depth is bounded, because the text may come from a socket.
#include "cli/expression.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "util/bitops.h"

#define DEPTH_MAX 64

typedef struct Parser {
    const char *at;
    ExpressionName *name;
    void *opaque;
    unsigned depth;
    Error **err;
} Parser;

static const struct {
    char sign;
    int power;
} operators[] = {
    { '|', 1 }, { '^', 2 }, { '&', 3 }, { '+', 4 }, { '-', 4 }, { '*', 5 }, { '/', 5 }, { '%', 5 },
};

static bool parse_binary(Parser *p, int power, uint64_t *value);

static void skip_blanks(Parser *p)
{
    while (isspace((unsigned char)*p->at))
        p->at++;
}

static bool parse_name(Parser *p, uint64_t *value)
{
    char name[32];
    size_t len = 0;
    while (isalnum((unsigned char)p->at[1 + len]) || p->at[1 + len] == '_')
        len++;
    snprintf(name, sizeof(name), "%.*s", (int)len, p->at + 1);
    if (!len || !p->name(p->opaque, name, value))
        return error_set(p->err, "there is no register or symbol '$%s'; 'info registers' "
                         "lists the registers", name);
    p->at += 1 + len;
    return true;
}

static bool parse_number(Parser *p, uint64_t *value)
{
    char *end;
    errno = 0;
    *value = strtoull(p->at, &end, 0);
    if (!*p->at)
        return error_set(p->err, "a number is missing; write for example 0x40080000 or $pc + 16");
    if (end == p->at)
        return error_set(p->err, "'%s' is no number; write for example 0x40080000 or $pc + 16",
                         p->at);
    if (errno)
        return error_set(p->err, "the number '%.*s' does not fit 64 bits", (int)(end - p->at),
                         p->at);
    p->at = end;
    return true;
}

static bool parse_unary(Parser *p, uint64_t *value)
{
    skip_blanks(p);
    char c = *p->at;
    if (c == '-' || c == '~' || c == '+' || c == '(') {
        if (++p->depth > DEPTH_MAX)
            return error_set(p->err, "the expression is nested too deeply; simplify it");
        p->at++;
        if (!(c == '(' ? parse_binary(p, 0, value) : parse_unary(p, value)))
            return false;
        p->depth--;
        *value = c == '-' ? -*value : c == '~' ? ~*value : *value;
        if (c != '(')
            return true;
        skip_blanks(p);
        return *p->at++ == ')' || error_set(p->err, "a ')' is missing");
    }
    return c == '$' ? parse_name(p, value) : parse_number(p, value);
}

static bool apply(Parser *p, char sign, uint64_t *a, uint64_t b)
{
    switch (sign) {
    case '|': *a |= b; return true;
    case '^': *a ^= b; return true;
    case '&': *a &= b; return true;
    case '+': *a += b; return true;
    case '-': *a -= b; return true;
    case '*': *a *= b; return true;
    }
    if (!b)
        return error_set(p->err, "division by zero");
    *a = sign == '/' ? *a / b : *a % b;
    return true;
}

/* Operators that bind more strongly than `power`. */
static bool parse_binary(Parser *p, int power, uint64_t *value)
{
    if (!parse_unary(p, value))
        return false;
    for (;;) {
        size_t i = 0;
        skip_blanks(p);
        while (i < ARRAY_SIZE(operators) && operators[i].sign != *p->at)
            i++;
        if (i == ARRAY_SIZE(operators) || operators[i].power <= power)
            return true;
        uint64_t right;
        p->at++;
        if (!parse_binary(p, operators[i].power, &right) ||
            !apply(p, operators[i].sign, value, right))
            return false;
    }
}

bool expression_parse(const char *text, const char **end, ExpressionName *name, void *opaque,
                      uint64_t *value, Error **err)
{
    Parser p = { .at = text, .name = name, .opaque = opaque, .err = err };
    if (!parse_binary(&p, 0, value))
        return false;
    skip_blanks(&p);
    *end = p.at;
    return true;
}
