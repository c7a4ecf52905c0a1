// Ctrl-C and its like end a long command between two steps, with a sentence.
#pragma once

namespace luksdetached {

/// From when it is made to when it goes, SIGINT, SIGTERM and SIGHUP are only noted; a second
/// one ends the process, which loses nothing. One that is made in the scope of
/// another one changes nothing.
class Interruption {
 public:
  Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;
  ~Interruption();

  /// Throws Error(io) when there was one.
  static void check();

  /// After all is tidied up: ends the process by the signal that was noted, if there was one, as
  /// who has sent it expects. For a command that has failed.
  static void end_process();
};

}  // namespace luksdetached
