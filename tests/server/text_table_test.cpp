#include "server/text_table.h"

#include <gtest/gtest.h>

namespace luksdetached {
namespace {

TEST(TextTable, ColumnsAreAsWideAsTheirWidestCell) {
  EXPECT_EQ(text_table({{"a", "b", "c"}, {"long", "", "x"}}, 1),
            " a     b  c\n"
            " long     x\n");
}

TEST(TextTable, CountsCharactersAndNotBytes) {
  EXPECT_EQ(text_table({{"é", "x"}, {"ab", "y"}}, 0),
            "é   x\n"
            "ab  y\n");
}

TEST(TextTable, CellsCannotSteerATerminal) {
  EXPECT_EQ(text_table({{"a\nb\x1b[2J"}}, 0), "a\\x0ab\\x1b[2J\n");
}

}  // namespace
}  // namespace luksdetached
