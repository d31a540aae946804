#include "levels.h"

#define LEVEL(name) name##_portable
#define LANES_f32 4
#define LANES_f64 2
#include "elementwise_level.h"
