// A listening socket that nobody but this process can connect to.
#pragma once

#include "base/file_descriptor.h"

namespace luksdetached {

/// Has a name only while it is made, in a folder of its own; who has the descriptor of that name
/// can connect afterwards.
class PrivateListener {
 public:
  /// Throws Error(source_unreachable).
  PrivateListener();

  /// The listening socket.
  int descriptor() const noexcept { return listening_.get(); }

  /// The server has it now: here it is closed, and one can still connect.
  void hand_over() noexcept { listening_ = FileDescriptor(); }

  /// A new connection, which waits to be accepted; none when the server is gone.
  FileDescriptor connect() const;

 private:
  int make_in(const char* parent);

  FileDescriptor listening_, name_;
};

}  // namespace luksdetached
