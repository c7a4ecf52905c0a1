#include "client_errno.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace luksdetached {
namespace {

TEST(ClientErrno, KeepsWhatNbdHasAWordFor) {
  for (const int code : {EPERM, EROFS, EIO, ENOMEM, ENOSPC, EDQUOT, EFBIG, ESHUTDOWN}) {
    EXPECT_EQ(client_errno(code), code);
  }
}

TEST(ClientErrno, BlamesTheStorageForTheRest) {
  for (const int code : {EINVAL, ENXIO, ENODEV, ESTALE, EBADMSG, EOPNOTSUPP, EOVERFLOW, 0}) {
    EXPECT_EQ(client_errno(code), EIO);
  }
}

}  // namespace
}  // namespace luksdetached
