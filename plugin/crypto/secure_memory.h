// Memory for secrets: locked, kept out of core dumps, wiped when it goes.
#pragma once

#include <cstddef>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace luksdetached {

/// A move-only, zero-initialised byte array in pages of its own that are locked into RAM (mlock),
/// left out of core dumps, and wiped before they are unmapped.
///
/// Locks do not survive fork(2): whoever keeps a buffer across one calls `lock_again()` in the
/// child.
class SecureBuffer {
 public:
  SecureBuffer() noexcept = default;
  /// `size` in bytes; 0 is allowed and allocates nothing. Throws Error(key_derivation) that names
  /// the locked-memory limit which is needed when the pages cannot be locked.
  explicit SecureBuffer(std::size_t size);
  SecureBuffer(SecureBuffer&& other) noexcept;
  SecureBuffer& operator=(SecureBuffer&& other) noexcept;
  ~SecureBuffer();

  std::byte* data() noexcept { return data_; }
  const std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  std::span<std::byte> span() noexcept { return {data_, size_}; }
  std::span<const std::byte> span() const noexcept { return {data_, size_}; }

  /// Forgets (and wipes) everything from `new_size` on; `new_size` must not exceed `size()`.
  void truncate(std::size_t new_size) noexcept;

  /// In the child after fork(2): locks the pages again and keeps them out of further children.
  /// Throws like the constructor.
  void lock_again();

 private:
  void release() noexcept;

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t mapped_ = 0;  // whole pages
};

/// One object of type T that lives in a SecureBuffer. Its destructor runs before the wipe.
template <typename T>
class SecureObject {
 public:
  template <typename... Args>
  explicit SecureObject(Args&&... args)
      : buffer_(sizeof(T)), object_(new(buffer_.data()) T(std::forward<Args>(args)...)) {}
  SecureObject(SecureObject&& other) noexcept
      : buffer_(std::move(other.buffer_)), object_(std::exchange(other.object_, nullptr)) {}
  SecureObject& operator=(SecureObject&&) = delete;
  ~SecureObject() {
    if (object_ != nullptr) object_->~T();
  }

  T& operator*() noexcept { return *object_; }
  const T& operator*() const noexcept { return *object_; }
  T* operator->() noexcept { return object_; }
  const T* operator->() const noexcept { return object_; }

  /// See SecureBuffer::lock_again.
  void lock_again() { buffer_.lock_again(); }

 private:
  SecureBuffer buffer_;
  T* object_;
};

/// Throws Error(key_derivation) when a process without privileges could not lock what this one has
/// locked now.
void require_lock_limit();

/// When it goes out of scope, it clears what functions that have returned left behind: the vector
/// registers, and so many KiB (2, 4, 16 or 64) of the stack below the function that has it, where
/// the compiler may have put some.
template <std::size_t kibibytes>
class StackWiper {
 public:
  StackWiper() = default;
  StackWiper(const StackWiper&) = delete;
  StackWiper& operator=(const StackWiper&) = delete;
  ~StackWiper();
};

/// Overwrites memory in a way the compiler must not drop.
void wipe(std::span<std::byte> memory) noexcept;

}  // namespace luksdetached
