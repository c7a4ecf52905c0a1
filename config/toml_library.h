// toml++, for this folder only.
#pragma once

// toml++ 3.3 asserts what a hostile file makes false, such as with a table whose name begins with
// '+'. The code behind such an assertion then complains about the file; so it does nothing, also
// where NDEBUG would have the compiler believe it.
#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_ASSERT(expression) static_assert(true)
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")
