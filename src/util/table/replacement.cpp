#include "table/replacement.h"

#include "base/text.h"

namespace table {

namespace {

bool is_name_character(char c) {
  return base::is_alnum(c) || c == '_';
}

// The name that a `$` refers to, and how many bytes after the dollar it takes.
struct Reference {
  std::string_view name;
  std::size_t size;
};

std::expected<Reference, std::string_view> reference_at(std::string_view text) {
  if (text.starts_with('{') || text.starts_with('(')) {
    const char close = text.front() == '{' ? '}' : ')';
    const std::size_t size = base::balanced(text, text.front(), close);
    if (size == 0) return std::unexpected("truncated macro reference");
    if (size == 2) return std::unexpected("empty macro name");
    return Reference{text.substr(1, size - 2), size};
  }
  std::size_t size = 0;
  while (size < text.size() && is_name_character(text[size])) ++size;
  if (size == 0) return std::unexpected("empty macro name");
  return Reference{text.substr(0, size), size};
}

}  // namespace

std::expected<Replacement, Replacement::Problem> Replacement::parse(std::string_view text) {
  Replacement result;
  std::string literal;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$') {
      literal += text[i];
      continue;
    }
    if (text.substr(i + 1).starts_with('$')) {
      literal += '$';
      ++i;
      continue;
    }
    const auto reference = reference_at(text.substr(i + 1));
    if (!reference) return std::unexpected(Problem{fmt::format("{}: \"{}\"", reference.error(), text), true});
    if (!base::all_digits(reference->name)) {
      return std::unexpected(Problem{fmt::format("non-numeric replacement index \"{}\"", reference->name), false});
    }
    const auto number = base::to_long(reference->name);
    if (!number || *number < 1 || *number > 0xffff) {
      return std::unexpected(Problem{fmt::format("out of range replacement index \"{}\"", reference->name), false});
    }
    const int group = static_cast<int>(*number);
    if (!literal.empty()) result.parts_.push_back({std::exchange(literal, {}), 0});
    result.parts_.push_back({{}, group});
    result.highest_ = std::max(result.highest_, group);
    i += reference->size;
  }
  if (!literal.empty()) result.parts_.push_back({std::move(literal), 0});
  return result;
}

std::string Replacement::fill(std::string_view subject, std::span<const Group> groups) const {
  std::string result;
  for (const Part& part : parts_) {
    if (part.group == 0) {
      result += part.text;
      continue;
    }
    const auto index = static_cast<std::size_t>(part.group);
    if (index >= groups.size()) continue;
    const Group& group = groups[index];
    if (group.start == Group::kNoMatch || group.start > group.end || group.end > subject.size()) continue;
    result += subject.substr(group.start, group.end - group.start);
  }
  return result;
}

}  // namespace table
