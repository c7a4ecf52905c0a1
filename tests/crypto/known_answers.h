// Tables of known answers: each row has what goes in, and as `answer` what comes out, in hex.
#pragma once

#include <gtest/gtest.h>

#include <span>

#include "../base/testing.h"

namespace luksdetached::testing {

/// Computes each row's answer with `compute(row)`, as many bytes as the row has; `name(row)` is
/// what a failure says.
template <typename Row, typename Compute, typename Name>
void check_known_answers(std::span<const Row> table, Compute compute, Name name) {
  for (const Row& row : table) {
    Bytes answer(row.answer.size() / 2);
    compute(row, answer);
    EXPECT_EQ(to_hex(answer), row.answer) << name(row);
  }
}

}  // namespace luksdetached::testing
