// What is read from master.cf can be written and read again, and means the same.

#include <cstdlib>
#include <string_view>

#include "config/master_cf.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);  // NOLINT: bytes as bytes
  const auto file = config::parse_master_cf(text, "master.cf");
  if (!file) return 0;
  std::vector<config::Remark> remarks;
  if (config::effective_lines(*file, remarks).size() + remarks.size() != file->lines.size()) std::abort();
  for (const config::ServiceLine& line : file->lines) {
    const config::Arguments arguments = config::arguments_of(line);
    for (const std::string& word : arguments.others) {
      // A word with an unpaired brace has no form that is safe to write; editors refuse it.
      const std::string wrapped = config::wrap(word);
      if (config::split_words(wrapped).size() == 1 && config::unwrap(wrapped).problem.empty() &&
          config::unwrap(wrapped).text != word) {
        std::abort();
      }
    }
    (void)config::interpret(line, {100, false});
    const auto again = config::parse_service_line(line.text());
    if (!again || again->command != line.command || again->name != line.name) std::abort();
  }
  return 0;
}
