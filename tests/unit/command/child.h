#pragma once
// Runs a function in a child process and gathers what it leaves behind: output, messages, status.

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

namespace test {

struct Ended {
  int status = -1;  // exit status
  int signal = 0;
  std::string output;
  std::string messages;
};

inline std::string content_of(std::FILE* file) {
  std::string all;
  std::rewind(file);
  char chunk[4096];
  while (const std::size_t got = std::fread(chunk, 1, sizeof chunk, file)) all.append(chunk, got);
  return all;
}

// `before` runs in the child with its standard descriptors in place; `body` is what main would be.
inline Ended in_child(const std::function<int()>& body, const std::function<void()>& before = [] {}) {
  std::FILE* output = std::tmpfile();
  std::FILE* messages = std::tmpfile();
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(::fileno(output), STDOUT_FILENO);
    ::dup2(::fileno(messages), STDERR_FILENO);
    before();
    ::_exit(body());
  }
  Ended ended;
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status)) ended.status = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) ended.signal = WTERMSIG(status);
  ended.output = content_of(output);
  ended.messages = content_of(messages);
  std::fclose(output);
  std::fclose(messages);
  return ended;
}

}  // namespace test
