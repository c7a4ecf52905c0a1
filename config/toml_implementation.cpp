// toml++ itself, compiled here for the sake of its one limit: see CMakeLists.txt.
#define TOML_IMPLEMENTATION
#include "config/toml_library.h"
