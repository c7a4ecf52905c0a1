#include "base/shared_library.h"

#include <gtest/gtest.h>

#include <cmath>

#include "testing.h"

namespace luksdetached {
namespace {

TEST(SharedLibraryTest, FindsTheFunctionsOfALibrary) {
  struct Libm {
    SharedLibrary library{"libm.so.6", "libc6"};
    LUKSDETACHED_FUNCTION(cbrt);
  };
  EXPECT_DOUBLE_EQ(Libm().cbrt(27), 3);
}

TEST(SharedLibraryTest, NamesALibraryThatIsNotThereAndItsPackage) {
  testing::expect_error(ErrorKind::source_unreachable, "Debian's package libnowhere1",
                        [] { SharedLibrary("libnowhere.so.1", "libnowhere1"); });
}

TEST(SharedLibraryTest, NamesAFunctionThatIsNotThere) {
  const SharedLibrary library("libm.so.6", "libc6");
  testing::expect_error(ErrorKind::source_unreachable, "no_such_function",
                        [&] { (void)library.find("no_such_function"); });
}

}  // namespace
}  // namespace luksdetached
