#pragma once
// Entries on standard output.

#include <string>
#include <string_view>

namespace postmap {

class Output {
 public:
  enum class Form { text, json };
  Output(Form form, std::string_view separator);
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output();  // writes what is left; standard output keeps the error for the end of the program

  void entry(std::string_view key, std::string_view value);  // key TAB value, or {"key": "value"}
  void value(std::string_view value);

 private:
  void write_if_full();

  Form form_;
  std::string separator_;
  std::string text_;
};

// With its quotes. What is not UTF-8 stands as the characters of the same numbers.
void append_json(std::string& to, std::string_view text);

}  // namespace postmap
