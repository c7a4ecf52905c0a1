// toml++ itself, compiled here for the sake of its one limit: see CMakeLists.txt.
#define TOML_IMPLEMENTATION
#include <toml++/toml.h>
