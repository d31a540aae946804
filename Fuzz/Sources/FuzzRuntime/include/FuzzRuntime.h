// libFuzzer's driver, and a watch over what a reader allocates.
#ifndef FUZZ_RUNTIME_H
#define FUZZ_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

typedef int (*fuzz_reader)(const uint8_t *bytes, size_t count);

/// Runs libFuzzer with the program's arguments on one reader.
int fuzz_run(int count, char **arguments, fuzz_reader reader);

/// From here on the memory that is held at once is counted.
void fuzz_watch_memory(void);

/// The most bytes that were held at once since `fuzz_watch_memory`.
size_t fuzz_peak_memory(void);

#endif
