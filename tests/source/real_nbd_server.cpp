#include "real_nbd_server.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <chrono>
#include <fstream>
#include <thread>

namespace luksdetached::testing {

namespace {

void replace_all(std::string& text, const std::string& what, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
}

// Both write their pid file when they listen. A connection to find out would be one of those that
// the tests count.
bool listens(const std::string& pid_file) {
  std::ifstream file(pid_file);
  pid_t pid = 0;
  return static_cast<bool>(file >> pid);
}

}  // namespace

std::vector<std::string> RealNbdServer::nbdkit(const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {"nbdkit", "-f", "-U", "SOCKET", "-P", "DIR/pid"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

std::vector<std::string> RealNbdServer::qemu_nbd(const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {"qemu-nbd",          "-t", "-k", "SOCKET", "-f", "raw",
                                      "--pid-file=DIR/pid"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  command.push_back("DIR/image");
  return command;
}

RealNbdServer::RealNbdServer(std::vector<std::string> command) {
  std::ofstream(dir_.file("image")).close();
  std::filesystem::resize_file(dir_.file("image"), 8 << 20);
  std::vector<char*> argv;
  for (std::string& argument : command) {
    replace_all(argument, "SOCKET", dir_.file("socket"));
    replace_all(argument, "DIR", dir_.file("."));
    argv.push_back(argument.data());
  }
  argv.push_back(nullptr);
  child_ = ::fork();
  if (child_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // A sanitizer that the test is run with is not for the server.
    ::unsetenv("LD_PRELOAD");
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  for (int tries = 0; tries < 500; ++tries) {
    if (listens(dir_.file("pid"))) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  kill();
  throw std::runtime_error("the server does not listen: " + command[0]);
}

void RealNbdServer::freeze() const {
  ::kill(child_, SIGSTOP);
}

void RealNbdServer::kill() {
  if (child_ <= 0) return;
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
  child_ = -1;
}

}  // namespace luksdetached::testing
