// Sums of B-splines, compiled once for every instruction set; see levels.h.
#include <math.h>
#include <float.h>

#include "soma_spline.h"

#define T f32
#define I i32
#define EPSILON FLT_EPSILON
#define NAME(name) LEVEL(name##_f32)
#include "spline_body.h"
#undef T
#undef I
#undef EPSILON
#undef NAME
#define T f64
#define I i64
#define EPSILON DBL_EPSILON
#define NAME(name) LEVEL(name##_f64)
#include "spline_body.h"
#undef T
#undef I
#undef EPSILON
#undef NAME

const soma_spline_level LEVEL(soma_spline) = {
    {LEVEL(spline_output_f32), LEVEL(spline_output_f64)},
    {LEVEL(spline_coefficients_f32), LEVEL(spline_coefficients_f64)},
    {LEVEL(spline_weights_f32), LEVEL(spline_weights_f64)},
};
