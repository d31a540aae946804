// The end of what `linear_single.h` or `linear_double.h` defined.
#undef REAL
#undef NAME
#undef LANES
#undef VECTOR
#undef MASK
#undef LOAD
#undef LOAD_OVER
#undef STORE
#undef ZERO
#undef BROADCAST
#undef ADD
#undef MULTIPLY_ADD
#undef SUM
#undef QUARTERS
#undef EVEN_OF_TWO
#undef LOWER_INTERLEAVED
#undef UPPER_INTERLEAVED
