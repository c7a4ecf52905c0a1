// What the tests of several rooms share, besides tests/source/testing.h.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <exception>
#include <string>
#include <string_view>

#include "../source/testing.h"

// gcc's sanitizers make mlock(2) do nothing, so what depends on it cannot be tested with them.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define LUKSDETACHED_MLOCK_WORKS 1
#endif

namespace luksdetached::testing {

/// The bytes that `digits`, pairs of lower-case hexadecimal digits, stand for.
inline Bytes from_hex(std::string_view digits) {
  const auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  Bytes bytes;
  for (std::size_t n = 0; n + 1 < digits.size(); n += 2) {
    bytes.push_back(static_cast<std::byte>(value(digits[n]) * 16 + value(digits[n + 1])));
  }
  return bytes;
}

inline std::string to_hex(std::span<const std::byte> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::byte b : bytes) {
    text += digits[std::to_integer<unsigned>(b) >> 4];
    text += digits[std::to_integer<unsigned>(b) & 15];
  }
  return text;
}

inline Bytes to_bytes(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

/// `call` must throw an Error of this kind whose message has `word` in it.
template <typename Call>
void expect_error(ErrorKind kind, std::string_view word, Call call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    EXPECT_NE(std::string_view(error.what()).find(word), std::string_view::npos)
        << "not '" << word << "' in: " << error.what();
    return;
  } catch (const std::exception& other) {
    ADD_FAILURE() << "another exception: " << other.what();
    return;
  }
  ADD_FAILURE() << "nothing was thrown where '" << word << "' was expected";
}

/// What `call` returns when it runs in a child process, which may change its limits and its user.
template <typename Call>
std::string in_child(Call call) {
  int ends[2];
  if (::pipe(ends) != 0) return "pipe failed";
  const pid_t child = ::fork();
  if (child == 0) {
    std::string text;
    try {
      text = call();
    } catch (const std::exception& error) {
      text = std::string("unexpected: ") + error.what();
    }
    const ssize_t written = ::write(ends[1], text.data(), text.size());
    ::_exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  std::string text;
  char part[256];
  for (ssize_t got = 0; (got = ::read(ends[0], part, sizeof part)) > 0;) {
    text.append(part, static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) text += " (the child failed)";
  return text;
}

}  // namespace luksdetached::testing
