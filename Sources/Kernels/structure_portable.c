#include "levels.h"

#define LEVEL(name) name##_portable
#include "structure_level.h"
