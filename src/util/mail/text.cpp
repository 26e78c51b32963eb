#include "mail/text.h"

#include <array>
#include <cstdio>

#include "base/text.h"

namespace mail {

namespace {

constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::string_view kHex = "0123456789ABCDEF";

std::tm local_time(std::time_t time) {
  std::tm parts{};
  if (::localtime_r(&time, &parts) == nullptr) {  // a year that does not fit
    const std::time_t epoch = 0;
    ::localtime_r(&epoch, &parts);
  }
  return parts;
}

const char* day_of(const std::tm& parts) {
  return kDays[static_cast<std::size_t>(parts.tm_wday)];
}
const char* month_of(const std::tm& parts) {
  return kMonths[static_cast<std::size_t>(parts.tm_mon)];
}

int hex_value(char c) {
  if (base::is_digit(c)) return c - '0';
  const char small = base::to_lower(c);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

// The length of the status code at the front, 0 when there is none.
std::size_t status_code_length(std::string_view text) {
  if (text.size() < 2 || !std::string_view("245").contains(text[0]) || text[1] != '.') return 0;
  std::size_t at = 2;
  for (const bool last : {false, true}) {
    const std::size_t begin = at;
    while (at < text.size() && base::is_digit(text[at])) ++at;
    if (at == begin || at - begin > 3) return 0;
    if (last) break;
    if (at == text.size() || text[at] != '.') return 0;
    ++at;
  }
  return at == text.size() || base::is_blank(text[at]) ? at : 0;
}

}  // namespace

std::string date(std::time_t time) {
  const std::tm parts = local_time(time);
  const long minutes = parts.tm_gmtoff / 60;
  const long distance = minutes < 0 ? -minutes : minutes;
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} {}{:02}{:02} ({})", day_of(parts), parts.tm_mday,
                     month_of(parts), parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     minutes < 0 ? '-' : '+', distance / 60, distance % 60, parts.tm_zone);
}

std::string asctime(std::time_t time) {
  const std::tm parts = local_time(time);
  return fmt::format("{} {} {:2} {:02}:{:02}:{:02} {}", day_of(parts), month_of(parts), parts.tm_mday, parts.tm_hour,
                     parts.tm_min, parts.tm_sec, parts.tm_year + 1900);
}

bool is_status_code(std::string_view text) {
  return !text.empty() && status_code_length(text) == text.size();
}

CodeAndText split_status(std::string_view text, std::string_view default_code) {
  text = base::trim_left(text);
  const std::size_t length = status_code_length(text);
  if (length == 0) return {std::string(default_code), std::string(text)};
  std::string code(text.substr(0, length));
  if (!default_code.empty()) code[0] = default_code[0];
  return {std::move(code), std::string(base::trim_left(text.substr(length)))};
}

std::string to_xtext(std::string_view plain) {
  std::string encoded;
  for (const char c : plain) {
    if (c > ' ' && c < '\x7f' && c != '+' && c != '=') {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += '+';
    encoded += kHex[byte >> 4];
    encoded += kHex[byte & 15];
  }
  return encoded;
}

std::optional<std::string> from_xtext(std::string_view encoded) {
  std::string plain;
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    if (encoded[i] != '+') {
      if (encoded[i] == '\0') return std::nullopt;
      plain += encoded[i];
      continue;
    }
    if (encoded.size() - i < 3) return std::nullopt;
    const int high = hex_value(encoded[i + 1]);
    const int low = hex_value(encoded[i + 2]);
    if (high < 0 || low < 0 || high + low == 0) return std::nullopt;
    plain += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return plain;
}

std::vector<std::string> wrap(std::string_view text, std::size_t width, std::size_t first, std::size_t rest) {
  std::vector<std::string> lines;
  text = base::trim(text);
  std::size_t indent = first;
  while (!text.empty()) {
    const std::size_t room = width > indent ? width - indent : 0;
    std::size_t end = text.size();
    if (end > room) {
      end = text.find_first_of(base::kBlanks);
      for (auto blank = end; blank != std::string_view::npos && blank <= room;
           blank = text.find_first_of(base::kBlanks, blank + 1)) {
        end = blank;
      }
      if (end == std::string_view::npos) end = text.size();
    }
    lines.push_back(std::string(indent, ' ') + std::string(base::trim_right(text.substr(0, end))));
    text = base::trim_left(text.substr(end));
    indent = rest;
  }
  return lines;
}

}  // namespace mail
