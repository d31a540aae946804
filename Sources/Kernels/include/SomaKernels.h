// The kernels of Soma: loops over memory. They know pointers, counts and strides, nothing of graphs or shapes.
// All buffers are dense and row-major unless strides are given. Every function is re-entrant and allocates nothing
// unless its comment says so. Threads belong to the caller.
#ifndef SOMA_KERNELS_H
#define SOMA_KERNELS_H

#include "soma_elementwise.h"
#include "soma_spline.h"
#include "soma_structure.h"
#include "soma_linear.h"
#include "soma_fused.h"
#include "soma_machine.h"
#include "soma_parallel.h"
#include "soma_reference.h"

#endif
