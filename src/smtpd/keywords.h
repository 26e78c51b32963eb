#pragma once
// The keywords of EHLO, and which of them a client is not to see.

#include <string>
#include <string_view>
#include <vector>

namespace smtpd {

enum class Keyword : unsigned {
  eight_bit_mime,
  auth,
  chunking,
  dsn,
  enhanced_status_codes,
  etrn,
  pipelining,
  requiretls,
  silent_discard,  // no keyword: says that nothing is logged about it
  size,
  smtputf8,
  starttls,
  verp,
  vrfy,
  xclient,
  xforward,
};

class Keywords {
 public:
  bool has(Keyword keyword) const { return (bits_ & bit(keyword)) != 0; }
  void add(Keyword keyword) { bits_ |= bit(keyword); }
  bool empty() const { return bits_ == 0; }
  bool operator==(const Keywords&) const = default;

 private:
  static unsigned bit(Keyword keyword) { return 1U << static_cast<unsigned>(keyword); }
  unsigned bits_ = 0;
};

// The words of smtpd_discard_ehlo_keywords. What nobody knows is left out.
Keywords parse_keywords(std::string_view words);
std::string names_of(Keywords keywords);  // "DSN CHUNKING"

}  // namespace smtpd
