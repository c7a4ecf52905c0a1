#include "base/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <utility>

namespace luksdetached {
namespace {

TEST(ErrorTest, EveryKindHasTheErrnoThatAClientShouldSee) {
  const std::pair<ErrorKind, int> table[] = {
      {ErrorKind::usage, EINVAL},
      {ErrorKind::source_unreachable, EIO},
      {ErrorKind::not_luks, EINVAL},
      {ErrorKind::header_damaged, EINVAL},
      {ErrorKind::unsupported, ENOTSUP},
      {ErrorKind::policy, EPERM},
      {ErrorKind::wrong_secret, EACCES},
      {ErrorKind::key_derivation, ENOMEM},
      {ErrorKind::payload_too_small, ENOSPC},
      {ErrorKind::payload_in_use, EBUSY},
      {ErrorKind::io, EIO},
  };
  for (const auto& [kind, code] : table) {
    EXPECT_EQ(Error(kind, "x").errno_code(), code) << "kind " << static_cast<int>(kind);
    EXPECT_EQ(Error(kind, "x").kind(), kind);
  }
}

TEST(ErrorTest, AGivenErrnoReplacesTheKindsOwn) {
  const Error error(ErrorKind::io, "cannot write", ENOSPC);
  EXPECT_EQ(error.errno_code(), ENOSPC);
  EXPECT_EQ(error.kind(), ErrorKind::io);
}

TEST(ErrorTest, AKindHasAWord) {
  EXPECT_EQ(kind_word(ErrorKind::usage), "usage");
  EXPECT_EQ(kind_word(ErrorKind::header_damaged), "header_damaged");
  EXPECT_EQ(kind_word(ErrorKind::io), "io");
}

TEST(ErrorTest, WhatIsTheMessageAsItWasGiven) {
  EXPECT_STREQ(Error(ErrorKind::policy, "not allowed: %s").what(), "not allowed: %s");
}

TEST(ErrorTest, ErrnoTextIsTheSystemsWords) {
  EXPECT_EQ(errno_text(ENOENT), "No such file or directory");
  EXPECT_EQ(errno_text(EACCES), "Permission denied");
}

}  // namespace
}  // namespace luksdetached
