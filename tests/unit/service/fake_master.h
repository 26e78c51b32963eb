#pragma once
// Plays master: starts a child that calls service::run() with descriptors and environment as master gives them.

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/fd.h"
#include "io/socket.h"
#include "io/stream.h"
#include "service/master_link.h"
#include "service/service.h"

namespace service_test {

using namespace std::chrono_literals;

inline io::Deadline soon() {
  return io::Deadline::after(20s);
}

class FakeMaster : public ::testing::Test {
 protected:
  FakeMaster() {
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    EXPECT_EQ(::chmod(folder_.c_str(), 0755), 0);
    for (const char* sub : {"", "/public", "/private"}) std::filesystem::create_directory(folder_ + "/spool" + sub);
    write_main_cf("");
    int fds[2];
    EXPECT_EQ(::pipe2(fds, O_CLOEXEC), 0);
    flow_read_.reset(fds[0]);
    flow_write_.reset(fds[1]);
  }
  ~FakeMaster() override {
    for (const pid_t child : children_) {
      ::kill(child, SIGKILL);
      ::waitpid(child, nullptr, 0);
    }
    std::filesystem::remove_all(folder_);
  }

  void write_main_cf(const std::string& more) {
    std::ofstream file(folder_ + "/main.cf");
    file << "compatibility_level = 3.6\nqueue_directory = " << folder_ << "/spool\nmail_owner = " << owner()
         << "\nmaillog_file = " << log() << "\nmaillog_file_prefixes = /tmp\nmyhostname = mx.test\n"
         << more;
  }
  static std::string owner() {
    return ::geteuid() == 0 ? "daemon" : std::getenv("USER") ? std::getenv("USER") : "nobody";
  }
  std::string log() const { return folder_ + "/maillog"; }
  std::string log_text() const {
    std::ifstream file(log());
    return {std::istreambuf_iterator<char>(file), {}};
  }
  bool log_has(std::string_view text) const {
    return eventually([&] { return log_text().contains(text); });
  }
  template <typename Condition>
  static bool eventually(Condition condition) {
    for (int i = 0; i < 2000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }

  enum class Socket { stream, datagram, inet, fifo };
  void listen(Socket kind = Socket::stream) {
    if (kind == Socket::inet) {
      listener_ = std::move(*io::listen({io::Endpoint::Type::inet, "127.0.0.1", "0", ""}));
      return;
    }
    if (kind == Socket::fifo) {
      EXPECT_EQ(::mkfifo(path_.c_str(), 0666), 0);
      listener_.reset(::open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
      return;
    }
    if (kind == Socket::stream) {
      listener_ = std::move(*io::listen({io::Endpoint::Type::unix_stream, "", "", path_}));
    } else {
      listener_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      const sockaddr_un address = address_of(path_);
      EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    }
    EXPECT_EQ(::chmod(path_.c_str(), 0666), 0);
  }
  static sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
  }

  // A process of the service; the newest one's status socket is at hand.
  pid_t start(const service::Program& program, std::vector<std::string> arguments = {}) {
    if (!listener_) listen();
    arguments.insert(arguments.begin(), "program");
    int status[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, status), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      const int inherited[] = {flow_read_.get(), flow_write_.get(), status[1], listener_.get()};
      const int pipe = log_pipe_ < 0 ? -1 : ::fcntl(log_pipe_, F_DUPFD, 70);
      int moved[4];
      for (int i = 0; i < 4; ++i) moved[i] = ::fcntl(inherited[i], F_DUPFD, 20);
      for (int i = 0; i < 4; ++i) ::dup2(moved[i], service::kFlowRead + i);
      for (int fd = 7; fd < 64; ++fd) ::close(fd);
      if (pipe >= 0) {
        ::dup2(pipe, 7);
        ::close(pipe);
      }
      if (!log_variable_.empty()) ::setenv(log_variable_.c_str(), log_value_.c_str(), 1);
      ::setenv("MAIL_CONFIG", folder_.c_str(), 1);
      ::setenv("GENERATION", "17", 1);
      std::vector<char*> argv;
      for (std::string& argument : arguments) argv.push_back(argument.data());
      argv.push_back(nullptr);
      ::_exit(service::run(static_cast<int>(arguments.size()), argv.data(), program));
    }
    status_.reset(status[0]);
    ::close(status[1]);
    children_.push_back(child);
    return child;
  }
  void let_go_of_child() { status_.reset(); }  // as a master that dies, or reloads

  io::Stream connect() {
    auto fd = io::connect({io::Endpoint::Type::unix_stream, "", "", path_}, soon());
    EXPECT_TRUE(fd) << fd.error().text;
    io::Stream stream(std::move(*fd));
    stream.set_deadline(soon());
    return stream;
  }

  // The next news from the process; -1 when none comes within the time.
  int next_status(std::chrono::milliseconds patience = 10s) {
    pollfd entry{status_.get(), POLLIN, 0};
    if (::poll(&entry, 1, static_cast<int>(patience.count())) <= 0) return -1;
    service::StatusMessage message{};
    if (::read(status_.get(), &message, sizeof message) != sizeof message) return -1;
    EXPECT_EQ(message.pid, children_.back());
    EXPECT_EQ(message.generation, 15u);
    return message.state;
  }

  // The exit status; -1 for a signal, -2 when it lives on.
  int wait_for_exit(pid_t child, std::chrono::milliseconds patience = 20s) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < end) {
      int status = 0;
      if (::waitpid(child, &status, WNOHANG) == child) {
        std::erase(children_, child);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
      }
      std::this_thread::sleep_for(5ms);
    }
    return -2;
  }

  std::string folder_ = "/tmp/service_test_XXXXXX";
  std::string& folder() { return folder_; }
  std::string path() const { return path_; }
  base::Fd listener_;
  base::Fd status_;
  base::Fd flow_read_;
  base::Fd flow_write_;
  int log_pipe_ = -1;  // becomes descriptor 7
  std::string log_variable_;
  std::string log_value_ = "7";
  std::vector<pid_t> children_;

 private:
  void SetUp() override { path_ = folder_ + "/spool/public/test"; }
  std::string path_;
};

}  // namespace service_test
