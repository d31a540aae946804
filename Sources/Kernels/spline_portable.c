#include "levels.h"

#define LEVEL(name) name##_portable
#include "spline_level.h"
