// Template: all structural kernels of one instruction set, as one table.
#include "strides.h"
#include "reduce_level.h"
#include "window_level.h"
#include "scatter_level.h"
#include "copy_level.h"

const soma_structure_level LEVEL(soma_structure) = {
    .reduce = LEVEL(reduce),
    .arg_reduce = LEVEL(arg_reduce),
    .cumulative = LEVEL(cumulative),
    .copy_strided = LEVEL(copy_strided),
    .scatter_add = LEVEL(scatter_add),
    .window_reduce = LEVEL(window_reduce),
    .window_arg_max = LEVEL(window_arg_max),
};
