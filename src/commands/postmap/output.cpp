#include "postmap/output.h"

#include <cerrno>
#include <cstdio>

#include "base/error.h"
#include "base/text.h"

namespace postmap {

namespace {
constexpr std::size_t kBuffered = 64UL * 1024;
}

Output::Output(Form form, std::string_view separator) : form_(form), separator_(separator) {
  // stdio's own buffer would only be one more copy.
  std::setvbuf(stdout, nullptr, _IONBF, 0);
}

Output::~Output() {
  std::fwrite(text_.data(), 1, text_.size(), stdout);
}

void Output::entry(std::string_view key, std::string_view value) {
  if (form_ == Form::json) {
    text_.push_back('{');
    append_json(text_, key);
    text_.append(": ");
    append_json(text_, value);
    text_.append("}\n");
  } else {
    text_.append(key).append(separator_).append(value).push_back('\n');
  }
  write_if_full();
}

void Output::value(std::string_view value) {
  text_.append(value).push_back('\n');
  write_if_full();
}

void Output::write_if_full() {
  if (text_.size() < kBuffered) return;
  const bool written = std::fwrite(text_.data(), 1, text_.size(), stdout) == text_.size();
  text_.clear();
  if (!written) throw base::Fatal(base::with_errno("write standard output", errno));
}

void append_json(std::string& to, std::string_view text) {
  const bool utf8 = base::is_valid_utf8(text);
  to.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '"':
        to.append("\\\"");
        break;
      case '\\':
        to.append("\\\\");
        break;
      case '\b':
        to.append("\\b");
        break;
      case '\f':
        to.append("\\f");
        break;
      case '\n':
        to.append("\\n");
        break;
      case '\r':
        to.append("\\r");
        break;
      case '\t':
        to.append("\\t");
        break;
      default:
        if (byte < 0x20 || byte == 0x7F || (byte > 0x7F && !utf8)) {
          to.append(fmt::format("\\u{:04X}", byte));
        } else {
          to.push_back(c);
        }
    }
  }
  to.push_back('"');
}

}  // namespace postmap
