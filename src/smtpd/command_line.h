#pragma once
// What a client types, taken apart.

#include <string>
#include <string_view>
#include <vector>

namespace smtpd {

// Quotes and angle brackets, byte by byte.
class Nesting {
 public:
  void take(char c);
  bool is_open() const { return quoted_ || brackets_ > 0; }
  bool is_escaped() const { return escaped_; }  // the next byte is

 private:
  bool escaped_ = false;
  bool quoted_ = false;
  int brackets_ = 0;
};

// A command line: verb in upper case, the rest in words as typed ("<a b@x>" and quoted strings are one word). The views
// point into `text`.
struct CommandLine {
  std::string text;  // the whole line, for logs
  std::string verb;
  std::string_view rest;  // of text, after the verb and blanks
  std::vector<std::string_view> words;

  CommandLine() = default;
  explicit CommandLine(std::string line);
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;
};

}  // namespace smtpd
