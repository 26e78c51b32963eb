#include "postconf/text_form.h"

#include <array>

#include "base/text.h"

namespace postconf {

namespace {

constexpr std::size_t kSettingWidth = 80;
constexpr std::size_t kServiceWidth = 79;
constexpr std::string_view kContinuation = "\n    ";

// Text to which words are added, each on the line where it fits.
class FoldedText {
 public:
  FoldedText(std::string start, std::size_t column, std::size_t width)
      : text_(std::move(start)), column_(column), width_(width) {}

  void add(std::string_view word) {
    if (column_ + 1 + word.size() > width_) return add_line(word);
    text_.append(1, ' ').append(word);
    column_ += 1 + word.size();
  }
  void add_line(std::string_view word) {
    text_.append(kContinuation).append(word);
    column_ = kContinuation.size() - 1 + word.size();
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::size_t column_;
  std::size_t width_;
};

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"' || c == '\\') {
      out.append(1, '\\').append(1, c);
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else if (static_cast<unsigned char>(c) < 0x80) {
      out.append(1, c);
    } else {
      std::size_t length = std::min<std::size_t>(4, text.size() - at);
      while (length > 1 && !base::is_valid_utf8(text.substr(at, length))) --length;
      out.append(length > 1 ? text.substr(at, length) : std::string_view("\xEF\xBF\xBD"));
      at += length;
      continue;
    }
    ++at;
  }
  return out.append(1, '"');
}

std::string one_blank_between(std::string_view value) {
  std::string text;
  text.reserve(value.size());
  for (const std::string_view word : base::split(value, base::kBlanks)) {
    if (!text.empty()) text.append(1, ' ');
    text.append(word);
  }
  return text;
}

// The daemon's options and arguments, in words that are never broken.
void add_command(FoldedText& text, const config::Arguments& arguments, bool fold) {
  bool after_override = false;
  const auto add_word = [&](std::string_view word) {
    if (after_override && fold) {
      text.add_line(word);
    } else {
      text.add(word);
    }
    after_override = false;
  };
  for (const config::Arguments::Option& option : arguments.options) {
    if (!option.is_override) {
      add_word(config::wrap(option.text));
      continue;
    }
    const std::string both = "-o " + config::wrap(option.text);
    if (fold) {
      text.add_line(both);
    } else {
      text.add(both);
    }
    after_override = true;
  }
  for (const std::string& word : arguments.others) add_word(config::wrap(word));
}

}  // namespace

std::string json_text(std::string_view name, std::string_view value) {
  return "{" + json_string(name) + ": " + json_string(value) + "}\n";
}

std::string setting_text(std::string_view name, std::string_view value, const Form& form) {
  if (form.json) return json_text(name, one_blank_between(value));
  if (!form.values) return std::string(name) + '\n';
  std::string start;
  if (form.names) start.append(name).append(" =");
  if (!form.fold) {
    const std::string plain = one_blank_between(value);
    if (!plain.empty() && !start.empty()) start.append(1, ' ');
    return start.append(plain).append(1, '\n');
  }
  auto words = base::split(value, base::kBlanks);
  std::size_t next = 0;
  if (start.empty() && !words.empty()) start = words[next++];
  const std::size_t column = start.size();
  FoldedText text(std::move(start), column, kSettingWidth);
  for (; next < words.size(); ++next) text.add(words[next]);
  return text.take().append(1, '\n');
}

std::string command_text(const ServiceEntry& entry, bool fold, std::size_t column) {
  std::string program = entry.line.command.front();
  column += program.size();
  FoldedText text(std::move(program), column, fold ? kServiceWidth : std::string::npos);
  add_command(text, entry.arguments, fold);
  return text.take();
}

std::string service_text(const ServiceEntry& entry, bool fold) {
  const config::ServiceLine& line = entry.line;
  struct Field {
    std::string_view text;
    std::size_t column;
  };
  const std::array fields = {
      Field{line.name, 0},    Field{line.type, 11},   Field{line.private_field, 17}, Field{line.unprivileged, 25},
      Field{line.chroot, 33}, Field{line.wakeup, 41}, Field{line.process_limit, 49},
  };
  constexpr std::size_t kCommandColumn = 57;
  std::string text;
  const auto move_to = [&text](std::size_t column) {
    if (!text.empty()) text.append(text.size() < column ? column - text.size() : 1, ' ');
  };
  for (const auto& [field, column] : fields) {
    move_to(column);
    text.append(field);
  }
  move_to(kCommandColumn);
  const std::size_t column = text.size();
  return text.append(command_text(entry, fold, column)).append(1, '\n');
}

}  // namespace postconf
