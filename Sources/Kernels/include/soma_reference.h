// What the machine's libraries and memory can do, measured without anything of Soma's: the yardsticks of benchmarks.
#ifndef SOMA_REFERENCE_H
#define SOMA_REFERENCE_H

#include <stddef.h>

/// Seconds that oneDNN takes for `batch` products of F32 matrices op(A) m×k and op(B) k×n: `steps` times in a row, their
/// mean. With `threads` above 1 the faster of two ways: the library's own threads in each product, or (`batch` above 1)
/// the products divided over threads. Allocates and frees its matrices. Negative if memory or the library fails.
double soma_reference_gemm_seconds(int threads, int transpose_a, int transpose_b, size_t batch, size_t m, size_t n,
                                   size_t k, size_t steps);

/// Seconds that a pass over `count` floats takes which adds to each in place, `threads` side by side: the fastest of
/// `passes`. Allocates and frees the floats. Negative if memory fails.
double soma_reference_stream_seconds(int threads, size_t count, size_t passes);

/// Two arrays of floats to copy between, so that a copy can be timed beside what it is compared with: the speed of
/// memory that others share changes from second to second.
typedef struct soma_copies soma_copies;
/// NULL if memory fails.
soma_copies *soma_copies_make(int threads, size_t count);
void soma_copies_free(soma_copies *copies);
/// Seconds of a copy, the threads side by side: the faster of one by the C library and one by a loop that adds to each.
double soma_copies_seconds(soma_copies *copies);

#endif
