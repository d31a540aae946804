// Calls of SLEEF's vector functions.
//
// Clang chooses how wide vectors are passed from the command line's instruction set and not from a function's `target`
// attribute, so a C call of such a function from here would pass its arguments in memory. These loops do the call
// as the platform's convention says. They store vector i after they load it and before they load the next, so `out` may
// be an operand.
#ifndef SOMA_SLEEF_CALL_H
#define SOMA_SLEEF_CALL_H

#include <stddef.h>

#if defined(__x86_64__)
/// `out[i] = function(x[i])` and `out[i] = function(x[i], y[i])` for `count` whole registers.
void soma_sleef_unary_256(void (*function)(void), void *out, const void *x, size_t count);
void soma_sleef_unary_512(void (*function)(void), void *out, const void *x, size_t count);
void soma_sleef_binary_256(void (*function)(void), void *out, const void *x, const void *y, size_t count);
void soma_sleef_binary_512(void (*function)(void), void *out, const void *x, const void *y, size_t count);
#endif

#endif
