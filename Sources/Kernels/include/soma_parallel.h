// One fork-join over a pool of threads that the process keeps.
#ifndef SOMA_PARALLEL_H
#define SOMA_PARALLEL_H

#include <stddef.h>

/// Calls `body(context, i)` for every `i < parts`, side by side, and returns when all are done. The caller takes parts
/// too; if another caller has the pool, it does all of them. Allocates nothing after the first call.
/// libdispatch would do, but it allocates in every call: its records are freed by the threads that ran them.
void soma_parallel(size_t parts, void *context, void (*body)(void *context, size_t i));

#endif
